// Products of pairs of bf16 by the tiles of AMX: 16 x 16 sums by one instruction, 16 pairs deep.
//
// Only in the build for AMX. VDPBF16PS adds the rest of the depth, fewer than 16 pairs. Every product of a
// network is computed in this way, also for a single row, and every element is summed in the order of k. So
// results do not depend on the number of rows, nor on how rows are divided over threads. Tile registers 0 to
// 3 hold the sums, 4 and 5 the left side, 6 and 7 the right side. They are named in assembly, since some
// compilers' intrinsics do not tell the compiler that memory is read.
#pragma once

#include "products/gemm.h"

namespace unspool::UNSPOOL_ISA {

constexpr int kTile = 16;  // rows of a tile, and the 32-bit lanes of a row

#define UNSPOOL_TILE_ZERO(tile) asm volatile("tilezero %%tmm" #tile::: "memory")
#define UNSPOOL_TILE_LOAD(tile, from, stride)                                                          \
    asm volatile("tileloadd (%0,%1,1), %%tmm" #tile ::"r"(from), "r"(4 * static_cast<int64_t>(stride)) \
                 : "memory")
#define UNSPOOL_TILE_STORE(tile, to, stride)                                                             \
    asm volatile("tilestored %%tmm" #tile ", (%0,%1,1)" ::"r"(to), "r"(4 * static_cast<int64_t>(stride)) \
                 : "memory")
#define UNSPOOL_TILE_DOT(sums, left, right) \
    asm volatile("tdpbf16ps %%tmm" #right ", %%tmm" #left ", %%tmm" #sums::: "memory")

// Sets the shapes of the tiles: `upper` rows in the first row of tiles, `lower` in the second, if there is
// one.
inline void shape_tiles(int upper, int lower) {
    struct alignas(64) {
        uint8_t palette = 1, first_row = 0, reserved[14] = {};
        uint16_t row_bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
        uint8_t rows[16] = {kTile, kTile, kTile, kTile, kTile, kTile, kTile, kTile};
    } shapes;
    const int second = lower > 0 ? lower : upper;
    shapes.rows[0] = shapes.rows[1] = shapes.rows[4] = static_cast<uint8_t>(upper);
    shapes.rows[2] = shapes.rows[3] = shapes.rows[5] = static_cast<uint8_t>(second);
    asm volatile("ldtilecfg %0" ::"m"(shapes) : "memory");
}

inline void release_tiles() { asm volatile("tilerelease" ::: "memory"); }

// One row of tiles by C columns of tiles, or two by C: the second row's left side starts `lower` pairs after
// the first's, and its sums `c_next` floats after the first's. Four columns are two panels, the second one
// `b_next` pairs after the first.
template <int R, int C>
inline void tile_block(int steps, const uint32_t* a, size_t a_stride, size_t lower, const uint32_t* b,
                       int width, size_t b_next, float* c, size_t ldc, size_t c_next, bool accumulate) {
    static_assert((R == 1 && C <= 4) || (R == 2 && C <= 2));
    constexpr bool second = C > 1, third = R == 2 || C == 4, fourth = third && C > 1;
    if (accumulate) {
        UNSPOOL_TILE_LOAD(0, c, ldc);
        if constexpr (second) UNSPOOL_TILE_LOAD(1, c + kTile, ldc);
        if constexpr (third) UNSPOOL_TILE_LOAD(2, c + c_next, ldc);
        if constexpr (fourth) UNSPOOL_TILE_LOAD(3, c + c_next + kTile, ldc);
    } else {
        UNSPOOL_TILE_ZERO(0);
        UNSPOOL_TILE_ZERO(1);
        UNSPOOL_TILE_ZERO(2);
        UNSPOOL_TILE_ZERO(3);
    }
    for (int s = 0; s < steps; ++s, a += kTile, b += static_cast<size_t>(kTile) * width) {
        UNSPOOL_TILE_LOAD(4, a, a_stride);
        UNSPOOL_TILE_LOAD(6, b, width);
        UNSPOOL_TILE_DOT(0, 4, 6);
        if constexpr (second) {
            UNSPOOL_TILE_LOAD(7, b + kTile, width);
            UNSPOOL_TILE_DOT(1, 4, 7);
        }
        if constexpr (R == 2) {
            UNSPOOL_TILE_LOAD(5, a + lower, a_stride);
            UNSPOOL_TILE_DOT(2, 5, 6);
            if constexpr (second) UNSPOOL_TILE_DOT(3, 5, 7);
        }
        if constexpr (C == 4) {
            UNSPOOL_TILE_LOAD(6, b + b_next, width);
            UNSPOOL_TILE_DOT(2, 4, 6);
            UNSPOOL_TILE_LOAD(7, b + b_next + kTile, width);
            UNSPOOL_TILE_DOT(3, 4, 7);
        }
    }
    UNSPOOL_TILE_STORE(0, c, ldc);
    if constexpr (second) UNSPOOL_TILE_STORE(1, c + kTile, ldc);
    if constexpr (third) UNSPOOL_TILE_STORE(2, c + c_next, ldc);
    if constexpr (fourth) UNSPOOL_TILE_STORE(3, c + c_next + kTile, ldc);
}

// Up to two rows of tiles, which have been shaped for `m` rows, by `panels` panels of `width` columns, one
// or, where the tiles make one row, two that are kPanel columns wide and `b_next` pairs apart. Row i of the
// left side starts at a + i * a_stride.
inline void tile_panel(int m, int panels, int width, int depth, const uint32_t* a, size_t a_stride,
                       const uint32_t* b, size_t b_next, float* c, size_t ldc, bool accumulate) {
    const int steps = depth / kTile, done = steps * kTile;
    const size_t lower = kTile * a_stride, next_row = kTile * ldc;
    if (steps > 0) {
        if (m > kTile && width == kPanel)
            tile_block<2, 2>(steps, a, a_stride, lower, b, width, 0, c, ldc, next_row, accumulate);
        else if (m > kTile)
            tile_block<2, 1>(steps, a, a_stride, lower, b, width, 0, c, ldc, next_row, accumulate);
        else if (panels == 2)
            tile_block<1, 4>(steps, a, a_stride, 0, b, width, b_next, c, ldc, kPanel, accumulate);
        else if (width == kPanel)
            tile_block<1, 2>(steps, a, a_stride, 0, b, width, 0, c, ldc, 0, accumulate);
        else
            tile_block<1, 1>(steps, a, a_stride, 0, b, width, 0, c, ldc, 0, accumulate);
    }
    if (done == depth) return;
    for (int p = 0; p < panels; ++p)
        pair_panel_rows(width, m, depth - done, a + done, a_stride,
                        b + p * b_next + static_cast<size_t>(done) * width, c + p * kPanel, ldc,
                        accumulate || steps > 0);
}

// Calls block(first row, rows) with shaped tiles, for at most two rows of tiles at a time.
template <typename Block>
inline void for_tile_rows(int m, Block block) {
    int shaped = 0;
    for (int i = 0; i < m; i += 2 * kTile) {
        const int rows = m - i < 2 * kTile ? m - i : 2 * kTile;
        if (rows != shaped) shape_tiles(rows < kTile ? rows : kTile, rows - kTile);
        shaped = rows;
        block(i, rows);
    }
    release_tiles();
}

// C[m x panels first..last) (+)= A B, where A is `m` rows of `depth` pairs.
inline void multiply_tiles(int m, int depth, const uint32_t* a, const Panels& b, int first, int last,
                           float* c, size_t ldc, bool accumulate) {
    const size_t panel = static_cast<size_t>(kPanel) * depth;
    for_tile_rows(m, [&](int i, int rows) {
        for (int p = first; p < last;) {
            const int panels = rows <= kTile && p + 1 < last && b.width(p + 1) == kPanel ? 2 : 1;
            tile_panel(rows, panels, b.width(p), depth, a + static_cast<size_t>(i) * depth, depth, b.words(p),
                       panel, c + i * ldc + static_cast<size_t>(p) * kPanel, ldc, accumulate);
            p += panels;
        }
    });
}

// The same product with consecutive packed panels of `columns` columns in total; meanwhile() is called at
// each.
template <typename Meanwhile>
inline void multiply_tiles(int m, int columns, int depth, const uint32_t* a, const uint32_t* panels, float* c,
                           size_t ldc, bool accumulate, Meanwhile&& meanwhile) {
    for_tile_rows(m, [&](int i, int rows) {
        for (int column = 0; column < columns; column += kPanel) {
            meanwhile();
            tile_panel(rows, 1, columns - column >= kPanel ? kPanel : kLanes, depth,
                       a + static_cast<size_t>(i) * depth, depth,
                       panels + static_cast<size_t>(column) * depth, 0, c + i * ldc + column, ldc,
                       accumulate);
        }
    });
}

// Selects lanes of two joined vectors by the numbers in `from`.
UNSPOOL_INLINE Pairs chosen(Pairs a, Pairs b, Pairs from) {
    return reinterpret_cast<Pairs>(_mm512_permutex2var_epi32(
        reinterpret_cast<__m512i>(a), reinterpret_cast<__m512i>(from), reinterpret_cast<__m512i>(b)));
}

// Exchanges the upper right and the lower left quarter of every block of 2S x 2S lanes.
template <int S>
UNSPOOL_INLINE void trade_quarters(Pairs (&x)[kTile]) {
    Pairs first, second;
#pragma GCC unroll 16
    for (int j = 0; j < kTile; ++j) {
        first[j] = static_cast<uint32_t>(j & S ? kTile + j - S : j);
        second[j] = static_cast<uint32_t>(j & S ? kTile + j : j + S);
    }
#pragma GCC unroll 16
    for (int i = 0; i < kTile; ++i) {
        if (i & S) continue;
        const Pairs a = x[i], b = x[i + S];
        x[i] = chosen(a, b, first);
        x[i + S] = chosen(a, b, second);
    }
    if constexpr (S > 1) trade_quarters<S / 2>(x);
}

// Transposes `lines` lines of `columns` pairs, both at most kTile; whole vectors of the lines can be read.
inline void turn_tile(int lines, int columns, const uint32_t* from, size_t ld, uint32_t* to, size_t ldo) {
    if (lines == kTile) {
        Pairs x[kTile];
#pragma GCC unroll 16
        for (int r = 0; r < kTile; ++r) x[r] = load_pairs(from + r * ld);
        trade_quarters<kTile / 2>(x);
#pragma GCC unroll 16
        for (int i = 0; i < kTile; ++i)
            if (i < columns) store_pairs(to + i * ldo, x[i]);
        return;
    }
    for (int i = 0; i < columns; ++i)
        for (int r = 0; r < lines; ++r) to[i * ldo + r] = from[r * ld + i];
}

}  // namespace unspool::UNSPOOL_ISA
