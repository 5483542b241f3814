// What the samplers do to the scores of one place: the twin of unspool/generation/sampling/filters.py.
#pragma once

#include "network/loss.h"
#include "writing/select.h"

namespace unspool::UNSPOOL_ISA {

constexpr float kLowest = -1e29f;  // where the score of something that may be drawn ends

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

    void run(const Decoding& decoding, float temperature) {
        for (int i = 0; i < decoding.num_samplers; ++i) {
            const Sampler sampler = decoding.samplers[i];
            if (sampler == Sampler::kTemperature && temperature != 1.0f) scale(temperature);
            if (sampler == Sampler::kTopK && decoding.top_k > 0) top_k(decoding.top_k);
            if (sampler == Sampler::kTopP && decoding.top_p < 1.0) top_p(decoding.top_p);
            if (sampler == Sampler::kMinP && decoding.min_p > 0.0f) min_p(decoding.min_p);
            if (sampler == Sampler::kTypicalP && decoding.typical_p < 1.0) typical_p(decoding.typical_p);
        }
        weigh();
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

    // Brings the weights up to date: probabilities up to a factor, 1 for the most probable symbol.
    void weigh() {
        if (weighed_) return;
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores_.get() + j);
            store(weights_.get() + j, score > Network::kNever ? exponential(score - top_) : Vec{});
        }
        weighed_ = true;
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
        for (int j = 0; j < width_; j += kLanes) {
            const Vec weight = load(weights_.get() + j), score = load(scores_.get() + j);
            store(scores_.get() + j, weight < p ? broadcast(Network::kNever) : score);
            store(weights_.get() + j, weight < p ? Vec{} : weight);
        }
        int left = 0;
        for (int i = 0; i < listed_; ++i) {
            keys_[left] = keys_[i];
            left += scores_.get()[id_of(keys_[i])] > Network::kNever;
        }
        listed_ = listed_ < 0 ? -1 : left;
    }

    // Those first whose surprise is nearest to the mean, the entropy.
    void typical_p(double p) {
        weigh();
        double total = 0.0, energy = 0.0;
        for (int32_t j = 1; j < vocab_; ++j) {
            const double weight = static_cast<double>(weights_.get()[j]);
            if (weight == 0.0) continue;
            total += weight;
            energy += weight * static_cast<double>(top_ - scores_.get()[j]);
        }
        const float mean = static_cast<float>(energy / total);  // the entropy without ln total, which cancels
        list([&](int32_t id) { return -std::fabs(top_ - scores_.get()[id] - mean); });
        keep(select_share(keys_, listed_, weights_.get(), p * total));
        const float top = largest(scores_.get(), width_);
        weighed_ = top == top_;
        top_ = top;
    }
};

}  // namespace unspool::UNSPOOL_ISA
