// The penalties, which come before the samplers: they forbid tokens and change logits. The twin of
// unspool/_generation/sampling/penalties.py.
#pragma once

#include "writing/filters.h"
#include "writing/ngram_index.h"
#include "writing/repetitions.h"

namespace unspool::UNSPOOL_ISA {

// The tokens of one sequence so far, in the form that penalties and n-grams need.
class History {
 public:
    History() = default;
    History(const History&) = delete;
    History& operator=(const History&) = delete;

    // Allocates the memory that the penalties need; false if there is none left.
    bool reserve(const Settings& settings, int vocab, int width);

    // Begins with the prompt; ids without a logit, which are only read, are left out.
    bool begin(const int32_t* prompt, int64_t length) {
        for (int64_t i = 0; i < length && (counts_ || keeps_); ++i)
            if (prompt[i] < vocab_ - 1 && !add(prompt[i])) return false;
        first_written_ = length_;
        return true;
    }

    // Adds a token; false if there is no memory left.
    bool add(int32_t id) {
        if (counts_) {
            seen_.get()[id] += 1.0f;
            written_.get()[id] += length_ >= first_written_ ? 1.0f : 0.0f;
        }
        if (keeps_ && !tokens_.add(id)) return false;
        ++length_;
        if (has_ngrams_ && !ngrams_.add(tokens_.get(), length_)) return false;
        if (has_repetitions_ && !repetitions_.add(tokens_.get(), length_)) return false;
        if (last_ == 0 || length_ <= last_) return true;
        const int64_t gone = length_ - 1 - last_;  // place of the token that leaves the window
        seen_.get()[tokens_[gone]] -= 1.0f;
        written_.get()[tokens_[gone]] -= gone >= first_written_ ? 1.0f : 0.0f;
        return true;
    }

    void penalize_repetition(float penalty, float* scores) const {
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores + j), seen = load(seen_.get() + j);
            const Vec repeated = score > 0.0f ? score / penalty : score * penalty;
            store(scores + j, seen > 0.0f ? repeated : score);
        }
    }

    void penalize_presence(float penalty, float* scores) const {
        for (int j = 0; j < width_; j += kLanes) {
            const Vec score = load(scores + j), written = load(written_.get() + j);
            store(scores + j, written > 0.0f ? score - penalty : score);
        }
    }

    void penalize_frequency(float penalty, float* scores) const {
        for (int j = 0; j < width_; j += kLanes)
            store(scores + j, load(scores + j) - penalty * load(written_.get() + j));
    }

    // Forbids the tokens that would make the last n tokens a repetition.
    void forbid_repeated(float* scores) const {
        ngrams_.each_next(tokens_.get(), length_, [&](int32_t token) { scores[token] = Network::kNever; });
    }

    // Lowers the score of each token that would continue a repetition of the end of the text.
    void penalize_continuation(float* scores) const { repetitions_.penalize(scores); }

 private:
    bool counts_ = false, keeps_ = false, has_ngrams_ = false, has_repetitions_ = false;
    int64_t last_ = 0, length_ = 0, first_written_ = INT64_MAX;
    int vocab_ = 0, width_ = 0;
    Buffer seen_, written_;  // count of each token, and its count in the text without the prompt
    Growing<int32_t> tokens_;
    NgramIndex ngrams_;  // of the size that may not repeat
    Repetitions repetitions_;
};

// The facts about a place of a text that a penalty may use.
struct PenaltyPlace {
    const History& history;
    int64_t index;   // tokens of the text before it
    int32_t end_id;  // -1: no token ends a text
};

// A row of the table; the twin is the entry of its name in unspool/_generation/sampling/penalties.py.
struct PenaltyRow : StageRow {
    bool counts;  // whether it needs the counts of the tokens
    bool keeps;   // whether it needs the tokens in their order
    void (*apply)(const DrawStage& stage, const PenaltyPlace& place, float* scores);
};

// Returns a row of the table of penalties; null after the last one.
inline const PenaltyRow* penalty_row(int row) {
    static constexpr PenaltyRow rows[] = {
        {{"ignore_eos", 1},
         false,
         false,
         [](const DrawStage&, const PenaltyPlace& place, float* scores) {
             if (place.end_id >= 0) scores[place.end_id] = Network::kNever;
         }},
        {{"min_tokens", 1},
         false,
         false,
         [](const DrawStage& stage, const PenaltyPlace& place, float* scores) {
             if (static_cast<double>(place.index) < stage.numbers[0] && place.end_id >= 0)
                 scores[place.end_id] = Network::kNever;
         }},
        {{"no_repeat_ngram_size", 1, 1.0, kMostTokens},
         false,
         true,
         [](const DrawStage&, const PenaltyPlace& place, float* scores) {
             place.history.forbid_repeated(scores);
         }},
        {{"logit_bias", 2, 0.0, kMostTokens},
         false,
         false,
         [](const DrawStage& stage, const PenaltyPlace&, float* scores) {  // numbers: ids and biases in turn
             for (int i = 0; i + 1 < stage.count; i += 2)
                 scores[static_cast<int32_t>(stage.numbers[i])] += static_cast<float>(stage.numbers[i + 1]);
         }},
        {{"repetition_penalty", 1},
         true,
         false,
         [](const DrawStage& stage, const PenaltyPlace& place, float* scores) {
             place.history.penalize_repetition(static_cast<float>(stage.numbers[0]), scores);
         }},
        {{"presence_penalty", 1},
         true,
         false,
         [](const DrawStage& stage, const PenaltyPlace& place, float* scores) {
             place.history.penalize_presence(static_cast<float>(stage.numbers[0]), scores);
         }},
        {{"frequency_penalty", 1},
         true,
         false,
         [](const DrawStage& stage, const PenaltyPlace& place, float* scores) {
             place.history.penalize_frequency(static_cast<float>(stage.numbers[0]), scores);
         }},
        {{"dry_multiplier", kDryNumbers},
         false,
         true,
         [](const DrawStage&, const PenaltyPlace& place, float* scores) {
             place.history.penalize_continuation(scores);
         }},
    };
    return row < static_cast<int>(sizeof rows / sizeof *rows) ? rows + row : nullptr;
}

inline bool History::reserve(const Settings& settings, int vocab, int width) {
    for (int i = 0; i < settings.penalties.count; ++i) {
        const PenaltyRow* row = penalty_row(settings.penalties.stages[i].row);
        counts_ = counts_ || row->counts;
        keeps_ = keeps_ || row->keeps;
    }
    last_ = counts_ ? settings.penalty_last : 0;
    keeps_ = keeps_ || last_ > 0;
    vocab_ = vocab;
    width_ = width;
    const DrawStage* repeated = find_stage(settings.penalties, penalty_row, "no_repeat_ngram_size");
    has_ngrams_ = repeated != nullptr;
    if (has_ngrams_) ngrams_.begin(static_cast<int>(repeated->numbers[0]));
    const DrawStage* dry = find_stage(settings.penalties, penalty_row, "dry_multiplier");
    has_repetitions_ = dry != nullptr;
    if (has_repetitions_ && !repetitions_.begin(*dry, vocab, width)) return false;
    return !counts_ || (seen_.reserve(width) != nullptr && written_.reserve(width) != nullptr);
}

// Writes the logits of one place without the tokens that the guide forbids. `open` has room for a float of
// each class.
inline void follow_guide(const Automaton& guide, int32_t state, int64_t left, int32_t end_id,
                         const float* logits, int vocab, int width, float* open, float* scores) {
    const int32_t* after = guide.transitions + static_cast<size_t>(state) * guide.num_classes;
    for (int c = 0; c < guide.num_classes; ++c) {
        const int32_t next = after[c] < 0 ? 0 : after[c];
        const bool leads = (after[c] >= 0) & (guide.distance[next] < left);  // no branch to predict
        open[c] = leads ? 0.0f : Network::kNever;
    }
    for (int j = 0; j < vocab; ++j) scores[j] = logits[j] + open[guide.classes[j]];
    for (int j = vocab; j < width; ++j) scores[j] = Network::kNever;
    scores[0] = Network::kNever;
    if (end_id >= 0) scores[end_id] = guide.distance[state] == 0 ? logits[end_id] : Network::kNever;
}

}  // namespace unspool::UNSPOOL_ISA
