// Random streams that can be entered anywhere: the twin of unspool/_generation/sampling/random.py.
#pragma once

#include <cstdint>

namespace unspool::UNSPOOL_ISA {

// Returns number `counter` of a random stream, 64 bits: the SplitMix64 generator (Steele, Lea, Flood 2014),
// entered at any place without computing the numbers before it.
inline uint64_t random_bits(uint64_t key, uint64_t counter) {
    uint64_t z = key + (counter + 1) * 0x9E3779B97F4A7C15u;
    z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9u;
    z = (z ^ (z >> 27)) * 0x94D049BB133111EBu;
    return z ^ (z >> 31);
}

// Returns number `counter` of a random stream, uniform in [0, 1).
inline double uniform(uint64_t key, uint64_t counter) {
    return static_cast<double>(random_bits(key, counter) >> 11) * 0x1p-53;
}

}  // namespace unspool::UNSPOOL_ISA
