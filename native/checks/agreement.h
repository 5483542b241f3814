// Random numbers for the checks, and the comparison of two results.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <string>
#include <vector>

namespace checks {

using Floats = std::vector<float>;
using Ids = std::vector<int32_t>;

// The numbers of one case, the same on every processor: SplitMix64.
class Random {
 public:
    explicit Random(uint64_t seed) : state_(seed * 0x9E3779B97F4A7C15u + 1) {}

    int below(int count) { return static_cast<int>(next() % static_cast<uint64_t>(count)); }
    bool coin() { return below(2) == 0; }
    template <size_t N>
    int one_of(const int (&choices)[N]) {
        return choices[below(static_cast<int>(N))];
    }
    Floats floats(size_t count, float most) {
        Floats out(count);
        for (float& x : out) x = most * (static_cast<float>(next() >> 40) * 0x1p-23f - 1.0f);
        return out;
    }
    Ids ids(size_t count, int from, int to) {
        Ids out(count);
        for (int32_t& id : out) id = from + below(to - from);
        return out;
    }
    uint64_t next() {
        uint64_t z = (state_ += 0x9E3779B97F4A7C15u);
        z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
        z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
        return z ^ (z >> 31);
    }

 private:
    uint64_t state_;
};

// The result of a computation, under names that an error message can show.
struct Result {
    struct Entry {
        std::string name;
        Floats floats;
        Ids ids;
    };
    std::vector<Entry> entries;

    void add(const std::string& name, const Floats& floats) { entries.push_back({name, floats, {}}); }
    void add(const std::string& name, const Ids& ids) { entries.push_back({name, {}, ids}); }
};

[[noreturn]] inline void disagree(const std::string& where, const std::string& name, size_t at, double found,
                                  double expected) {
    std::printf("%s: %s[%zu] is %.9g, expected %.9g\n", where.c_str(), name.c_str(), at, found, expected);
    std::exit(1);
}

// If the sums of an array cancel out, for example in a gradient of one unit, only rounding errors are left.
constexpr float kSmallest = 0.01f;

// Ends the program unless every id is equal, and every number differs by at most `tolerance` times the
// largest one of its array (at least kSmallest). Tolerance 0: the same bits.
inline void expect_equal(const std::string& where, const Result& found, const Result& expected,
                         float tolerance) {
    for (size_t e = 0; e < expected.entries.size(); ++e) {
        const auto &ours = found.entries.at(e), &theirs = expected.entries[e];
        for (size_t i = 0; i < theirs.ids.size(); ++i)
            if (ours.ids[i] != theirs.ids[i]) disagree(where, theirs.name, i, ours.ids[i], theirs.ids[i]);
        float largest = kSmallest;
        for (const float x : theirs.floats)
            if (std::isfinite(x)) largest = std::fmax(largest, std::fabs(x));
        for (size_t i = 0; i < theirs.floats.size(); ++i) {
            const float a = ours.floats[i], b = theirs.floats[i];
            const bool same = std::memcmp(&a, &b, sizeof a) == 0;
            if (!same && (tolerance == 0.0f || !(std::fabs(a - b) <= tolerance * largest)))
                disagree(where, theirs.name, i, a, b);
        }
    }
}

}  // namespace checks
