// Counts of a text beside the network: what a table says comes next, mixed into the logits.
#pragma once

#include "network/loss.h"

namespace unspool::UNSPOOL_ISA {

constexpr float kLeastProbability = 1e-30f;

// Mixes rows of logits, whole vectors wide.
class CountMixer {
 public:
    bool reserve(int vocab, int width) {
        vocab_ = vocab;
        width_ = width;
        return probabilities_.reserve(width) != nullptr;
    }

    // Replaces each logit by a weighted sum of itself and of ln of the probability that the table gives the
    // token after a context. `context` has kMostOrder symbols or more than the table's order, the newest
    // first, 0 where there is none. Returns which weights were used.
    int mix(const CountTable& table, const int32_t* context, float* logits) {
        uint32_t path[kMostOrder + 1] = {0};
        int depth = 0;
        while (depth < table.order && find(table, path[depth], context[depth], path[depth + 1])) ++depth;
        float* probabilities = probabilities_.get();
        std::memset(probabilities, 0, sizeof(float) * width_);
        float left = 1.0f;  // of the probability, for shorter contexts
        for (int d = depth; d >= 0; --d) left = share(table, d, path[d], left);
        const float rest = left / static_cast<float>(vocab_ - 1);
        const bool alone = table.first_entry[path[depth] + 1] - table.first_entry[path[depth]] == 1;
        const int row = 2 * depth + alone;
        const float own = table.weights[2 * row], counted = table.weights[2 * row + 1];
        for (int j = 0; j < width_; j += kLanes) {
            const Vec logit = load(logits + j);
            const Vec probability = larger(load(probabilities + j) + rest, broadcast(kLeastProbability));
            store(logits + j,
                  logit == Network::kNever ? logit : logit * own + logarithm(probability) * counted);
        }
        return row;
    }

 private:
    int vocab_ = 0, width_ = 0;
    Buffer probabilities_;

    // Finds the context that is longer by one older symbol.
    static bool find(const CountTable& table, uint32_t node, int32_t symbol, uint32_t& found) {
        uint32_t first = table.first_child[node], last = table.first_child[node + 1];
        while (first < last) {
            const uint32_t middle = first + (last - first) / 2;
            if (table.symbols[middle] < symbol)
                first = middle + 1;
            else
                last = middle;
        }
        found = first;
        return first < table.first_child[node + 1] && table.symbols[first] == symbol;
    }

    // Gives the tokens of a context their part of a probability; returns what is left of it.
    float share(const CountTable& table, int depth, uint32_t node, float left) {
        const float* discounts = table.discounts + 3 * depth;
        const uint32_t first = table.first_entry[node], last = table.first_entry[node + 1];
        const auto discount = [&](uint32_t at) {
            return discounts[table.counts[at] < 3 ? table.counts[at] - 1 : 2];
        };
        uint32_t total = 0;
        float kept = 0.0f;
        for (uint32_t at = first; at < last; ++at) {
            total += table.counts[at];
            kept += discount(at);
        }
        const float each = left / static_cast<float>(total);
        for (uint32_t at = first; at < last; ++at)
            probabilities_.get()[table.tokens[at]] +=
                each * (static_cast<float>(table.counts[at]) - discount(at));
        return each * kept;
    }
};

// Mixes rows of (rows, vocab) logits; writes the nats of their targets, 0 for a target of 0, and the weights
// of each row by number.
inline bool mix_rows(const Team& team, const CountTable& table, int vocab, int64_t rows,
                     const int32_t* contexts, const int32_t* targets, float* logits, float* losses,
                     int32_t* used) {
    int failed = 0;
    run_team(team, [&](int thread) {
        const int width = round_up(vocab, kLanes);
        CountMixer mixer;
        Buffer row;
        if (!mixer.reserve(vocab, width) || !row.reserve(width)) {
            __atomic_store_n(&failed, 1, __ATOMIC_RELAXED);
            return;
        }
        for (int j = vocab; j < width; ++j) row.get()[j] = Network::kNever;
        for (int64_t r = rows * thread / team.size; r < rows * (thread + 1) / team.size; ++r) {
            std::memcpy(row.get(), logits + r * vocab, sizeof(float) * vocab);
            used[r] = mixer.mix(table, contexts + r * table.order, row.get());
            std::memcpy(logits + r * vocab, row.get(), sizeof(float) * vocab);
            if (losses != nullptr)
                losses[r] = targets[r] == 0 ? 0.0f : log_sum_exp(row.get(), width) - row.get()[targets[r]];
        }
    });
    return failed == 0;
}

}  // namespace unspool::UNSPOOL_ISA
