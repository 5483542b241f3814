// One vector type for every instruction set.
//
// The arithmetic uses the compiler's vector extension, so the same source becomes AVX-512, AVX2, SSE2 or NEON
// code: only the width (UNSPOOL_LANES) and the compiler's flags differ between the builds.
//
// Everything that includes this header is compiled once per instruction set, in a separate namespace, and
// uses no template of the standard library: the linker keeps one copy of such a function, and could keep the
// AVX-512 one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

#include "products/vectors.h"

namespace unspool::UNSPOOL_ISA {

constexpr int kRows =
    UNSPOOL_ROWS;                   // rows of one register tile: 2 x kRows accumulators fit the register file
constexpr int kPanel = 2 * kLanes;  // columns of one packed panel

// Aligned memory that grows and never shrinks: after the first use of each shape nothing is allocated.
class Buffer {
 public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { release(); }

    // Returns memory for `size` floats, all zero when it is new; null if there is no memory left.
    float* reserve(size_t size) {
        if (size <= size_) return data_;
        release();
        size_ = 0;
        const size_t bytes = (size * sizeof(float) + 127) / 64 * 64;
        data_ = static_cast<float*>(::operator new(bytes, kLine, std::nothrow));
        if (data_ == nullptr) return nullptr;
        std::memset(data_, 0, bytes);
        size_ = size;
        return data_;
    }

    float* get() const { return data_; }
    uint32_t* words() const { return reinterpret_cast<uint32_t*>(data_); }  // of bf16.h and int8.h

 private:
    static constexpr std::align_val_t kLine{64};

    void release() { ::operator delete(data_, kLine); }

    float* data_ = nullptr;
    size_t size_ = 0;
};

constexpr int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

// Two vectors in turns, a b a b: their first halves, and their second ones.
#if UNSPOOL_LANES == 4
#define UNSPOOL_FIRST_HALVES 0, 4, 1, 5
#define UNSPOOL_SECOND_HALVES 2, 6, 3, 7
#elif UNSPOOL_LANES == 8
#define UNSPOOL_FIRST_HALVES 0, 8, 1, 9, 2, 10, 3, 11
#define UNSPOOL_SECOND_HALVES 4, 12, 5, 13, 6, 14, 7, 15
#else
#define UNSPOOL_FIRST_HALVES 0, 16, 1, 17, 2, 18, 3, 19, 4, 20, 5, 21, 6, 22, 7, 23
#define UNSPOOL_SECOND_HALVES 8, 24, 9, 25, 10, 26, 11, 27, 12, 28, 13, 29, 14, 30, 15, 31
#endif

// Copies a square of kLanes x kLanes, of which `from` has the columns and `to` gets the rows.
UNSPOOL_INLINE void turn_square(const float* from, size_t column_stride, float* to, size_t row_stride) {
    Vec lines[kLanes], next[kLanes];
    for (int i = 0; i < kLanes; ++i) lines[i] = load(from + i * column_stride);
    for (int turned = 1; turned < kLanes; turned *= 2) {  // each round doubles what stands in its row
        for (int i = 0; i < kLanes / 2; ++i) {
            const Vec a = lines[i], b = lines[i + kLanes / 2];
            next[2 * i] = __builtin_shufflevector(a, b, UNSPOOL_FIRST_HALVES);
            next[2 * i + 1] = __builtin_shufflevector(a, b, UNSPOOL_SECOND_HALVES);
        }
        std::memcpy(lines, next, sizeof lines);
    }
    for (int i = 0; i < kLanes; ++i) store(to + i * row_stride, lines[i]);
}

}  // namespace unspool::UNSPOOL_ISA
