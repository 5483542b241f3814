// Products in int8 with sums in int32: a quarter of the memory traffic, and exact.
//
// A column of the right side is integers from -127 to 127 and a scale, as unspool/_network/quantization.py
// rounds it. The left side is rounded row by row, once for each product, with a scale for each row: so a text
// does not depend on its company. Four neighbours along k form a quad in one 32-bit lane. The integers are
// multiplied and added without rounding, in any order, so only the scales are multiplied in float32.
#pragma once

#if defined(__AVX512BW__) && UNSPOOL_LANES == 16
#include <immintrin.h>
#define UNSPOOL_MULTIPLY_HALVES(a, b) _mm512_madd_epi16(a, b)
typedef __m512i UnspoolInts;
#elif defined(__AVX2__) && UNSPOOL_LANES == 8
#include <immintrin.h>
#define UNSPOOL_MULTIPLY_HALVES(a, b) _mm256_madd_epi16(a, b)
typedef __m256i UnspoolInts;
#elif defined(__SSE2__) && UNSPOOL_LANES == 4
#include <emmintrin.h>
#define UNSPOOL_MULTIPLY_HALVES(a, b) _mm_madd_epi16(a, b)
typedef __m128i UnspoolInts;
#elif defined(__ARM_FEATURE_DOTPROD) && UNSPOOL_LANES == 4
#include <arm_neon.h>
#endif

#include "products/bf16.h"

namespace unspool::UNSPOOL_ISA {

// What a sum is made of: the products of the four bytes of each lane, by one instruction. VPDPBUSD takes one
// side as numbers without a sign: there the weights are stored with 128 added, and a sum starts from -128
// times the sum of the left side.
#if defined(__AVX512VNNI__) && UNSPOOL_LANES == 16
#define UNSPOOL_VPDPBUSD(sums, a, b) _mm512_dpbusd_epi32(sums, a, b)
#elif defined(__AVXVNNI__) && UNSPOOL_LANES == 8
#define UNSPOOL_VPDPBUSD(sums, a, b) _mm256_dpbusd_avx_epi32(sums, a, b)
#endif

#if defined(UNSPOOL_VPDPBUSD) || (defined(__ARM_FEATURE_DOTPROD) && UNSPOOL_LANES == 4)
#define UNSPOOL_QUADS_AT_ONCE
typedef Pairs Quads;
typedef int8_t Left
    __attribute__((vector_size(UNSPOOL_LANES)));  // numbers of the left side, as they are stored
constexpr int kLeftWords = 1;                     // words of a quad of the left side
constexpr int kByteOf[4] = {0, 1, 2, 3};          // where the four neighbours are in a lane

UNSPOOL_INLINE Quads left_quads(const uint32_t* quad) { return *quad - Pairs{}; }
UNSPOOL_INLINE Quads right_quads(const uint32_t* from) { return load_pairs(from); }

UNSPOOL_INLINE VecInt dot_quads(VecInt sums, Quads left, Quads right) {
#if defined(UNSPOOL_VPDPBUSD)
    return reinterpret_cast<VecInt>(UNSPOOL_VPDPBUSD(reinterpret_cast<UnspoolInts>(sums),
                                                     reinterpret_cast<UnspoolInts>(right),
                                                     reinterpret_cast<UnspoolInts>(left)));
#else
    return reinterpret_cast<VecInt>(vdotq_s32(reinterpret_cast<int32x4_t>(sums),
                                              reinterpret_cast<int8x16_t>(left),
                                              reinterpret_cast<int8x16_t>(right)));
#endif
}
#else
// Without such an instruction, numbers of 16 bits are multiplied and added two by two. The left side is
// stored in this form.
typedef int16_t Halves __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef int16_t Left __attribute__((vector_size(2 * UNSPOOL_LANES)));
constexpr int kLeftWords = 2;
constexpr int kByteOf[4] = {0, 2, 1, 3};

struct Quads {
    Halves first, second;  // two of the four neighbours in each lane
};

UNSPOOL_INLINE Quads left_quads(const uint32_t* quad) {
    return {reinterpret_cast<Halves>(quad[0] - Pairs{}), reinterpret_cast<Halves>(quad[1] - Pairs{})};
}

UNSPOOL_INLINE Quads right_quads(const uint32_t* from) {
    const Halves both = reinterpret_cast<Halves>(load_pairs(from));
    return {(both << 8) >> 8, both >> 8};
}

UNSPOOL_INLINE VecInt multiply_halves(Halves a, Halves b) {
#if defined(UNSPOOL_MULTIPLY_HALVES)
    return reinterpret_cast<VecInt>(
        UNSPOOL_MULTIPLY_HALVES(reinterpret_cast<UnspoolInts>(a), reinterpret_cast<UnspoolInts>(b)));
#else
    const VecInt x = reinterpret_cast<VecInt>(a), y = reinterpret_cast<VecInt>(b);
    return ((x << 16) >> 16) * ((y << 16) >> 16) + (x >> 16) * (y >> 16);
#endif
}

UNSPOOL_INLINE VecInt dot_quads(VecInt sums, Quads left, Quads right) {
    return sums + multiply_halves(left.first, right.first) + multiply_halves(left.second, right.second);
}
#endif

// With AVX2 a single row of the left side is multiplied by bytes, since no other row would share the right
// side in halves. The bytes of its quads lie behind the halves.
#if defined(__AVX2__) && UNSPOOL_LANES == 8 && !defined(UNSPOOL_QUADS_AT_ONCE)
constexpr bool kSingleInBytes = true;

// |x| times w with the sign of x: two products of 127 x 127 fit into 16 bits.
UNSPOOL_INLINE VecInt dot_bytes(VecInt sums, Pairs left, Pairs right) {
    const __m256i x = reinterpret_cast<__m256i>(left);
    const __m256i w = _mm256_sign_epi8(reinterpret_cast<__m256i>(right), x);
    const __m256i two = _mm256_maddubs_epi16(_mm256_abs_epi8(x), w);
    return sums + reinterpret_cast<VecInt>(_mm256_madd_epi16(two, _mm256_set1_epi16(1)));
}
#else
constexpr bool kSingleInBytes = false;
UNSPOOL_INLINE VecInt dot_bytes(VecInt sums, Pairs, Pairs) { return sums; }  // never called
#endif

#if defined(UNSPOOL_VPDPBUSD)
constexpr uint32_t kFlipped = 0x80808080u;
#else
constexpr uint32_t kFlipped = 0;
#endif

// Rows of a tile. With 16 registers both sides in halves take six of them.
#if defined(UNSPOOL_QUADS_AT_ONCE)
constexpr int kQuadRows = kRows;
#else
constexpr int kQuadRows = kRows < 10 ? 4 : kRows;
#endif
constexpr int kRowWords = 2;  // before the quads of a row: its scale, and what its sums start from

// Rounds to whole numbers, ties to even: the sum has them in its low bits. |x| is below 2^22.
UNSPOOL_INLINE VecInt nearest(Vec x) {
    const Vec magic = broadcast(12582912.0f);  // 1.5 * 2^23
    return reinterpret_cast<VecInt>(x + magic) - reinterpret_cast<VecInt>(magic);
}

UNSPOOL_INLINE Vec magnitude(Vec x) { return larger(x, -x); }

// Rounds `k` floats to quads, after the words of the row. A row with a number that is not finite has no
// scale: all its products are NaN. One whose numbers are all below 1e-30 becomes zeros.
inline void round_row_to_quads(const float* from, int k, uint32_t* to) {
    const auto some = [&](int i) { return load_some(from + i, 1, k - i < kLanes ? k - i : kLanes); };
    Vec most{}, nothing{};
    for (int i = 0; i < k; i += kLanes) {
        const Vec x = some(i);
        most = larger(magnitude(x), most);
        nothing += x * 0.0f;
    }
    const float largest = max_lanes(most);
    const bool zeros = largest < 1e-30f;
    const float scale = (zeros ? 0.0f : largest / 127.0f) + sum_lanes(nothing);
    const float inverse = zeros ? 0.0f : 127.0f / largest;
    std::memcpy(to, &scale, sizeof scale);
    VecInt total{};
    uint8_t* next = reinterpret_cast<uint8_t*>(to + kRowWords);
    for (int i = 0; i < k; i += kLanes, next += sizeof(Left)) {  // zeros behind the last number
        const VecInt whole = nearest(some(i) * inverse);
        total += whole;
        const Left stored = __builtin_convertvector(whole, Left);
        std::memcpy(next, &stored, sizeof stored);
    }
    int32_t start = 0;
    for (int i = 0; i < kLanes && kFlipped != 0; ++i) start -= 128 * total[i];
    std::memcpy(to + 1, &start, sizeof start);
}

// Puts the bytes of a row's quads behind its halves.
inline void join_bytes(int depth, uint32_t* row) {
    const uint32_t* halves = row + kRowWords;
    for (int r = 0; r < depth; ++r)
        row[kRowWords + 2 * depth + r] = (halves[2 * r] & 0xff00ffu) | (halves[2 * r + 1] & 0xff00ffu) << 8;
}

// The words of a row of `k` numbers, and room for the vector that ends it.
constexpr int quad_row_words(int k) {
    return kRowWords + (kLeftWords + kSingleInBytes) * ((k + 3) / 4) + kLanes;
}

// Packs like Panels::pack, four rows at a time, with the scales of quantization.py.
inline void pack_quads(Panels& panels, const float* source, size_t row_stride, size_t column_stride,
                       Axis rows, Axis cols, int first, int last) {
    const auto pack = [&](int p, int v, int column, auto row) {
        Vec most{};
        for (int r = 0; r < panels.k; ++r) most = larger(magnitude(row(r)), most);
        const Pairs exact = reinterpret_cast<Pairs>(most / 127.0f) & 0xffffff00u;  // 16 significant bits
        const Vec rounded = reinterpret_cast<Vec>(exact);
        const Vec scale = rounded < 0x1p-126f ? broadcast(1.0f) : rounded;
        store(panels.scales.get() + column, scale);
        uint32_t* to = panels.words(p) + v;
        for (int r = 0; r < panels.depth(); ++r, to += panels.width(p)) {
            Pairs quad{};
            for (int i = 0; i < 4; ++i)
                quad |= (reinterpret_cast<Pairs>(nearest(row(4 * r + i) / scale)) & 0xffu)
                        << (8 * kByteOf[i]);
            store_pairs(to, quad ^ kFlipped);
        }
    };
    each_vector(panels, source, row_stride, column_stride, rows, cols, first, last, pack);
}

// C[MR x NP panels] (+)= A B for MR rows of A and NP neighbouring panels of VP vectors each, `depth` quads
// deep.
template <int MR, int NP, int VP>
UNSPOOL_INLINE void quad_tile(int depth, const uint32_t* a, size_t row_stride, const uint32_t* b,
                              size_t panel_stride, const float* scales, float* c, size_t ldc, bool accumulate,
                              Ahead ahead) {
    VecInt sums[MR][NP * VP];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j) sums[i][j] = static_cast<int32_t>(a[i * row_stride + 1]) - VecInt{};
    for (int r = 0; r < depth; ++r, b += VP * kLanes) {
        ahead.bring(r);
        const auto right = [&](int j) { return b + (j / VP) * panel_stride + (j % VP) * kLanes; };
        const auto left = [&](int i) {
            return left_quads(a + i * row_stride + kRowWords + static_cast<size_t>(r) * kLeftWords);
        };
        if constexpr (MR == 1 && kSingleInBytes) {
            const Pairs x = a[kRowWords + depth * kLeftWords + r] - Pairs{};
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) sums[0][j] = dot_bytes(sums[0][j], x, load_pairs(right(j)));
            continue;
        }
        Quads row[NP * VP];
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j) row[j] = right_quads(right(j));
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            const Quads x = left(i);
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) sums[i][j] = dot_quads(sums[i][j], x, row[j]);
        }
    }
    Vec values[MR][NP * VP];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i) {
        float scale;
        std::memcpy(&scale, a + i * row_stride, sizeof scale);
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j)
            values[i][j] = __builtin_convertvector(sums[i][j], Vec) * (load(scales + j * kLanes) * scale);
    }
    store_tile(values, c, ldc, accumulate);
}

// Runs the tile with exactly `rows` rows, 1 <= rows <= MR.
template <int VP, int MR = kQuadRows>
UNSPOOL_INLINE void quad_tile_rows(int rows, int depth, const uint32_t* a, size_t row_stride,
                                   const uint32_t* b, const float* scales, float* c, size_t ldc,
                                   bool accumulate, Ahead ahead) {
    if constexpr (MR > 1) {
        if (rows < MR)
            return quad_tile_rows<VP, MR - 1>(rows, depth, a, row_stride, b, scales, c, ldc, accumulate,
                                              ahead);
    }
    quad_tile<MR, 1, VP>(depth, a, row_stride, b, 0, scales, c, ldc, accumulate, ahead);
}

// Panel `p` by `m` rows, which lie one after the other.
inline void quad_panel_rows(int m, const uint32_t* a, size_t row_stride, const Panels& b, int p, float* c,
                            size_t ldc, bool accumulate) {
    const int tiles = (m + kQuadRows - 1) / kQuadRows, depth = b.depth();
    const float* scales = b.scales.get() + static_cast<size_t>(p) * kPanel;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        const Ahead ahead = next_panel(b.words(p), depth, t);
        if (b.width(p) == kPanel)
            quad_tile_rows<2>(rows, depth, a + i * row_stride, row_stride, b.words(p), scales, c + i * ldc,
                              ldc, accumulate, ahead);
        else
            quad_tile_rows<1>(rows, depth, a + i * row_stride, row_stride, b.words(p), scales, c + i * ldc,
                              ldc, accumulate, ahead);
        i += rows;
    }
}

// C[m x panels first..last) (+)= A[m x k] B, as `multiply` in float32; `rounded_rows` has room for kPairRows
// rows.
inline void multiply_quads(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                           size_t ldc, bool accumulate, bool rounded) {
    const size_t words = quad_row_words(b.k), panel = static_cast<size_t>(kPanel) * b.depth();
    for (int start = 0; start < m; start += kPairRows, a += kPairRows * lda, c += kPairRows * ldc) {
        const int count = m - start < kPairRows ? m - start : kPairRows;
        for (int i = 0; i < count && !rounded; ++i)
            round_row_to_quads(a + i * lda, b.k, rounded_rows + i * words);
        if (count == 1 && kSingleInBytes && !rounded) join_bytes(b.depth(), rounded_rows);
        int p = first;
        for (; count == 1 && p + 4 <= last && b.width(p + 3) == kPanel; p += 4)
            quad_tile<1, 4, 2>(b.depth(), rounded_rows, 0, b.words(p), panel,
                               b.scales.get() + static_cast<size_t>(p) * kPanel,
                               c + static_cast<size_t>(p) * kPanel, 0, accumulate, {b.words(p), 0});
        for (; p < last; ++p)
            quad_panel_rows(count, rounded_rows, words, b, p, c + static_cast<size_t>(p) * kPanel, ldc,
                            accumulate);
    }
}

}  // namespace unspool::UNSPOOL_ISA
