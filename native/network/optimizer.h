// Optimizers over lists of arrays, with clipping by the global norm.
#pragma once

#include <cstdlib>

#include "network/network.h"

namespace unspool::UNSPOOL_ISA {

// The numbers in the rows of `OPTIMIZERS` in training/optimizers.py.
enum Optimizer { kAdam = 0, kRmsprop = 1, kSgd = 2 };

constexpr int64_t kChunk = 8192;  // floats that one sum covers: the same chunks for every number of threads

struct Chunk {
    int array;
    int64_t first, last;
};

inline int64_t count_chunks(const OptimizerStep& step) {
    int64_t count = 0;
    for (int a = 0; a < step.arrays; ++a) count += (step.sizes[a] + kChunk - 1) / kChunk;
    return count;
}

inline Chunk chunk_at(const OptimizerStep& step, int64_t index) {
    for (int a = 0; a < step.arrays; ++a) {
        const int64_t chunks = (step.sizes[a] + kChunk - 1) / kChunk;
        if (index < chunks) {
            const int64_t first = index * kChunk, last = first + kChunk;
            return {a, first, last < step.sizes[a] ? last : step.sizes[a]};
        }
        index -= chunks;
    }
    return {0, 0, 0};
}

// The sums of the squares of `Chunks` neighbouring chunks of `count` floats each. Each is summed in its own
// order, several at a time, since each addition waits for the one before.
template <int Chunks>
inline void sum_squares(const float* x, int64_t count, double* sums) {
    Vec totals[Chunks] = {};
    int64_t i = 0;
    for (; i + kLanes <= count; i += kLanes)
        for (int c = 0; c < Chunks; ++c) totals[c] += load(x + c * count + i) * load(x + c * count + i);
    for (int c = 0; c < Chunks; ++c) {
        sums[c] = 0.0;
        for (int j = 0; j < kLanes; ++j) sums[c] += static_cast<double>(totals[c][j]);
        for (int64_t r = i; r < count; ++r)
            sums[c] += static_cast<double>(x[c * count + r]) * x[c * count + r];
    }
}

// The sums of the squares of the gradients in chunks [first, last).
inline void sum_chunks(const OptimizerStep& step, int first, int last, double* sums) {
    constexpr int kTogether = 4;
    for (int c = first; c < last;) {
        const Chunk chunk = chunk_at(step, c);
        const float* x = step.gradients[chunk.array] + chunk.first;
        if (last - c >= kTogether && step.sizes[chunk.array] - chunk.first >= kTogether * kChunk) {
            sum_squares<kTogether>(x, kChunk, sums + c);
            c += kTogether;
        } else {
            sum_squares<1>(x, chunk.last - chunk.first, sums + c);
            ++c;
        }
    }
}

// One formula for vectors and for the remaining numbers at the end of an array.
struct Update {
    float rate, decay, beta1, beta2, epsilon, clip, correction1, correction2;

    template <int Kind, typename Number, typename Root>
    UNSPOOL_INLINE void apply(Number& p, Number g, Number& first, Number& second, Root root) const {
        g = g * clip;
        p = p * (1.0f - rate * decay);
        if constexpr (Kind == kAdam) {
            first = first * beta1 + g * (1.0f - beta1);
            second = second * beta2 + g * g * (1.0f - beta2);
            p = p - first * (rate * correction1) / (root(second * correction2) + epsilon);
        } else if constexpr (Kind == kRmsprop) {
            first = first * beta2 + g * g * (1.0f - beta2);
            p = p - g * rate / root(first + epsilon);
        } else {
            first = first * beta1 + g;
            p = p - first * rate;
        }
    }
};

UNSPOOL_INLINE Vec vector_root(Vec v) {
    Vec out;
    for (int j = 0; j < kLanes; ++j) out[j] = std::sqrt(v[j]);
    return out;
}

template <int Kind>
inline void update_chunk(const OptimizerStep& step, const Update& update, const Chunk& chunk) {
    constexpr bool kHasSecond = Kind == kAdam;
    float* p = step.parameters[chunk.array];
    const float* g = step.gradients[chunk.array];
    float* first = step.slots[0][chunk.array];
    float* second = kHasSecond ? step.slots[1][chunk.array] : nullptr;
    int64_t i = chunk.first;
    for (; i + kLanes <= chunk.last; i += kLanes) {
        Vec value = load(p + i), m = load(first + i), v{};
        if constexpr (kHasSecond) v = load(second + i);
        update.apply<Kind>(value, load(g + i), m, v, [](Vec x) { return vector_root(x); });
        store(p + i, value);
        store(first + i, m);
        if constexpr (kHasSecond) store(second + i, v);
    }
    for (; i < chunk.last; ++i) {
        float none = 0.0f;
        float& v = kHasSecond ? second[i] : none;
        update.apply<Kind>(p[i], g[i], first[i], v, [](float x) { return std::sqrt(x); });
    }
}

inline void update_any(const OptimizerStep& step, const Update& update, const Chunk& chunk) {
    switch (step.kind) {
        case kAdam:
            return update_chunk<kAdam>(step, update, chunk);
        case kRmsprop:
            return update_chunk<kRmsprop>(step, update, chunk);
        default:
            return update_chunk<kSgd>(step, update, chunk);
    }
}

inline double optimize(const Team& team, const OptimizerStep& step) {
    const int chunks = static_cast<int>(count_chunks(step));
    double* sums = static_cast<double*>(std::malloc(sizeof(double) * (chunks + 1)));
    if (sums == nullptr) return NAN;
    run_team(team, [&](int thread) {
        const Part part = part_of(chunks, team.size, thread);
        sum_chunks(step, part.first, part.last, sums);
    });
    double total = 0.0;
    for (int c = 0; c < chunks; ++c) total += sums[c];
    std::free(sums);
    const double norm = std::sqrt(total);
    if (!std::isfinite(norm)) return norm;
    Update update{step.learning_rate, 0.0f, step.beta1, step.beta2, step.epsilon, 1.0f, 1.0f, 1.0f};
    if (step.clip_norm > 0.0f && norm > step.clip_norm)
        update.clip = static_cast<float>(step.clip_norm / norm);
    update.correction1 = static_cast<float>(
        1.0 / (1.0 - std::pow(static_cast<double>(step.beta1), static_cast<double>(step.step))));
    update.correction2 = static_cast<float>(
        1.0 / (1.0 - std::pow(static_cast<double>(step.beta2), static_cast<double>(step.step))));
    run_team(team, [&](int thread) {
        const Part part = part_of(chunks, team.size, thread);
        for (int c = part.first; c < part.last; ++c) {
            const Chunk chunk = chunk_at(step, c);
            Update mine = update;
            mine.decay = step.decays[chunk.array];
            update_any(step, mine, chunk);
        }
    });
    return norm;
}

}  // namespace unspool::UNSPOOL_ISA
