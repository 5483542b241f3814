// What the samplers do to the scores of one place: the twin of unspool/generation/sampling/filters.py.
#pragma once

#include "network/loss.h"
#include "writing/random.h"
#include "writing/select.h"

namespace unspool::UNSPOOL_ISA {

constexpr uint64_t kXtcStream = uint64_t{0x585443}
                                << 40;  // beyond all places: which number of a text's stream
constexpr float kLowest = -1e29f;       // where the score of something that may be drawn ends

// The temperature of symbol `place` of a text, from the stage's numbers: the symbols over which it runs, then
// temperatures with straight lines between them.
inline float temperature_at(const DrawStage& stage, int64_t place) {
    const double* temperatures = stage.numbers + 1;
    const int lines = stage.count - 2;
    if (lines <= 0) return static_cast<float>(temperatures[0]);
    const int64_t steps = static_cast<int64_t>(stage.numbers[0]);
    const double along =
        static_cast<double>((place < steps ? place : steps) * lines) / static_cast<double>(steps);
    const int at = along < lines ? static_cast<int>(along) : lines - 1;
    return static_cast<float>(temperatures[at] + (temperatures[at + 1] - temperatures[at]) * (along - at));
}

// Scores and weights of one place, in whole vectors, and which symbols are left.
class Filters {
 public:
    bool reserve(int vocab, int width) {
        vocab_ = vocab;
        width_ = width;
        keys_ = static_cast<uint64_t*>(std::malloc(sizeof(uint64_t) * vocab));
        return keys_ != nullptr && scores_.reserve(width) != nullptr && weights_.reserve(width) != nullptr;
    }
    Filters() = default;
    Filters(const Filters&) = delete;
    Filters& operator=(const Filters&) = delete;
    ~Filters() { std::free(keys_); }

    float* scores() const { return scores_.get(); }
    const float* weights() const { return weights_.get(); }
    float top() const { return top_; }

    // Takes the scores as they stand for those of another place; says whether anything may be drawn.
    bool begin() {
        listed_ = -1;
        weighed_ = false;
        top_ = largest(scores_.get(), width_);
        return top_ > Network::kNever;
    }

    // Brings the weights up to date: probabilities up to a factor, 1 for the most probable symbol.
    void weigh() {
        if (weighed_) return;
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores_.get() + j);
            store(weights_.get() + j, score > Network::kNever ? exponential(score - top_) : Vec{});
        }
        weighed_ = true;
    }

    // Divided, not multiplied by the inverse: the inverse of the smallest temperatures is infinite.
    void scale(float temperature) {
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores_.get() + j);
            const Vec scaled = larger((score - top_) / temperature, broadcast(kLowest));
            store(scores_.get() + j, score > Network::kNever ? scaled : broadcast(Network::kNever));
        }
        top_ = 0.0f;
        weighed_ = false;
    }

    void top_k(int k) {
        list([this](int32_t id) { return scores_.get()[id]; });
        if (k >= listed_) return;
        select_greatest(keys_, listed_, k);
        keep(k);
    }

    void top_p(double p) {
        weigh();
        list([this](int32_t id) { return scores_.get()[id]; });
        keep(select_share(keys_, listed_, weights_.get(), p * listed_weight()));
    }

    void min_p(float p) {
        weigh();
        cut(weights_.get(), p);
    }

    // Those with at most so many bits of surprise, and in any case the most probable.
    void most_surprise(double bits) {
        weigh();
        double total = 0.0;
        for (int32_t j = 1; j < vocab_; ++j) total += static_cast<double>(weights_.get()[j]);
        const double least = std::exp2(-bits) * total;
        min_p(static_cast<float>(least < 1.0 ? least : 1.0));
    }

    // Of the population, in two passes.
    void top_n_sigma(double n) {
        double count = 0.0, sum = 0.0, squares = 0.0;
        for (int32_t j = 1; j < vocab_; ++j) {
            if (scores_.get()[j] == Network::kNever) continue;
            count += 1.0;
            sum += static_cast<double>(scores_.get()[j]);
        }
        for (int32_t j = 1; j < vocab_; ++j) {
            const double away = static_cast<double>(scores_.get()[j]) - sum / count;
            if (scores_.get()[j] > Network::kNever) squares += away * away;
        }
        cut(scores_.get(), static_cast<float>(static_cast<double>(top_) - n * std::sqrt(squares / count)));
    }

    void epsilon_cutoff(double epsilon) {
        min_p(static_cast<float>(std::fmin(1.0, epsilon * spread().total)));
    }

    // exp(-entropy) times the total is exp(-mean surprise): both without ln of the total.
    void eta_cutoff(double epsilon) {
        const Spread all = spread();
        min_p(static_cast<float>(
            std::fmin(epsilon * all.total, std::sqrt(epsilon) * std::exp(-all.mean_surprise))));
    }

    // Leaves of the symbols with at least the share `threshold` the least probable one alone.
    void exclude_top_choices(double threshold) {
        const float least = static_cast<float>(threshold * spread().total);
        int32_t last = 0;  // of equals the greatest id
        const auto is_top = [this, least](int32_t j) {
            return scores_.get()[j] > Network::kNever && weights_.get()[j] >= least;
        };
        for (int32_t j = 1; j < vocab_; ++j)
            if (is_top(j) && (last == 0 || scores_.get()[j] <= scores_.get()[last])) last = j;
        for (int32_t j = 1; j < vocab_; ++j)
            if (j != last && is_top(j)) scores_.get()[j] = Network::kNever;
        unlist();
        top_ = largest(scores_.get(), width_);
        weighed_ = false;
    }

    // Those first whose surprise is nearest to the mean, the entropy.
    void typical_p(double p) {
        const Spread all = spread();
        const float mean = static_cast<float>(all.mean_surprise);
        list([&](int32_t id) { return -std::fabs(top_ - scores_.get()[id] - mean); });
        keep(select_share(keys_, listed_, weights_.get(), p * all.total));
        const float top = largest(scores_.get(), width_);
        weighed_ = top == top_;
        top_ = top;
    }

    // The `count` most probable symbols of a row of logits, the first one first.
    const uint64_t* most_probable(const float* logits, int count) {
        for (int32_t j = 1; j < vocab_; ++j) keys_[j - 1] = key_of(logits[j], j);
        listed_ = -1;
        select_greatest(keys_, vocab_ - 1, count);
        sort_greatest(keys_, count);
        return keys_;
    }

 private:
    int vocab_ = 0, width_ = 0;
    int listed_ = -1;  // the symbols left are those of this many keys; -1: they are not listed
    bool weighed_ = false;
    float top_ = 0.0f;
    Buffer scores_, weights_;
    uint64_t* keys_ = nullptr;

    struct Spread {
        double total;          // of the weights
        double mean_surprise;  // the entropy in nats, without ln total
    };

    Spread spread() {
        weigh();
        double total = 0.0, energy = 0.0;
        for (int32_t j = 1; j < vocab_; ++j) {
            const double weight = static_cast<double>(weights_.get()[j]);
            if (weight == 0.0) continue;
            total += weight;
            energy += weight * static_cast<double>(top_ - scores_.get()[j]);
        }
        return {total, energy / total};
    }

    // Lists the symbols left by a measure of each.
    template <typename Measure>
    void list(Measure&& measure) {
        const float* scores = scores_.get();
        if (listed_ < 0) {
            listed_ = 0;
            for (int32_t j = 1; j < vocab_; ++j) {
                keys_[listed_] = key_of(measure(j), j);
                listed_ += scores[j] > Network::kNever;
            }
            return;
        }
        for (int i = 0; i < listed_; ++i) keys_[i] = key_of(measure(id_of(keys_[i])), id_of(keys_[i]));
    }

    // Takes out the symbols whose score or weight is below `least`; the most probable one has to stay.
    void cut(const float* measures, float least) {
        for (int j = 0; j < width_; j += kLanes) {
            const Vec measure = load(measures + j), weight = load(weights_.get() + j);
            const Vec score = load(scores_.get() + j);
            store(scores_.get() + j, measure < least ? broadcast(Network::kNever) : score);
            store(weights_.get() + j, measure < least ? Vec{} : weight);
        }
        unlist();
    }

    // Takes those that may not be drawn from the list.
    void unlist() {
        int left = 0;
        for (int i = 0; i < listed_; ++i) {
            keys_[left] = keys_[i];
            left += scores_.get()[id_of(keys_[i])] > Network::kNever;
        }
        listed_ = listed_ < 0 ? -1 : left;
    }

    void keep(int count) {
        for (int i = count; i < listed_; ++i) {
            const int32_t id = id_of(keys_[i]);
            scores_.get()[id] = Network::kNever;
            weights_.get()[id] = 0.0f;
        }
        listed_ = count;
    }

    double listed_weight() const {
        double total = 0.0;
        for (int i = 0; i < listed_; ++i) total += static_cast<double>(weights_.get()[id_of(keys_[i])]);
        return total;
    }
};

// What a sampler may know of a place of a text.
struct SamplerPlace {
    int64_t index;  // symbols of the text before it
    uint64_t key;   // the text's random stream, of which number `index` makes the draw
    double memory;  // what the stage remembers of the text
};

struct SamplerRow {
    const char* name;  // in FILTERS of unspool/generation/sampling/filters.py, where the twin is
    void (*apply)(Filters& filters, const DrawStage& stage, const SamplerPlace& place);
    // What the stage remembers: at the beginning of a text, and after a token was drawn that had a
    // probability. Null if it remembers nothing.
    double (*first)(const DrawStage& stage) = nullptr;
    double (*after)(const DrawStage& stage, double memory, double probability) = nullptr;
};

// The table of samplers; null behind the last row.
inline const SamplerRow* sampler_row(int row) {
    static constexpr SamplerRow rows[] = {
        {"temperature",
         [](Filters& filters, const DrawStage& stage, const SamplerPlace& place) {
             const float temperature = temperature_at(stage, place.index);
             if (temperature != 1.0f) filters.scale(temperature);
         }},
        {"top_n_sigma", [](Filters& filters, const DrawStage& stage,
                           const SamplerPlace&) { filters.top_n_sigma(stage.numbers[0]); }},
        {"top_k", [](Filters& filters, const DrawStage& stage,
                     const SamplerPlace&) { filters.top_k(static_cast<int>(stage.numbers[0])); }},
        {"top_p", [](Filters& filters, const DrawStage& stage,
                     const SamplerPlace&) { filters.top_p(stage.numbers[0]); }},
        {"min_p", [](Filters& filters, const DrawStage& stage,
                     const SamplerPlace&) { filters.min_p(static_cast<float>(stage.numbers[0])); }},
        {"typical_p", [](Filters& filters, const DrawStage& stage,
                         const SamplerPlace&) { filters.typical_p(stage.numbers[0]); }},
        {"epsilon_cutoff", [](Filters& filters, const DrawStage& stage,
                              const SamplerPlace&) { filters.epsilon_cutoff(stage.numbers[0]); }},
        {"eta_cutoff", [](Filters& filters, const DrawStage& stage,
                          const SamplerPlace&) { filters.eta_cutoff(stage.numbers[0]); }},
        {"xtc_probability",
         [](Filters& filters, const DrawStage& stage, const SamplerPlace& place) {
             const uint64_t stream = random_bits(place.key, kXtcStream);
             if (uniform(stream, static_cast<uint64_t>(place.index)) < stage.numbers[0])
                 filters.exclude_top_choices(stage.numbers[1]);
         }},
        {"mirostat_tau",
         [](Filters& filters, const DrawStage&, const SamplerPlace& place) {
             filters.most_surprise(place.memory);
         },
         [](const DrawStage& stage) { return 2.0 * stage.numbers[0]; },
         [](const DrawStage& stage, double most, double probability) {
             return most - stage.numbers[1] * (-std::log2(probability) - stage.numbers[0]);
         }},
    };
    return row < static_cast<int>(sizeof rows / sizeof *rows) ? rows + row : nullptr;
}

template <typename Row>
const char* name_of(const Row* row) {
    return row == nullptr ? nullptr : row->name;
}

// The stage with the row of this name; null where it is off.
template <typename Row>
const DrawStage* find_stage(const DrawStages& stages, const Row* (*row)(int), const char* name) {
    for (int i = 0; i < stages.count; ++i)
        if (std::strcmp(row(stages.stages[i].row)->name, name) == 0) return stages.stages + i;
    return nullptr;
}

}  // namespace unspool::UNSPOOL_ISA
