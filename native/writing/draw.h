// Drawing a token from a row of logits. The plain twin is unspool/_generation/sampling/draw.py.
#pragma once

#include "writing/penalties.h"

namespace unspool::UNSPOOL_ISA {

// Tokens 1 .. vocab - 1 may be drawn; 0 is <pad>.
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

// Draws by inversion: the first token at which the running sum passes `random` times the total. The total
// comes from sums in float32, so a goal near its end may lie beyond the whole running sum: then the total is
// that one.
inline int32_t invert(const float* weights, int vocab, double random, double total) {
    int32_t token = 1;  // never <pad>
    for (int pass = 0; pass < 2; ++pass) {
        const double goal = random * total;
        double sum = 0.0;
        for (int32_t j = 1; j < vocab && sum <= goal; ++j) {
            sum += static_cast<double>(weights[j]);
            token = weights[j] > 0.0f ? j : token;
        }
        if (sum > goal) break;
        total = sum;
    }
    return token;
}

struct Drawn {
    int32_t token;      // -1: nothing may be drawn
    float logprob;      // under the model itself: at temperature 1, without filters
    float constrained;  // log-probability among the tokens that the guide allows
};

// A place of a text where a token is drawn.
struct DrawPlace {
    int64_t index;  // tokens of the text before it
    double random;
    int32_t guide_state;
    const History* history;
    uint64_t key;    // the text's random stream
    double* memory;  // what each sampler remembers of the text; null where none does
};

// Draws the tokens of one thread; computes only what the settings need.
class Drawer {
 public:
    explicit Drawer(const Network& network) : net_(network) {
        while (std::strcmp(sampler_row(temperature_row_)->name, "temperature") != 0) ++temperature_row_;
    }

    bool reserve() {
        return weights_.reserve(net_.vocab_width) != nullptr &&
               filters_.reserve(net_.shape.vocab_size, net_.vocab_width) &&
               open_.reserve(net_.vocab_width) != nullptr;
    }

    Drawn draw(const float* logits, const Settings& settings, const DrawPlace& place) {
        const DrawStages& samplers = settings.samplers;
        const DrawStage* scaling = nullptr;
        for (int i = 0; i < samplers.count; ++i)
            if (samplers.stages[i].row == temperature_row_) scaling = samplers.stages + i;
        const float temperature = scaling == nullptr ? 1.0f : temperature_at(*scaling, place.index);
        const int others = settings.penalties.count + samplers.count - (scaling != nullptr);
        return others == 0 && settings.guide.classes == nullptr
                   ? draw_plain(logits, temperature, place.random)
                   : draw_chosen(logits, settings, temperature, place);
    }

    // Writes the most probable tokens of a row of logits and their log-probabilities.
    void report(const float* logits, float normaliser, int count, int32_t* ids, float* logprobs) {
        const uint64_t* keys = filters_.most_probable(logits, count);
        for (int i = 0; i < count; ++i) {
            ids[i] = id_of(keys[i]);
            logprobs[i] = logits[ids[i]] - normaliser;
        }
    }

 private:
    const Network& net_;
    int temperature_row_ = 0;
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
        const int32_t token = invert(weights, vocab, random, static_cast<double>(total));
        return {token, logits[token] - normaliser, 0.0f};
    }

    Drawn draw_chosen(const float* logits, const Settings& settings, float temperature,
                      const DrawPlace& place) {
        const int width = net_.vocab_width, vocab = net_.shape.vocab_size;
        float* scores = filters_.scores();
        Drawn drawn{-1, 0.0f, 0.0f};
        float allowed = 0.0f;
        if (settings.guide.classes != nullptr) {
            follow_guide(settings.guide, place.guide_state, settings.max_new_tokens - place.index,
                         settings.end_id, logits, vocab, width, open_.get(), scores);
            allowed = log_sum_exp(scores, width);
        } else {
            std::memcpy(scores, logits, sizeof(float) * width);
        }
        const DrawStages &penalties = settings.penalties, &samplers = settings.samplers;
        for (int i = 0; i < penalties.count; ++i)
            penalty_row(penalties.stages[i].row)
                ->apply(penalties.stages[i], {*place.history, place.index, settings.end_id}, scores);
        if (!filters_.begin()) return drawn;
        if (temperature == 0.0f) {
            drawn.token = most_probable(scores, vocab);
        } else {
            for (int i = 0; i < samplers.count; ++i)
                sampler_row(samplers.stages[i].row)
                    ->apply(filters_, samplers.stages[i],
                            {place.index, place.key, place.memory == nullptr ? 0.0 : place.memory[i]});
            filters_.weigh();
            const float* weights = filters_.weights();
            const double total = static_cast<double>(total_of(weights, width));
            drawn.token = invert(weights, vocab, place.random, total);
            remember(samplers, static_cast<double>(weights[drawn.token]) / total, place.memory);
        }
        if (!(scores[drawn.token] > Network::kNever)) return {-1, 0.0f, 0.0f};  // numbers without sense
        drawn.logprob = logits[drawn.token] - log_sum_exp(logits, width);
        drawn.constrained = logits[drawn.token] - allowed;
        return drawn;
    }

    // Lets each sampler remember with which probability a token was drawn.
    static void remember(const DrawStages& samplers, double probability, double* memory) {
        for (int i = 0; i < samplers.count && memory != nullptr; ++i) {
            const SamplerRow* row = sampler_row(samplers.stages[i].row);
            if (row->after != nullptr) memory[i] = row->after(samplers.stages[i], memory[i], probability);
        }
    }
};

}  // namespace unspool::UNSPOOL_ISA
