// What comes before the samplers: symbols that may not be drawn, and logits that are moved. The twin of
// unspool/generation/sampling/penalties.py.
#pragma once

#include "writing/filters.h"

namespace unspool::UNSPOOL_ISA {

// What one sequence has had so far, as far as penalties and n-grams need it.
class History {
 public:
    History() = default;
    History(const History&) = delete;
    History& operator=(const History&) = delete;
    ~History() { std::free(symbols_); }

    bool reserve(const Decoding& decoding, int vocab, int width) {
        counts_ = decoding.repetition_penalty != 1.0f || decoding.presence_penalty != 0.0f ||
                  decoding.frequency_penalty != 0.0f;
        last_ = counts_ ? decoding.penalty_last : 0;
        keeps_ = decoding.ngram > 0 || last_ > 0;
        vocab_ = vocab;
        width_ = width;
        return !counts_ || (seen_.reserve(width) != nullptr && written_.reserve(width) != nullptr);
    }

    // Begins with `length` symbols of which the last `written` are the text's own; makes room for `more`.
    bool begin(const int32_t* symbols, int64_t length, int64_t written, int64_t more) {
        if (keeps_ && length + more > room_) {
            std::free(symbols_);
            room_ = length + more;
            symbols_ = static_cast<int32_t*>(std::malloc(sizeof(int32_t) * room_));
            if (symbols_ == nullptr) room_ = 0;
        }
        if (keeps_ && symbols_ == nullptr && length + more > 0) return false;
        if (counts_) {
            std::memset(seen_.get(), 0, sizeof(float) * width_);
            std::memset(written_.get(), 0, sizeof(float) * width_);
        }
        length_ = 0;
        first_written_ = length - written;
        if (counts_ || keeps_)
            for (int64_t i = 0; i < length; ++i) add(symbols[i]);
        return true;
    }

    void add(int32_t id) {
        if (counts_) {
            seen_.get()[id] += 1.0f;
            written_.get()[id] += length_ >= first_written_ ? 1.0f : 0.0f;
        }
        if (keeps_) symbols_[length_] = id;
        ++length_;
        if (last_ == 0 || length_ <= last_) return;
        const int64_t gone = length_ - 1 - last_;  // its place: it is no longer one of the last
        seen_.get()[symbols_[gone]] -= 1.0f;
        written_.get()[symbols_[gone]] -= gone >= first_written_ ? 1.0f : 0.0f;
    }

    void penalize(const Decoding& decoding, float* scores) const {
        if (!counts_) return;
        const float penalty = decoding.repetition_penalty;
        for (int j = 0; j < width_; j += kLanes) {
            Vec score = load(scores + j);
            const Vec seen = load(seen_.get() + j), written = load(written_.get() + j);
            const Vec repeated = score > 0.0f ? score / penalty : score * penalty;
            score = seen > 0.0f ? repeated : score;
            score = written > 0.0f ? score - decoding.presence_penalty : score;
            store(scores + j, score - decoding.frequency_penalty * written);
        }
    }

    // Takes out what would make the last `size` symbols a repetition.
    void forbid_repeated(int size, float* scores) const {
        if (length_ < size) return;
        const int before = size - 1;
        const int32_t *suffix = symbols_ + length_ - before, *last = symbols_ + length_ - 1;
        for (const int32_t* at = symbols_ + before; at <= last; ++at)  // the symbol after a likely repetition
            if ((before == 0 || at[-1] == *last) &&
                std::memcmp(at - before, suffix, sizeof(int32_t) * before) == 0)
                scores[*at] = Network::kNever;
    }

 private:
    bool counts_ = false, keeps_ = false;
    int64_t last_ = 0, length_ = 0, first_written_ = 0, room_ = 0;
    int vocab_ = 0, width_ = 0;
    Buffer seen_, written_;  // how often each symbol is there, and how often in the text without the prompt
    int32_t* symbols_ = nullptr;
};

// The logits of one place with what the guide forbids taken out. `open` has room for a float of each class.
inline void follow_guide(const Automaton& guide, int32_t state, int64_t left, int32_t end_id,
                         const float* logits, int vocab, int width, float* open, float* scores) {
    const int32_t* after = guide.transitions + static_cast<size_t>(state) * guide.num_classes;
    for (int c = 0; c < guide.num_classes; ++c) {
        const int32_t next = after[c] < 0 ? 0 : after[c];
        const bool leads = (after[c] >= 0) & (guide.distance[next] < left);  // no branch: it would be a guess
        open[c] = leads ? 0.0f : Network::kNever;
    }
    for (int j = 0; j < vocab; ++j) scores[j] = logits[j] + open[guide.classes[j]];
    for (int j = vocab; j < width; ++j) scores[j] = Network::kNever;
    scores[0] = Network::kNever;
    if (end_id >= 0) scores[end_id] = guide.distance[state] == 0 ? logits[end_id] : Network::kNever;
}

}  // namespace unspool::UNSPOOL_ISA
