// Lines of plain text: found, held out by their hash, and their characters numbered in order of first
// appearance.
#pragma once

#include <cstdint>
#include <vector>

namespace unspool {

// A kernel's `hash_lines`.
using HashLines = void (*)(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests);

// Find the lines that are more than white space: begin and end of each go to `bounds`, and whether its hash
// is below `limit` to `held_out`. The largest limit holds all of them out. Gives back how many there are.
template <typename Code>
int64_t find_lines(HashLines hash, const Code* codes, int64_t count, uint64_t limit, int64_t* bounds,
                   bool* held_out);

// Where the lines of one side of the split are written to.
template <typename Number>
struct Side {
    Number* begin;
    int64_t* ends;  // of each line: how many numbers there are up to its 0
    Number* next = begin;
};

// Write the numbers of the characters of each line, and a 0 after it, to its side of the split, and count
// them in `counts`, which goes by number. `table` goes by code point. A character without a number up to
// `known` gets the next one, and is added to `fresh`. Where that is null the table stays as it is, so that
// several threads can read it while one writes, and such a character ends it: false is given back, and what
// was written is of no use.
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
