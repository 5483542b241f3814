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

// The temperature of symbol `place` of a text.
inline float temperature_at(const Decoding& decoding, int64_t place) {
    const double* numbers = decoding.temperatures;
    const int lines = decoding.num_temperatures - 1;
    if (lines == 0) return static_cast<float>(numbers[0]);
    const int64_t steps = decoding.temperature_steps;
    const double along =
        static_cast<double>((place < steps ? place : steps) * lines) / static_cast<double>(steps);
    const int at = along < lines ? static_cast<int>(along) : lines - 1;
    return static_cast<float>(numbers[at] + (numbers[at + 1] - numbers[at]) * (along - at));
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
        plain_ = is_plain();
        if (decoding_.bias != nullptr) {
            if (bias_.reserve(net_.vocab_width) == nullptr) return false;
            std::memcpy(bias_.get(), decoding_.bias, sizeof(float) * net_.shape.vocab_size);
        }
        return weights_.reserve(net_.vocab_width) != nullptr &&
               ((plain_ && decoding_.alternatives == 0) ||
                (filters_.reserve(net_.shape.vocab_size, net_.vocab_width) &&
                 open_.reserve(net_.vocab_width) != nullptr));
    }

    Drawn draw(const float* logits, const DrawPlace& place) {
        const float temperature = temperature_at(decoding_, place.index);
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
    bool plain_ = false;
    Buffer weights_, bias_, open_;
    Filters filters_;

    // Whether the temperature is all there is.
    bool is_plain() const {
        const Decoding& d = decoding_;
        return d.top_k == 0 && d.top_p >= 1.0 && d.min_p == 0.0f && d.typical_p >= 1.0 &&
               d.repetition_penalty == 1.0f && d.presence_penalty == 0.0f && d.frequency_penalty == 0.0f &&
               d.ngram == 0 && d.bias == nullptr && d.min_tokens == 0 && d.guide.classes == nullptr;
    }

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
        if (place.index < decoding_.min_tokens && end_id_ >= 0) scores[end_id_] = Network::kNever;
        if (decoding_.ngram > 0) place.history->forbid_repeated(decoding_.ngram, scores);
        if (decoding_.bias != nullptr)
            for (int j = 0; j < width; j += kLanes)
                store(scores + j, load(scores + j) + load(bias_.get() + j));
        place.history->penalize(decoding_, scores);
        if (!filters_.begin()) return drawn;
        if (temperature == 0.0f) {
            drawn.token = most_probable(scores, vocab);
        } else {
            filters_.run(decoding_, temperature);
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
