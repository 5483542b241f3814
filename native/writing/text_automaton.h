// Which token followed each ending of a text where that ending stood before.
#pragma once

#include "writing/growing.h"

namespace unspool::UNSPOOL_ISA {

// The suffix automaton of a text that grows (Blumer et al., "The Smallest Automaton Recognizing the Subwords
// of a Text", 1985). A state stands for substrings that occur at the same places, each an ending of the next;
// its link leads to the state of the endings that occur at more. A token takes constant time, amortised, but
// for the search among those that followed a substring. There are at most two states and three edges for each
// token, which are at most 144 bytes in memory for twice as many.
class TextAutomaton {
 public:
    // Begins with an empty text, of which endings of `shortest` to `longest` tokens count; false if there is
    // no memory left. `moves` is for a text whose beginning will not count: it keeps the latest places.
    bool begin(int vocab, int64_t shortest, int64_t longest, bool moves) {
        shortest_ = shortest;
        longest_ = longest;
        moves_ = moves;
        bool ok = states_.add({0, kNone, kNone});
        for (int32_t id = 0; ok && id < vocab; ++id) ok = edges_.add({id, kNone, kNone, 0});
        return ok;
    }

    // Adds a token; false if there is no memory left.
    bool add(int32_t id) {
        const int32_t place = states_[last_].length, whole = static_cast<int32_t>(states_.count());
        if (edges_.count() > INT32_MAX / 2 || !states_.add({place + 1, kRoot, kNone})) return false;
        int32_t state = last_, edge = kNone;
        for (; state != kNone && (edge = find(state, id)) == kNone; state = states_[state].link)
            if (!add_edge(state, {id, whole, kNone, place})) return false;
        if (state != kNone && !split(state, edge)) return false;
        if (state != kNone) states_[whole].link = edges_[edge].target;
        last_ = whole;
        follow(id, place);
        return true;
    }

    // Calls `visit` with tokens and the length of an ending that each followed, of which the longest counts:
    // in the text from `start` on, and at most `limit` of its last tokens.
    template <typename Visit>
    void each_next(int64_t limit, int64_t start, Visit visit) const {
        for (int32_t state = ending_; counts(state); state = states_[state].link) {
            if (states_[states_[state].link].length >= limit) continue;
            const int64_t length = lesser(states_[state].length, limit);
            for (int32_t edge = states_[state].newest; edge != kNone; edge = edges_[edge].next)
                visit(edges_[edge].id, lesser(length, edges_[edge].place - start));
        }
    }

 private:
    struct State {
        int32_t length;  // of its longest substring
        int32_t link;
        int32_t newest;  // edge; those of the root are the first ones of all, one for each id
    };
    struct Edge {
        int32_t id, target;
        int32_t next;   // edge of the same state
        int32_t place;  // one of those where the token followed; the latest if the text moves
    };
    static constexpr int32_t kNone = -1, kRoot = 0;

    Growing<State> states_;
    Growing<Edge> edges_;
    int64_t shortest_ = 0, longest_ = 0;
    bool moves_ = false;
    int32_t last_ = kRoot;    // state of the whole text
    int32_t ending_ = kRoot;  // state of its last `known_` tokens, as many as count
    int64_t known_ = 0;

    bool counts(int32_t state) const { return state != kRoot && states_[state].length >= shortest_; }

    int32_t find(int32_t state, int32_t id) const {
        if (state == kRoot) return edges_[id].target == kNone ? kNone : id;
        int32_t edge = states_[state].newest;
        while (edge != kNone && edges_[edge].id != id) edge = edges_[edge].next;
        return edge;
    }

    bool add_edge(int32_t state, Edge edge) {
        if (state == kRoot) {
            edges_[edge.id] = edge;
            return true;
        }
        edge.next = states_[state].newest;
        states_[state].newest = static_cast<int32_t>(edges_.count());
        return edges_.add(edge);
    }

    // Lets the edge lead to a state of its own if that of its target has longer substrings too.
    bool split(int32_t state, int32_t edge) {
        const int32_t target = edges_[edge].target, id = edges_[edge].id;
        const int32_t length = states_[state].length + 1, part = static_cast<int32_t>(states_.count());
        if (states_[target].length == length) return true;
        if (!states_.add({length, states_[target].link, kNone})) return false;
        for (int32_t e = states_[target].newest; e != kNone; e = edges_[e].next)
            if (!add_edge(part, Edge(edges_[e]))) return false;
        states_[target].link = part;
        while (edge != kNone && edges_[edge].target == target) {
            edges_[edge].target = part;
            state = states_[state].link;
            edge = state == kNone ? kNone : find(state, id);
        }
        return true;
    }

    // Goes on from the ending before the token to the one with it.
    void follow(int32_t id, int32_t place) {
        shorten();
        for (int32_t state = ending_; moves_ && counts(state); state = states_[state].link)
            edges_[find(state, id)].place = place;
        ending_ = edges_[find(ending_, id)].target;
        known_ = lesser(known_ + 1, longest_);
        shorten();
    }

    void shorten() {
        while (ending_ != kRoot && states_[states_[ending_].link].length >= known_)
            ending_ = states_[ending_].link;
    }
};

}  // namespace unspool::UNSPOOL_ISA
