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

// Write the numbers of the characters of each line, and a 0 after it, to its side of the split. A character
// that has no number yet gets the next one after `known`. `table` and `counts` go by code point.
template <typename Code, typename Number>
void number_lines(const Code* codes, const int64_t* bounds, const bool* held_out, int64_t lines,
                  uint32_t* table, int64_t* counts, uint32_t known, std::vector<uint32_t>& fresh,
                  Number* training, Number* validation);

}  // namespace unspool
