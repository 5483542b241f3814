// The samplers, which change the scores of one place: the twin of unspool/_generation/sampling/filters.py.
#pragma once

#include <cstdlib>

#include "network/loss.h"
#include "writing/random.h"
#include "writing/select.h"

namespace unspool::UNSPOOL_ISA {

constexpr uint64_t kXtcStream = uint64_t{0x585443}
                                << 40;  // index in the random stream of a text, above all places
constexpr float kLowest = -1e29f;       // the lowest score of a token that may be drawn

// The temperature of token `place` of a text, from the stage's numbers: the tokens over which it runs, then
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

// The scores and the weights of one place, in whole vectors, and the list of the tokens that are left.
class Filters {
 public:
    bool reserve(int vocab, int width) {
        vocab_ = vocab;
        width_ = width;
        if (keys_ == nullptr) keys_ = static_cast<uint64_t*>(std::malloc(sizeof(uint64_t) * vocab));
        return keys_ != nullptr && scores_.reserve(width) != nullptr && weights_.reserve(width) != nullptr;
    }
    Filters() = default;
    Filters(const Filters&) = delete;
    Filters& operator=(const Filters&) = delete;
    ~Filters() { std::free(keys_); }

    float* scores() const { return scores_.get(); }
    const float* weights() const { return weights_.get(); }
    float top() const { return top_; }

    // Starts a new place with the present scores; returns whether any token may be drawn.
    bool begin() {
        listed_ = -1;
        weighed_ = false;
        top_ = largest(scores_.get(), width_);
        return top_ > Network::kNever;
    }

    // Computes the weights from the scores: probabilities up to a factor, 1 for the most probable token.
    void weigh() {
        if (weighed_) return;
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores_.get() + j);
            store(weights_.get() + j, score > Network::kNever ? exponential(score - top_) : Vec{});
        }
        weighed_ = true;
    }

    // Divides: a product with the inverse would be infinite for the smallest temperatures.
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

    // Keeps the tokens with at most this surprise, and in any case the most probable one.
    void most_surprise(double bits) {
        min_p(static_cast<float>(std::fmin(1.0, std::exp2(-bits) * spread().total)));
    }

    // The standard deviation is that of the population, computed in two passes.
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

    // exp(-entropy) times the total is exp(-mean surprise), so ln of the total is not needed.
    void eta_cutoff(double epsilon) {
        const Spread all = spread();
        min_p(static_cast<float>(
            std::fmin(epsilon * all.total, std::sqrt(epsilon) * std::exp(-all.mean_surprise))));
    }

    // Removes the tokens with at least the share `threshold`, but not the least probable of them.
    void exclude_top_choices(double threshold) {
        const float least = static_cast<float>(threshold * spread().total);
        int32_t last = 0;  // of equal ones, the greatest id
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

    // Keeps the tokens whose surprise is nearest to the mean, which is the entropy.
    void typical_p(double p) {
        const Spread all = spread();
        const float mean = static_cast<float>(all.mean_surprise);
        list([&](int32_t id) { return -std::fabs(top_ - scores_.get()[id] - mean); });
        keep(select_share(keys_, listed_, weights_.get(), p * all.total));
        const float top = largest(scores_.get(), width_);
        weighed_ = top == top_;
        top_ = top;
    }

    // Returns the `count` most probable tokens of a row of logits, the most probable first.
    const uint64_t* most_probable(const float* logits, int count) {
        for (int32_t j = 1; j < vocab_; ++j) keys_[j - 1] = key_of(logits[j], j);
        listed_ = -1;
        select_greatest(keys_, vocab_ - 1, count);
        sort_greatest(keys_, count);
        return keys_;
    }

 private:
    int vocab_ = 0, width_ = 0;
    int listed_ = -1;  // number of keys of the tokens that are left; -1: there is no list
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

    // Lists the tokens that are left, with a measure of each.
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

    // Removes the tokens whose measure is below `least`; the most probable one must not be among them.
    void cut(const float* measures, float least) {
        for (int j = 0; j < width_; j += kLanes) {
            const Vec measure = load(measures + j), weight = load(weights_.get() + j);
            const Vec score = load(scores_.get() + j);
            store(scores_.get() + j, measure < least ? broadcast(Network::kNever) : score);
            store(weights_.get() + j, measure < least ? Vec{} : weight);
        }
        unlist();
    }

    // Removes from the list the tokens that may not be drawn.
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

// The facts about a place of a text that a sampler may use.
struct SamplerPlace {
    int64_t index;  // tokens of the text before it
    uint64_t key;   // the random stream of the text; its number `index` makes the draw
    double memory;  // the number that the stage remembers of the text
};

// A row of the table; the twin is the entry of its name in unspool/_generation/sampling/filters.py.
struct SamplerRow : StageRow {
    void (*apply)(Filters& filters, const DrawStage& stage, const SamplerPlace& place);
    // Return the number to remember: at the beginning of a text, and after a token with this probability was
    // drawn. Null if the stage remembers nothing.
    double (*first)(const DrawStage& stage) = nullptr;
    double (*after)(const DrawStage& stage, double memory, double probability) = nullptr;
};

// Returns a row of the table of samplers; null after the last one.
inline const SamplerRow* sampler_row(int row) {
    static constexpr SamplerRow rows[] = {
        {{"temperature", 2, 1.0, kMostTokens},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace& place) {
             const float temperature = temperature_at(stage, place.index);
             if (temperature != 1.0f) filters.scale(temperature);
         }},
        {{"top_n_sigma", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.top_n_sigma(stage.numbers[0]);
         }},
        {{"top_k", 1, 1.0, kMostTokens},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.top_k(static_cast<int>(stage.numbers[0]));
         }},
        {{"top_p", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.top_p(stage.numbers[0]);
         }},
        {{"min_p", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.min_p(static_cast<float>(stage.numbers[0]));
         }},
        {{"typical_p", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.typical_p(stage.numbers[0]);
         }},
        {{"epsilon_cutoff", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.epsilon_cutoff(stage.numbers[0]);
         }},
        {{"eta_cutoff", 1},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace&) {
             filters.eta_cutoff(stage.numbers[0]);
         }},
        {{"xtc_probability", 2},
         [](Filters& filters, const DrawStage& stage, const SamplerPlace& place) {
             const uint64_t stream = random_bits(place.key, kXtcStream);
             if (uniform(stream, static_cast<uint64_t>(place.index)) < stage.numbers[0])
                 filters.exclude_top_choices(stage.numbers[1]);
         }},
        {{"mirostat_tau", 2},
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

// Returns the stage with the row of this name; null if it is off.
template <typename Row>
const DrawStage* find_stage(const DrawStages& stages, const Row* (*row)(int), const char* name) {
    for (int i = 0; i < stages.count; ++i)
        if (std::strcmp(row(stages.stages[i].row)->name, name) == 0) return stages.stages + i;
    return nullptr;
}

}  // namespace unspool::UNSPOOL_ISA
