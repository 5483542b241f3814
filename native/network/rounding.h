// Memory for the rows of a left side that are rounded before they are multiplied.
#pragma once

#include "network/network.h"

namespace unspool::UNSPOOL_ISA {

// The longest row of a product's left side, with its padding.
inline int longest_row(const Network& network) {
    const int gates = network.row_floats(), vocab = network.vocab_width, input = network.input_width;
    const int longest = gates > vocab ? gates : vocab;
    return longest > input ? longest : input;
}

// Makes room for the rows that one thread rounds at a time; false if there is no memory left. Float32 needs
// none.
inline bool reserve_rounded(const Network& network, Precision format, Buffer& rows) {
    const int longest = longest_row(network), pairs = (longest + 1) / 2;
    const size_t words = format == Precision::kBf16 ? pairs : quad_row_words(longest);
    return format == Precision::kFloat32 || rows.reserve(words * kPairRows) != nullptr;
}

}  // namespace unspool::UNSPOOL_ISA
