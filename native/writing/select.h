// The greatest values without a full sort: quickselect (Hoare 1961) over tokens as whole numbers.
#pragma once

#include "products/simd.h"

namespace unspool::UNSPOOL_ISA {

// Returns a token as a number that is greater for a greater measure, and on a tie for the smaller id: no two
// tokens are equal.
inline uint64_t key_of(float measure, int32_t id) {
    uint32_t bits;
    measure += 0.0f;  // makes -0 equal to 0
    std::memcpy(&bits, &measure, sizeof bits);
    bits ^= (bits >> 31) != 0 ? 0xffffffffu : 0x80000000u;
    return static_cast<uint64_t>(bits) << 32 | (0xffffffffu - static_cast<uint32_t>(id));
}

inline int32_t id_of(uint64_t key) { return static_cast<int32_t>(0xffffffffu - static_cast<uint32_t>(key)); }

inline void exchange(uint64_t& a, uint64_t& b) {
    const uint64_t held = a;
    a = b;
    b = held;
}

// Moves the keys of [first, last) that are greater than a pivot before it; returns the place of the pivot.
inline int partition(uint64_t* keys, int first, int last) {
    uint64_t &a = keys[first], &b = keys[first + (last - first) / 2], &c = keys[last - 1];
    if (a < b) exchange(a, b);
    if (b < c) exchange(b, c);
    if (a < b) exchange(a, b);  // now b is the median of three
    exchange(b, c);
    const uint64_t pivot = keys[last - 1];
    int place = first;
    for (int i = first; i < last - 1; ++i) {  // no branch depends on the keys
        const uint64_t key = keys[i];
        keys[i] = keys[place];
        keys[place] = key;
        place += key > pivot;
    }
    exchange(keys[place], keys[last - 1]);
    return place;
}

// Moves the `count` greatest of `size` keys to the front, in no order.
inline void select_greatest(uint64_t* keys, int size, int count) {
    int first = 0, last = size;
    while (first < count && count < last) {
        const int place = partition(keys, first, last);
        if (count <= place)
            last = place;
        else
            first = place + 1;
    }
}

// Moves the fewest greatest keys whose weights add up to `goal` to the front; returns their number.
inline int select_share(uint64_t* keys, int size, const float* weights, double goal) {
    int first = 0, last = size;
    double before = 0.0;
    while (first < last) {
        const int place = partition(keys, first, last);
        double sum = before;
        for (int i = first; i < place; ++i) sum += static_cast<double>(weights[id_of(keys[i])]);
        if (sum >= goal) {
            last = place;
            continue;
        }
        before = sum + static_cast<double>(weights[id_of(keys[place])]);
        first = place + 1;
        if (before >= goal) break;
    }
    return first;
}

// Sorts a small number of keys, the greatest first.
inline void sort_greatest(uint64_t* keys, int size) {
    for (int i = 1; i < size; ++i) {
        const uint64_t key = keys[i];
        int place = i;
        for (; place > 0 && keys[place - 1] < key; --place) keys[place] = keys[place - 1];
        keys[place] = key;
    }
}

}  // namespace unspool::UNSPOOL_ISA
