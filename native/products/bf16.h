// Products in bf16 with sums in float32: half the memory traffic, and twice the speed on a processor that
// multiplies bf16.
//
// A bf16 is the upper half of a float32, rounded to nearest, ties to even. Two neighbours along k form a pair
// in one 32-bit lane, the first in its low half, as VDPBF16PS and BFDOT read them; a single last value is
// paired with zero. Panels store the right side in this form; the left side is rounded row by row, once for
// each product. Without such an instruction, two float32 multiplications and additions replace it. The
// instruction flushes subnormal numbers to zero, and BFDOT rounds a pair's sum once more, so the last bits
// depend on the instruction set. As in float32, every element is summed only in the order of k.
#pragma once

#if defined(__AVX512BF16__) && UNSPOOL_LANES == 16
#include <immintrin.h>
#define UNSPOOL_BF16_X86
#elif defined(__ARM_FEATURE_BF16_VECTOR_ARITHMETIC) && UNSPOOL_LANES == 4
#include <arm_neon.h>
#define UNSPOOL_BF16_ARM
#endif

#include "products/gemm.h"

namespace unspool::UNSPOOL_ISA {

typedef uint32_t Pairs __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef uint32_t PairsUnaligned __attribute__((vector_size(4 * UNSPOOL_LANES), aligned(4), may_alias));

#if defined(UNSPOOL_BF16_X86) || defined(UNSPOOL_BF16_ARM)
constexpr bool kBf16Hardware = true;
#else
constexpr bool kBf16Hardware = false;
#endif

constexpr uint32_t kUpperHalf = 0xffff0000u;

#if defined(UNSPOOL_BF16_X86)
// The permutation of the halves of two joined vectors into pairs.
alignas(64) constexpr uint16_t kInterleave[32] = {0,  16, 1,  17, 2,  18, 3,  19, 4,  20, 5,
                                                  21, 6,  22, 7,  23, 8,  24, 9,  25, 10, 26,
                                                  11, 27, 12, 28, 13, 29, 14, 30, 15, 31};
#endif

UNSPOOL_INLINE Pairs load_pairs(const uint32_t* p) { return *reinterpret_cast<const PairsUnaligned*>(p); }
UNSPOOL_INLINE void store_pairs(uint32_t* p, Pairs v) { *reinterpret_cast<PairsUnaligned*>(p) = v; }

// The bits of a float32 rounded to bf16, in the upper half; the lower half is not used. NaN stays NaN.
UNSPOOL_INLINE Pairs rounded_bits(Vec x) {
    const Pairs bits = reinterpret_cast<Pairs>(x);
    const Pairs up = bits + (((bits >> 16) & 1u) + 0x7fffu);
    return x == x ? up : bits | 0x400000u;
}

UNSPOOL_INLINE uint32_t rounded_bits(float x) {
    uint32_t bits;
    std::memcpy(&bits, &x, sizeof bits);
    const uint32_t up = bits + (((bits >> 16) & 1u) + 0x7fffu);
    return x == x ? up : bits | 0x400000u;
}

// Rounds two vectors and combines them into pairs.
UNSPOOL_INLINE Pairs paired(Vec first, Vec second) {
#if defined(UNSPOOL_BF16_X86)
    const __m512i halves = reinterpret_cast<__m512i>(
        _mm512_cvtne2ps_pbh(reinterpret_cast<__m512>(second), reinterpret_cast<__m512>(first)));
    return reinterpret_cast<Pairs>(_mm512_permutexvar_epi16(_mm512_load_si512(kInterleave), halves));
#else
    return (rounded_bits(first) >> 16) | (rounded_bits(second) & kUpperHalf);
#endif
}

// acc + a's first x b's first + a's second x b's second.
UNSPOOL_INLINE Vec dot_pairs(Vec acc, Pairs a, Pairs b) {
#if defined(UNSPOOL_BF16_X86)
    return reinterpret_cast<Vec>(_mm512_dpbf16_ps(
        reinterpret_cast<__m512>(acc), reinterpret_cast<__m512bh>(a), reinterpret_cast<__m512bh>(b)));
#elif defined(UNSPOOL_BF16_ARM)
    return reinterpret_cast<Vec>(vbfdotq_f32(reinterpret_cast<float32x4_t>(acc),
                                             reinterpret_cast<bfloat16x8_t>(a),
                                             reinterpret_cast<bfloat16x8_t>(b)));
#else
    acc += reinterpret_cast<Vec>(a & kUpperHalf) * reinterpret_cast<Vec>(b & kUpperHalf);
    acc += reinterpret_cast<Vec>(a << 16) * reinterpret_cast<Vec>(b << 16);
    return acc;
#endif
}

// Rounds `k` floats to pairs.
inline void round_row(const float* from, int k, uint32_t* to) {
    int i = 0;
#if defined(UNSPOOL_BF16_X86)
    for (; i + kLanes <= k / 2; i += kLanes) {
        const __m512 low = reinterpret_cast<__m512>(load(from + 2 * i));
        const __m512 high = reinterpret_cast<__m512>(load(from + 2 * i + kLanes));
        store_pairs(to + i, reinterpret_cast<Pairs>(_mm512_cvtne2ps_pbh(high, low)));
    }
#endif
    for (; i < k / 2; ++i)
        to[i] = (rounded_bits(from[2 * i]) >> 16) | (rounded_bits(from[2 * i + 1]) & kUpperHalf);
    if (k % 2 != 0) to[k / 2] = rounded_bits(from[k - 1]) >> 16;
}

// `count` floats, each a `stride` from the next, and zeros up to a whole vector.
UNSPOOL_INLINE Vec load_some(const float* from, size_t stride, int count) {
    if (count == kLanes && stride == 1) return load(from);
    Vec x{};
    for (int j = 0; j < count; ++j) x[j] = from[j * stride];
    return x;
}

// Visits each vector of columns that panels [first, last) have, as Panels::pack does: its panel, its place in
// the panel's rows, its first column, and a function that loads its part of a row, which is zeros where the
// matrix has none.
template <typename Visit>
UNSPOOL_INLINE void each_vector(const Panels& panels, const float* source, size_t row_stride,
                                size_t column_stride, Axis rows, Axis cols, int first, int last,
                                Visit visit) {
    for (int p = first; p < last; ++p)
        for (int v = 0; v < panels.width(p); v += kLanes) {
            const int column = p * kPanel + v, block = column / cols.padded, offset = column % cols.padded;
            int valid = cols.size - offset;
            valid = valid < 0 ? 0 : valid > kLanes ? kLanes : valid;
            const float* from = source + (static_cast<size_t>(block) * cols.size + offset) * column_stride;
            const auto row = [&](int r) {
                const int real = r < panels.k ? rows.source(r) : -1;
                return real < 0 ? Vec{} : load_some(from + real * row_stride, column_stride, valid);
            };
            visit(p, v, column, row);
        }
}

// Packs like Panels::pack, two rows at a time.
inline void pack_pairs(Panels& panels, const float* source, size_t row_stride, size_t column_stride,
                       Axis rows, Axis cols, int first, int last) {
    each_vector(panels, source, row_stride, column_stride, rows, cols, first, last,
                [&](int p, int v, int, auto row) {
                    uint32_t* to = panels.words(p) + v;
                    for (int r = 0; r < panels.depth(); ++r, to += panels.width(p))
                        store_pairs(to, paired(row(2 * r), row(2 * r + 1)));
                });
}

// C[MR x NP panels] (+)= A B for MR rows of A and NP neighbouring panels of VP vectors each, `depth` pairs
// deep.
template <int MR, int NP, int VP>
UNSPOOL_INLINE void pair_tile(int depth, const uint32_t* a, size_t row_stride, size_t k_stride,
                              const uint32_t* b, size_t panel_stride, float* c, size_t ldc, bool accumulate,
                              Ahead ahead) {
    Vec acc[MR][NP * VP] = {};
    if (accumulate)  // as in `tile`
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP * kLanes; j += kCacheLine) __builtin_prefetch(c + i * ldc + j, 1);
    for (int r = 0; r < depth; ++r, b += VP * kLanes) {
        ahead.bring(r);
        Pairs row[NP * VP];
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j)
            row[j] = load_pairs(b + (j / VP) * panel_stride + (j % VP) * kLanes);
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            const Pairs x = a[i * row_stride + r * k_stride] - Pairs{};
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) acc[i][j] = dot_pairs(acc[i][j], x, row[j]);
        }
    }
    store_tile(acc, c, ldc, accumulate);
}

// Runs the tile with exactly `rows` rows, 1 <= rows <= MR.
template <int VP, int MR = kRows>
UNSPOOL_INLINE void pair_tile_rows(int rows, int depth, const uint32_t* a, size_t row_stride, size_t k_stride,
                                   const uint32_t* b, float* c, size_t ldc, bool accumulate, Ahead ahead) {
    if constexpr (MR > 1) {
        if (rows < MR)
            return pair_tile_rows<VP, MR - 1>(rows, depth, a, row_stride, k_stride, b, c, ldc, accumulate,
                                              ahead);
    }
    pair_tile<MR, 1, VP>(depth, a, row_stride, k_stride, b, 0, c, ldc, accumulate, ahead);
}

// One panel of `width` columns by `rows` rows of a tile.
inline void pair_panel(int width, int rows, int depth, const uint32_t* a, size_t row_stride, size_t k_stride,
                       const uint32_t* b, float* c, size_t ldc, bool accumulate, Ahead ahead) {
    if (width == kPanel)
        pair_tile_rows<2>(rows, depth, a, row_stride, k_stride, b, c, ldc, accumulate, ahead);
    else
        pair_tile_rows<1>(rows, depth, a, row_stride, k_stride, b, c, ldc, accumulate, ahead);
}

// One panel of `width` columns by `m` rows, which lie one after the other.
inline void pair_panel_rows(int width, int m, int depth, const uint32_t* a, size_t row_stride,
                            const uint32_t* b, float* c, size_t ldc, bool accumulate) {
    const int tiles = (m + kRows - 1) / kRows;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        pair_panel(width, rows, depth, a + i * row_stride, row_stride, 1, b, c + i * ldc, ldc, accumulate,
                   next_panel(b, depth, t));
        i += rows;
    }
}

}  // namespace unspool::UNSPOOL_ISA

#if defined(UNSPOOL_AMX)
#include "products/amx.h"
#endif

namespace unspool::UNSPOOL_ISA {

#if defined(UNSPOOL_AMX)
constexpr int kPairRows = 2 * kTile;  // rows of a left side that are rounded at a time
constexpr int kPairStrip = kTile;     // rows of pairs packed together
#else
constexpr int kPairRows = 4 * kRows;
constexpr int kPairStrip = 4;
#endif

#if !defined(UNSPOOL_AMX)
// One row by the panels from `first` on, four at once, so that enough sums run in parallel; returns the first
// panel that is left.
inline int multiply_pair_row(const uint32_t* a, const Panels& b, int first, int last, float* c,
                             bool accumulate) {
    const size_t stride = static_cast<size_t>(kPanel) * b.depth();
    int p = first;
    for (; p + 4 <= last && b.width(p + 3) == kPanel; p += 4)
        pair_tile<1, 4, 2>(b.depth(), a, 0, 1, b.words(p), stride, c + static_cast<size_t>(p) * kPanel, 0,
                           accumulate, {b.words(p), 0});
    return p;
}
#endif

// C[m x panels first..last) (+)= A[m x k] B, as `multiply` in float32; `rounded_rows` has room for kPairRows
// rows.
inline void multiply_pairs(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                           size_t ldc, bool accumulate, bool rounded) {
    const int depth = b.depth();
    for (int start = 0; start < m; start += kPairRows, a += kPairRows * lda, c += kPairRows * ldc) {
        const int count = m - start < kPairRows ? m - start : kPairRows;
        for (int i = 0; i < count && !rounded; ++i)
            round_row(a + i * lda, b.k, rounded_rows + static_cast<size_t>(i) * depth);
#if defined(UNSPOOL_AMX)
        multiply_tiles(count, depth, rounded_rows, b, first, last, c, ldc, accumulate);
#else
        int p = count == 1 ? multiply_pair_row(rounded_rows, b, first, last, c, accumulate) : first;
        for (; p < last; ++p)
            pair_panel_rows(b.width(p), count, depth, rounded_rows, depth, b.words(p),
                            c + static_cast<size_t>(p) * kPanel, ldc, accumulate);
#endif
    }
}

}  // namespace unspool::UNSPOOL_ISA
