// The repetitions of a sequence, and the penalty of each token that would go on with one (DRY).
#pragma once

#include <cmath>
#include <cstring>

#include "dispatch/kernels.h"
#include "products/simd.h"
#include "writing/text_automaton.h"

namespace unspool::UNSPOOL_ISA {

constexpr double kDryExponent = 70.0;  // e^70 times any multiplier is finite in float32
constexpr int kDryNumbers = 4;         // multiplier, base, allowed length, tokens to look at; then breakers

// A step takes as long as there are lengths that differ in their penalty, however long the text is.
class Repetitions {
 public:
    // Begins with an empty text; false if there is no memory left. The stage must outlive this.
    bool begin(const DrawStage& stage, int vocab, int width) {
        stage_ = &stage;
        vocab_ = vocab;
        width_ = width;
        allowed_ = static_cast<int64_t>(stage.numbers[2]);
        last_ = static_cast<int64_t>(stage.numbers[3]);
        const double base = stage.numbers[1];
        most_ = allowed_ + (base > 1.0 ? static_cast<int64_t>(kDryExponent / std::log(base)) : 0);
        bool ok = longest_.reserve(width) != nullptr && text_.begin(vocab, allowed_, most_, last_ > 0);
        for (int at = 0; ok && at < stage.count; ++at) ok = ends_.add(0);
        return ok;
    }

    // Adds the last of `length` tokens; false if there is no memory left.
    bool add(const int32_t* tokens, int64_t length) {
        length_ = length;
        each_breaker([&](int at, int64_t size) {
            if (size > length) return;
            int64_t same = 0;
            while (same < size && ids(at)[same] == static_cast<double>(tokens[length - size + same])) ++same;
            if (same == size) ends_[at] = length;
        });
        return text_.add(tokens[length - 1]);
    }

    // Lowers the score of each token that would continue a repetition of the end of the text.
    void penalize(float* scores) const {
        float* longest = longest_.get();
        std::memset(longest, 0, sizeof(float) * width_);
        const int64_t start = last_ > 0 && last_ < length_ ? length_ - last_ : 0;
        const int64_t limit = lesser(after_last_breaker(start), most_);
        text_.each_next(limit, start, [&](int32_t id, int64_t same) {
            if (static_cast<float>(same) > longest[id]) longest[id] = static_cast<float>(same);
        });
        each_breaker([&](int at, int64_t size) {
            if (size == 1 && ids(at)[0] < vocab_) longest[static_cast<int32_t>(ids(at)[0])] = 0.0f;
        });
        for (int32_t j = 0; j < vocab_; ++j) {
            const double more = static_cast<double>(longest[j]) - static_cast<double>(allowed_);
            if (more >= 0.0)
                scores[j] -= static_cast<float>(stage_->numbers[0] * std::pow(stage_->numbers[1], more));
        }
    }

 private:
    const DrawStage* stage_ = nullptr;
    int vocab_ = 0, width_ = 0;
    int64_t allowed_ = 0, last_ = 0, length_ = 0;
    int64_t most_ = 0;  // length from which on a longer repetition has no higher penalty
    TextAutomaton text_;
    Growing<int64_t> ends_;  // for each breaker, by its number in the stage, where it last ended; 0: nowhere
    Buffer longest_;         // scratch: length of the longest repetition that each token would continue

    const double* ids(int at) const { return stage_->numbers + at + 1; }

    // Visits each breaker, stored as its length and its ids: the number of its length in the stage, and it.
    template <typename Visit>
    void each_breaker(Visit visit) const {
        for (int at = kDryNumbers; at < stage_->count; at += 1 + static_cast<int>(stage_->numbers[at]))
            if (stage_->numbers[at] > 0.0) visit(at, static_cast<int64_t>(stage_->numbers[at]));
    }

    // Returns the number of tokens after the last breaker of the text from `start` on; all if there is none.
    int64_t after_last_breaker(int64_t start) const {
        int64_t after = length_ - start;
        each_breaker([&](int at, int64_t size) {
            if (ends_[at] - size >= start) after = lesser(after, length_ - ends_[at]);
        });
        return after;
    }
};

}  // namespace unspool::UNSPOOL_ISA
