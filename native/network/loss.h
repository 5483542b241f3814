// Softmax cross-entropy of rows of logits.
#pragma once

#include "network/network.h"

namespace unspool::UNSPOOL_ISA {

inline float largest(const float* row, int width) {
    Vec most = load(row);
    for (int j = kLanes; j < width; j += kLanes) most = larger(most, load(row + j));
    return max_lanes(most);
}

// ln sum e^row, for `width` floats, a whole number of vectors.
inline float log_sum_exp(const float* row, int width) {
    const float top = largest(row, width);
    Vec total{};
    for (int j = 0; j < width; j += kLanes) total += exponential(load(row + j) - top);
    return std::log(sum_lanes(total)) + top;
}

// Returns the nats of `target`; turns the row into scale * (softmax - one at the target).
inline float cross_entropy(float* row, int width, int32_t target, float scale) {
    const float top = largest(row, width), logit = row[target];
    Vec total{};
    for (int j = 0; j < width; j += kLanes) {
        const Vec logits = load(row + j), e = exponential(logits - top);
        // a token that cannot be drawn has probability 0, not e^-87
        const Vec kept = logits == Network::kNever ? Vec{} : e;
        total += kept;
        store(row + j, kept);
    }
    const float sum = sum_lanes(total);
    const Vec factor = broadcast(scale / sum);
    for (int j = 0; j < width; j += kLanes) store(row + j, load(row + j) * factor);
    row[target] -= scale;
    return std::log(sum) + top - logit;
}

// Logits of `rows` rows of the top layer's output, in whole vectors.
inline void compute_logits(const Network& network, int rows, const float* hidden, float* logits) {
    for (int r = 0; r < rows; ++r)
        std::memcpy(logits + static_cast<size_t>(r) * network.vocab_width, network.bias_row.get(),
                    sizeof(float) * network.vocab_width);
    multiply(rows, hidden, network.width, network.output, logits, network.vocab_width, true);
}

constexpr float kLargestLogit = 1e30f;

// Returns whether the logits of all tokens are finite, and small enough to stay finite under all options.
inline bool are_finite(const Network& network, const float* logits) {
    VecInt within{};
    for (int j = 0; j < network.vocab_width; j += kLanes) {
        const Vec row = load(logits + j);
        within -= (row <= kLargestLogit) & (row >= -kLargestLogit);  // -1 for each logit within the range
    }
    int count = 0;
    for (int i = 0; i < kLanes; ++i) count += within[i];
    return count == network.shape.vocab_size - 1 && logits[0] == Network::kNever;  // all but <pad>
}

}  // namespace unspool::UNSPOOL_ISA
