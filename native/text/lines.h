// Lines of plain text: find them, hold some out by their hash, and number their characters in order of first
// appearance.
#pragma once

#include <cstdint>
#include <vector>

namespace unspool {

// A kernel's `hash_lines`.
using HashLines = void (*)(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests);

// Find the lines that are more than white space. Writes begin and end of each to `bounds`, and to `held_out`
// whether its hash is below `limit`. The largest limit holds out all of them. Returns the number of lines.
template <typename Code>
int64_t find_lines(HashLines hash, const Code* codes, int64_t count, uint64_t limit, int64_t* bounds,
                   bool* held_out);

// The output for the lines of one side of the split.
template <typename Number>
struct Side {
    Number* begin;
    int64_t* ends;  // for each line: how many numbers there are up to its 0
    Number* next = begin;
};

// Write the numbers of the characters of each line, and a 0 after it, to its side of the split, and count
// them in `counts` by number. `table` has the number of each code point. A character without a number up to
// `known` gets the next one, and is added to `fresh`. If `fresh` is null, the table does not change, so that
// several threads can read it while one writes. A character without a number then ends the call: it returns
// false, and its output is incomplete.
template <typename Code, typename Number>
bool number_lines(const Code* codes, const int64_t* bounds, const bool* held_out, int64_t lines,
                  uint32_t* table, uint32_t known, std::vector<uint32_t>* fresh, int64_t* counts,
                  Side<Number> training, Side<Number> validation);

// Look numbers up in a table that is long enough.
template <typename From, typename To>
void recode(const From* __restrict numbers, int64_t count, const To* __restrict table, To* __restrict out) {
    for (int64_t i = 0; i < count; ++i) out[i] = table[numbers[i]];
}

}  // namespace unspool
