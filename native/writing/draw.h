// Drawing a symbol from a row of logits. The plain twin is unspool/generation/sampling/draw.py.
#pragma once

#include "writing/penalties.h"

namespace unspool::UNSPOOL_ISA {

// Number `counter` of a random stream, uniform in [0, 1): the SplitMix64 generator (Steele, Lea, Flood 2014),
// entered at any place without walking there.
inline double uniform(uint64_t key, uint64_t counter) {
    uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return static_cast<double>((z ^ (z >> 31)) >> 11) * 0x1p-53;
}

// Symbols 1 .. vocab - 1 may be drawn; 0 is <pad>.
inline int32_t most_probable(const float* logits, int vocab) {
    int32_t best = 1;
    for (int32_t j = 2; j < vocab; ++j)
        if (logits[j] > logits[best]) best = j;
    return best;
}

inline float total_of(const float* weights, int width) {
    Vec sums{};
    for (int j = 0; j < width; j += kLanes) sums += load(weights + j);
    return sum_lanes(sums);
}

// Draws by inversion: the first symbol at which the running sum passes `random` times the total.
inline int32_t invert(const float* weights, int vocab, double goal) {
    double sum = 0.0;
    int32_t token = 1;  // never <pad>
    for (int32_t j = 1; j < vocab && sum <= goal; ++j) {
        sum += static_cast<double>(weights[j]);
        // at the end the last one that may be drawn: rounding may keep the sum below the goal
        token = weights[j] > 0.0f ? j : token;
    }
    return token;
}

struct Drawn {
    int32_t token;      // -1: nothing may be drawn
    float logprob;      // under the model itself: temperature 1, no filter
    float constrained;  // the same, of what the guide allows
};

// A place of a text where a symbol is drawn.
struct DrawPlace {
    int64_t index;  // symbols of the text before it
    int64_t left;   // symbols that may still be drawn, this one among them
    double random;
    int32_t guide_state;
    const History* history;
};

// One thread's way of drawing: what the options ask for, and no more.
class Drawer {
 public:
    Drawer(const Network& network, const Decoding& decoding, int32_t end_id)
        : net_(network), decoding_(decoding), end_id_(end_id) {}

    bool reserve() {
        temperature_ = find_stage(decoding_.samplers, sampler_row, "temperature");
        const int others = decoding_.penalties.count + decoding_.samplers.count - (temperature_ != nullptr);
        plain_ = others == 0 && decoding_.guide.classes == nullptr;
        return weights_.reserve(net_.vocab_width) != nullptr &&
               ((plain_ && decoding_.alternatives == 0) ||
                (filters_.reserve(net_.shape.vocab_size, net_.vocab_width) &&
                 open_.reserve(net_.vocab_width) != nullptr));
    }

    Drawn draw(const float* logits, const DrawPlace& place) {
        const float temperature = temperature_ == nullptr ? 1.0f : temperature_at(*temperature_, place.index);
        return plain_ ? draw_plain(logits, temperature, place.random)
                      : draw_chosen(logits, temperature, place);
    }

    // Writes the most probable symbols of a row of logits and their log-probabilities.
    void report(const float* logits, float normaliser, int32_t* ids, float* logprobs) {
        const uint64_t* keys = filters_.most_probable(logits, decoding_.alternatives);
        for (int i = 0; i < decoding_.alternatives; ++i) {
            ids[i] = id_of(keys[i]);
            logprobs[i] = logits[ids[i]] - normaliser;
        }
    }

 private:
    const Network& net_;
    const Decoding& decoding_;
    const int32_t end_id_;
    bool plain_ = false;                      // whether the temperature is all there is
    const DrawStage* temperature_ = nullptr;  // null: 1
    Buffer weights_, open_;
    Filters filters_;

    Drawn draw_plain(const float* logits, float temperature, double random) {
        const int width = net_.vocab_width, vocab = net_.shape.vocab_size;
        float* weights = weights_.get();
        if (temperature == 0.0f) {
            const int32_t best = most_probable(logits, vocab);
            return {best, logits[best] - log_sum_exp(logits, width), 0.0f};
        }
        const float top = largest(logits, width);
        // divided, not multiplied by the inverse: the inverse of the smallest temperatures is infinite
        const Vec divisor = broadcast(temperature);
        for (int j = 0; j < width; j += kLanes)
            store(weights + j, exponential((load(logits + j) - top) / divisor));
        weights[0] = 0.0f;
        for (int j = vocab; j < width; ++j) weights[j] = 0.0f;
        const float total = total_of(weights, width);
        const float normaliser = temperature == 1.0f ? std::log(total) + top : log_sum_exp(logits, width);
        const int32_t token = invert(weights, vocab, random * static_cast<double>(total));
        return {token, logits[token] - normaliser, 0.0f};
    }

    Drawn draw_chosen(const float* logits, float temperature, const DrawPlace& place) {
        const int width = net_.vocab_width, vocab = net_.shape.vocab_size;
        float* scores = filters_.scores();
        Drawn drawn{-1, 0.0f, 0.0f};
        float allowed = 0.0f;
        if (decoding_.guide.classes != nullptr) {
            follow_guide(decoding_.guide, place.guide_state, place.left, end_id_, logits, vocab, width,
                         open_.get(), scores);
            allowed = log_sum_exp(scores, width);
        } else {
            std::memcpy(scores, logits, sizeof(float) * width);
        }
        const DrawStages &penalties = decoding_.penalties, &samplers = decoding_.samplers;
        for (int i = 0; i < penalties.count; ++i)
            penalty_row(penalties.stages[i].row)
                ->apply(penalties.stages[i], {*place.history, place.index, end_id_}, scores);
        if (!filters_.begin()) return drawn;
        if (temperature == 0.0f) {
            drawn.token = most_probable(scores, vocab);
        } else {
            for (int i = 0; i < samplers.count; ++i)
                sampler_row(samplers.stages[i].row)->apply(filters_, samplers.stages[i], place.index);
            filters_.weigh();
            const float* weights = filters_.weights();
            const double total = static_cast<double>(total_of(weights, width));
            drawn.token = invert(weights, vocab, place.random * total);
        }
        drawn.logprob = logits[drawn.token] - log_sum_exp(logits, width);
        drawn.constrained = logits[drawn.token] - allowed;
        return drawn;
    }
};

}  // namespace unspool::UNSPOOL_ISA
