// Counts of what follows which context, for modified Kneser-Ney smoothing (Chen and Goodman, "An Empirical
// Study of Smoothing Techniques for Language Modeling", 1998). The tree of contexts grows level by level: a
// context is a group of places in the text, and sorting the group by its next older symbol divides it.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace unspool {

// The arrays of a `CountTable`, see dispatch/kernels.h.
class Counter {
 public:
    std::vector<uint32_t> first_child, first_entry;
    std::vector<uint16_t> symbols, tokens, counts;
    std::vector<float> discounts;

    // Counts a text of ids from 1 to `vocab` - 1, where `end_id` ends each record, and no context reaches
    // past the end before it. Contexts that occur fewer than `least` times are left out. `give_up` is called
    // now and then. Returns false if the arrays would have more bytes than `most_bytes`.
    template <typename Id, typename GiveUp>
    bool count(const Id* ids, int64_t size, int vocab, int order, int end_id, int least, int64_t most_bytes,
               GiveUp give_up) {
        std::vector<uint64_t> places(size);
        for (int64_t i = 0; i < size; ++i) places[i] = i;
        tally_.assign(vocab, 0);
        kinds_.assign(static_cast<size_t>(order + 1) * kKinds, 0);
        std::vector<Group> level{{0, size}}, next;
        symbols.push_back(0);
        for (int depth = 0; !level.empty(); ++depth, std::swap(level, next)) {
            next.clear();
            const size_t first = symbols.size() - level.size(), after = symbols.size();
            for (size_t i = 0; i < level.size(); ++i) {
                if (i % 1024 == 0) give_up();
                const Group& group = level[i];
                const bool open = depth < order && (depth == 0 || symbols[first + i] != end_id);
                first_child.push_back(static_cast<uint32_t>(after + next.size()));
                for (int64_t at = group.begin; at < group.end; ++at) {
                    const int64_t place = static_cast<int64_t>(places[at] & kPlace), from = place - 1 - depth;
                    const uint64_t older = !open ? 0 : from < 0 ? end_id : ids[from];
                    places[at] = older << 48 | static_cast<uint64_t>(ids[place]) << 32 | place;
                }
                std::sort(places.begin() + group.begin, places.begin() + group.end);
                if (open)
                    divide(places, group, least, next);
                else
                    for (int64_t at = group.begin; at < group.end; ++at) add(token_of(places[at]));
                emit(depth);
            }
            if (bytes() > most_bytes) return false;
        }
        first_child.push_back(static_cast<uint32_t>(symbols.size()));
        first_entry.push_back(static_cast<uint32_t>(tokens.size()));
        fit_discounts(order);
        return true;
    }

 private:
    struct Group {
        int64_t begin, end;
    };

    static constexpr uint64_t kPlace = 0xffffffff;
    static constexpr int kKinds = 5;  // counts of 1, 2, 3, 4; at 0 nothing

    std::vector<uint32_t> tally_;    // of the present context, by token
    std::vector<uint16_t> touched_;  // tokens in it
    std::vector<int64_t> kinds_;     // (order + 1, kKinds): entries with so small a count

    static uint16_t token_of(uint64_t place) { return static_cast<uint16_t>(place >> 32); }
    static uint16_t older_of(uint64_t place) { return static_cast<uint16_t>(place >> 48); }

    void add(uint16_t token) {
        if (tally_[token]++ == 0) touched_.push_back(token);
    }

    // Divides a context by its next older symbol. A token counts once for each older symbol: only the longest
    // contexts, and those that begin a record, count how often it occurs.
    void divide(const std::vector<uint64_t>& places, const Group& group, int least,
                std::vector<Group>& next) {
        for (int64_t begin = group.begin, end; begin < group.end; begin = end) {
            const uint16_t older = older_of(places[begin]);
            for (end = begin; end < group.end && older_of(places[end]) == older; ++end)
                if (end == begin || token_of(places[end]) != token_of(places[end - 1]))
                    add(token_of(places[end]));
            if (end - begin < least) continue;
            symbols.push_back(older);
            next.push_back({begin, end});
        }
    }

    // Writes the entries of a context. Its counts are halved until they fit.
    void emit(int depth) {
        std::sort(touched_.begin(), touched_.end());
        uint32_t most = 0;
        for (const uint16_t token : touched_) most = std::max(most, tally_[token]);
        int shift = 0;
        while (most >> shift > 0xffff) ++shift;
        first_entry.push_back(static_cast<uint32_t>(tokens.size()));
        for (const uint16_t token : touched_) {
            const uint32_t count = tally_[token];
            if (count < kKinds) ++kinds_[static_cast<size_t>(depth) * kKinds + count];
            tokens.push_back(token);
            counts.push_back(static_cast<uint16_t>(std::max(count >> shift, uint32_t{1})));
            tally_[token] = 0;
        }
        touched_.clear();
    }

    int64_t bytes() const {
        return static_cast<int64_t>(10 * symbols.size() + 4 * tokens.size());  // of what is written
    }

    void fit_discounts(int order) {
        for (int depth = 0; depth <= order; ++depth) {
            const int64_t* n = kinds_.data() + static_cast<size_t>(depth) * kKinds;
            const double share =
                n[1] == 0 ? 1.0 : static_cast<double>(n[1]) / static_cast<double>(n[1] + 2 * n[2]);
            for (int k = 1; k <= 3; ++k) {
                const double more =
                    n[k] == 0 ? 0.0
                              : (k + 1) * share * static_cast<double>(n[k + 1]) / static_cast<double>(n[k]);
                discounts.push_back(static_cast<float>(std::clamp(k - more, 0.1, k - 0.05)));
            }
        }
    }
};

}  // namespace unspool
