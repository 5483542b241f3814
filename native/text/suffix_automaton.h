// The longest spans that a few texts share with a long one. A suffix automaton of the few texts reads the
// long one once (Blumer et al., "The Smallest Automaton Recognizing the Subwords of a Text", 1985; the
// matching statistics of Chang and Lawler, 1994). Memory depends on the few texts, time on the long one.
#pragma once

#include <algorithm>
#include <cstdint>
#include <vector>

namespace unspool {

class Matcher {
 public:
    static constexpr int32_t kBreak = 0;  // the id between two texts; nothing matches it

    // `ids` are the texts, with ids of at least 0 and kBreak between two texts.
    Matcher(const int32_t* ids, int64_t count) {
        for (int64_t i = 0; i < count; ++i)
            if (ids[i] >= static_cast<int64_t>(known_.size())) known_.resize(ids[i] + 1, 0);
        const size_t room = 2 * static_cast<size_t>(count) + 2;
        for (std::vector<int32_t>* array : {&length_, &link_, &newest_}) array->reserve(room);
        edges_.reserve(3 * static_cast<size_t>(count) + 2);
        prefixes_.reserve(count);
        add_state(0, kNone);
        for (int64_t i = 0; i < count; ++i) append(ids[i]);
        pack();
    }

    int64_t count() const { return static_cast<int64_t>(prefixes_.size()); }

    // Read the next part of the long text; it directly follows the part before.
    //
    // Each step waits for memory, so several readers take turns, each with its own slice. A reader goes on
    // past its slice while its match began in it: after that, the next reader's matches are as long.
    template <typename Id>
    void scan(const Id* ids, int64_t count) {
        Reader readers[kReaders];
        const int64_t slice = count / kReaders + 1;
        for (int r = 0; r < kReaders; ++r) {
            const int64_t begin = std::min(count, r * slice);
            readers[r] = {begin, std::min(count, begin + slice), 0, 0};
        }
        readers[0].state = state_;
        readers[0].matched = matched_;
        state_ = matched_ = 0;
        for (int working = kReaders; working > 0;) {
            working = 0;
            for (Reader& reader : readers) working += read(reader, ids, count);
        }
        read_ += count;
    }

    // Writes for every position of the texts the length of the longest span that ends there and occurs in the
    // part read, and the end of one of its places in it.
    void matches(int32_t* lengths, int64_t* ends) const {
        std::vector<State> states = states_;
        std::vector<int64_t> where = where_;
        for (auto v = by_length_.rbegin(); v != by_length_.rend();
             ++v) {  // the suffixes of a match match too
            const int32_t parent = states[*v].link;
            if (!states[*v].best || parent <= 0) continue;
            if (states[parent].best < states[parent].length) {
                states[parent].best = states[parent].length;
                where[parent] = where[*v];
            }
        }
        for (const int32_t v : by_length_) {  // without a match, a suffix may have one
            const int32_t parent = states[v].link;
            if (states[v].best || parent <= 0) continue;
            states[v].best = states[parent].best;
            where[v] = where[parent];
        }
        for (int64_t i = 0; i < count(); ++i) {
            lengths[i] = states[prefixes_[i]].best;
            ends[i] = where[prefixes_[i]];
        }
    }

 private:
    static constexpr int32_t kNone = -1;
    static constexpr int kReaders = 16;

    struct Reader {
        int64_t at, end;  // the next position, and the end of the slice
        int32_t state, matched;
    };

    // Move a reader one edge further; returns false when its work is done.
    template <typename Id>
    bool read(Reader& reader, const Id* ids, int64_t count) {
        State& here = states_[reader.state];
        if (reader.matched > here.best) {
            here.best = reader.matched;
            where_[reader.state] = read_ + reader.at;
        }
        if (reader.at == count) return leave(reader);
        if (reader.at >= reader.end && reader.at - reader.matched >= reader.end) return false;
        const uint32_t id = ids[reader.at];
        if (id == kBreak || id >= known_.size() || !known_[id]) {
            reader.state = reader.matched = 0;
            ++reader.at;
            return true;
        }
        const int32_t next = follow(here, static_cast<int32_t>(id));
        if (next == kNone) {  // never at the root: it has an edge for every id in the texts
            reader.state = here.link;
            reader.matched = here.link_length;
        } else {
            reader.state = next;
            ++reader.matched;
            ++reader.at;
        }
        __builtin_prefetch(&states_[reader.state]);
        return true;
    }

    // Store the longest match that ends at the end of the part, for the next part to continue.
    bool leave(const Reader& reader) {
        if (reader.matched > matched_) {
            state_ = reader.state;
            matched_ = reader.matched;
        }
        return false;
    }

    struct Edge {
        int32_t id, target, next;  // next: the previous edge of the same state
    };

    int32_t add_state(int32_t length, int32_t link) {
        length_.push_back(length);
        link_.push_back(link);
        newest_.push_back(kNone);
        return static_cast<int32_t>(length_.size()) - 1;
    }

    void add_edge(int32_t state, int32_t id, int32_t target) {
        edges_.push_back({id, target, newest_[state]});
        newest_[state] = static_cast<int32_t>(edges_.size()) - 1;
    }

    int32_t find_edge(int32_t state, int32_t id) const {
        int32_t edge = newest_[state];
        while (edge != kNone && edges_[edge].id != id) edge = edges_[edge].next;
        return edge;
    }

    void append(int32_t id) {
        const int32_t whole = add_state(count() + 1, 0);
        known_[id] = 1;
        int32_t state = prefixes_.empty() ? 0 : prefixes_.back(), edge = kNone;
        for (; state != kNone && (edge = find_edge(state, id)) == kNone; state = link_[state])
            add_edge(state, id, whole);
        if (state != kNone) link_[whole] = target_of_length(state, edge, length_[state] + 1);
        prefixes_.push_back(whole);
    }

    // Returns the state that an edge leads to; it is split from longer spans if it contains such.
    int32_t target_of_length(int32_t state, int32_t edge, int32_t length) {
        const int32_t target = edges_[edge].target, id = edges_[edge].id;
        if (length_[target] == length) return target;
        const int32_t clone = add_state(length, link_[target]);
        for (int32_t e = newest_[target]; e != kNone; e = edges_[e].next)
            add_edge(clone, edges_[e].id, edges_[e].target);
        link_[target] = clone;
        for (; state != kNone && edge != kNone && edges_[edge].target == target;) {
            edges_[edge].target = clone;
            state = link_[state];
            edge = state == kNone ? kNone : find_edge(state, id);
        }
        return clone;
    }

    // Store all data that a search needs of a state together, in half a cache line; sort the states by
    // length.
    void pack() {
        const int32_t states = static_cast<int32_t>(length_.size());
        states_.reserve(states);
        for (int32_t v = 0; v < states; ++v) {
            const int64_t first = static_cast<int64_t>(packed_.size());
            for (int32_t e = newest_[v]; e != kNone; e = edges_[e].next)
                packed_.push_back({edges_[e].id, edges_[e].target});
            const int32_t edges = static_cast<int32_t>(packed_.size() - first);
            std::sort(packed_.begin() + first, packed_.end(), Step::before);
            const Step only = edges ? packed_[first] : Step{kNone, kNone};
            if (edges == 1) packed_.pop_back();
            const int32_t link_length = v ? length_[link_[v]] : 0;
            states_.push_back(
                {link_[v], link_length, length_[v], 0, edges, static_cast<int32_t>(first), only});
        }
        where_.assign(states, 0);
        std::vector<int32_t> starts(count() + 2, 0);
        for (const int32_t length : length_) ++starts[length + 1];
        for (size_t i = 1; i < starts.size(); ++i) starts[i] += starts[i - 1];
        by_length_.resize(states);
        for (int32_t v = 0; v < states; ++v) by_length_[starts[length_[v]]++] = v;
        std::vector<Edge>().swap(edges_);
        for (std::vector<int32_t>* array : {&length_, &link_, &newest_}) std::vector<int32_t>().swap(*array);
    }

    struct Step {
        int32_t id, target;
        static bool before(const Step& a, const Step& b) { return a.id < b.id; }
    };

    struct State {
        int32_t link, link_length, length, best, edges, first;
        Step only;  // the edge, if there is only one, as in almost every state
    };

    int32_t follow(const State& state, int32_t id) const {
        if (state.edges < 2) return state.only.id == id ? state.only.target : kNone;
        const Step *step = packed_.data() + state.first, *end = step + state.edges;
        if (state.edges > 8) step = std::lower_bound(step, end, Step{id, 0}, Step::before);
        while (step != end && step->id < id) ++step;
        return step != end && step->id == id ? step->target : kNone;
    }

    std::vector<int32_t> length_, link_, newest_;  // by state, during construction; the root is 0
    std::vector<Edge> edges_;
    std::vector<State> states_;
    std::vector<Step> packed_;
    std::vector<int32_t> by_length_;
    std::vector<int32_t> prefixes_;  // by position: the state of the whole text up to there
    std::vector<uint8_t> known_;     // by id: whether a text has it
    std::vector<int64_t> where_;     // by state: the place in the long text where its best match ended
    int64_t read_ = 0;
    int32_t state_ = 0, matched_ = 0;
};

// Writes a hash of the ids of each record (FNV-1a over ids, mixed at the end as in SplitMix64).
template <typename Id>
void hash_records(const Id* ids, const int64_t* starts, const int64_t* ends, int64_t count, uint64_t* out) {
    for (int64_t r = 0; r < count; ++r) {
        uint64_t hash = 0xCBF29CE484222325u;
        for (int64_t i = starts[r]; i < ends[r]; ++i) hash = (hash ^ ids[i]) * 0x100000001B3u;
        hash = (hash ^ (hash >> 30)) * 0xBF58476D1CE4E5B9u;
        hash = (hash ^ (hash >> 27)) * 0x94D049BB133111EBu;
        out[r] = hash ^ (hash >> 31);
    }
}

}  // namespace unspool
