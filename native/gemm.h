// Packed single-precision matrix products with a register-blocked tile.
//
// The right-hand matrix is packed once into panels of kPanel columns (the last one may be half as wide); a
// tile of up to kRows rows by one panel stays in registers while it walks over K. Every element is
// accumulated in the order of k alone, whatever the tile: results do not depend on the number of rows, nor on
// how they are cut over threads.
#pragma once

#include "simd.h"

namespace unspool::UNSPOOL_ISA {

// An index made of `blocks` blocks of `size` entries (gates of a cell, say), each padded to `padded` in our
// buffers.
struct Axis {
    int blocks;
    int size;
    int padded;

    int real() const { return blocks * size; }
    int total() const { return blocks * padded; }
    // Index in the caller's matrix of a padded index, or -1 in the padding.
    int source(int index) const {
        const int block = index / padded, offset = index % padded;
        return offset < size ? block * size + offset : -1;
    }
};

struct Panels {
    int k = 0;        // rows of the packed matrix
    int columns = 0;  // a multiple of kLanes
    Buffer memory;

    int count() const { return (columns + kPanel - 1) / kPanel; }
    int width(int panel) const { return columns - panel * kPanel >= kPanel ? kPanel : kLanes; }
    const float* panel(int index) const { return memory.get() + static_cast<size_t>(index) * kPanel * k; }

    bool shape(int rows, int cols) {
        k = rows;
        columns = cols;
        return memory.reserve(static_cast<size_t>(rows) * round_up(cols, kPanel)) != nullptr;
    }

    // Packs panels [first, last) of the matrix whose entry (r, c) is source[r * row_stride + c *
    // column_stride], with `rows` and `cols` saying where padding goes. Panels do not overlap: threads may
    // share the work.
    void pack(const float* source, size_t row_stride, size_t column_stride, Axis rows, Axis cols, int first,
              int last) {
        for (int p = first; p < last; ++p) {
            float* out = memory.get() + static_cast<size_t>(p) * kPanel * k;
            const int w = width(p);
            for (int v = 0; v < w; v += kLanes) {
                const int column = p * kPanel + v, block = column / cols.padded,
                          offset = column % cols.padded;
                int valid = cols.size - offset;
                valid = valid < 0 ? 0 : valid > kLanes ? kLanes : valid;
                const float* from =
                    source + (static_cast<size_t>(block) * cols.size + offset) * column_stride;
                for (int r = 0; r < k; ++r) {
                    float* to = out + static_cast<size_t>(r) * w + v;
                    const int real = rows.source(r);
                    const int n = real < 0 ? 0 : valid;
                    const float* line = from + static_cast<size_t>(real < 0 ? 0 : real) * row_stride;
                    if (n == kLanes && column_stride == 1) {
                        store(to, load(line));
                        continue;
                    }
                    for (int j = 0; j < n; ++j) to[j] = line[j * column_stride];
                    for (int j = n; j < kLanes; ++j) to[j] = 0.0f;
                }
            }
        }
    }
};

// C[MR x NP panels] (+)= A B for MR rows of A and NP neighbouring panels of VP vectors each.
template <int MR, int NP, int VP>
UNSPOOL_INLINE void tile(int k, const float* a, size_t row_stride, size_t k_stride, const float* b,
                         size_t panel_stride, float* c, size_t ldc, bool accumulate) {
    Vec acc[MR][NP * VP];
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j) acc[i][j] = accumulate ? load(c + i * ldc + j * kLanes) : Vec{};
    for (int r = 0; r < k; ++r) {
        Vec row[NP * VP];
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j) row[j] = load(b + (j / VP) * panel_stride + (j % VP) * kLanes);
        b += VP * kLanes;
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) {
            const Vec x = broadcast(a[i * row_stride + r * k_stride]);
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) acc[i][j] += x * row[j];
        }
    }
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < NP * VP; ++j) store(c + i * ldc + j * kLanes, acc[i][j]);
}

// Runs the tile with exactly `rows` rows, 1 <= rows <= MR.
template <int VP, int MR = kRows>
UNSPOOL_INLINE void tile_rows(int rows, int k, const float* a, size_t row_stride, size_t k_stride,
                              const float* b, float* c, size_t ldc, bool accumulate) {
    if constexpr (MR > 1) {
        if (rows < MR) return tile_rows<VP, MR - 1>(rows, k, a, row_stride, k_stride, b, c, ldc, accumulate);
    }
    tile<MR, 1, VP>(k, a, row_stride, k_stride, b, 0, c, ldc, accumulate);
}

// One panel by `m` rows, cut into tiles of nearly equal height. Row i of the left side starts at a + i *
// row_stride.
template <int VP>
inline void panel_rows(int m, int k, const float* a, size_t row_stride, size_t k_stride, const float* b,
                       float* c, size_t ldc, bool accumulate) {
    const int tiles = (m + kRows - 1) / kRows;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        tile_rows<VP>(rows, k, a + i * row_stride, row_stride, k_stride, b, c + i * ldc, ldc, accumulate);
        i += rows;
    }
}

// C[m x panels first..last) (+)= A[m x k] B: A by rows, C in a buffer padded to whole vectors.
inline void multiply(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                     size_t ldc, bool accumulate) {
    const int k = b.k;
    const size_t stride = static_cast<size_t>(kPanel) * k;
    int p = first;
    if (m <= 2) {  // few rows: several panels at once, so that enough additions are under way
        constexpr int kMany = 4;
        for (; p + kMany <= last && b.width(p + kMany - 1) == kPanel; p += kMany) {
            const float* from = b.panel(p);
            if (m == 1)
                tile<1, kMany, 2>(k, a, lda, 1, from, stride, c + static_cast<size_t>(p) * kPanel, ldc,
                                  accumulate);
            else
                for (int half = 0; half < kMany; half += 2)
                    tile<2, 2, 2>(k, a, lda, 1, from + half * stride, stride,
                                  c + static_cast<size_t>(p + half) * kPanel, ldc, accumulate);
        }
    }
    for (; p < last; ++p) {
        float* to = c + static_cast<size_t>(p) * kPanel;
        if (b.width(p) == kPanel)
            panel_rows<2>(m, k, a, lda, 1, b.panel(p), to, ldc, accumulate);
        else
            panel_rows<1>(m, k, a, lda, 1, b.panel(p), to, ldc, accumulate);
    }
}

inline void multiply(int m, const float* a, size_t lda, const Panels& b, float* c, size_t ldc,
                     bool accumulate) {
    multiply(m, a, lda, b, 0, b.count(), c, ldc, accumulate);
}

// Memory that one thread needs for multiply_transposed.
struct TransposedScratch {
    Buffer left, right, product;
};

constexpr int kDepth =
    4096 / kPanel;  // rows of one block of K: a packed panel of it takes 16 KiB, half of the L1 cache

// C[m x columns first..last) = A^T B over `k` rows of A and B, both by rows. Returns the product in
// `scratch.product`, rows (last - first) floats apart; first and last are multiples of kLanes.
inline const float* multiply_transposed(int m, int k, const float* a, size_t lda, const float* b, size_t ldb,
                                        int first, int last, TransposedScratch& scratch) {
    const int columns = last - first;
    float* c = scratch.product.reserve(static_cast<size_t>(m) * columns);
    float* left = scratch.left.reserve(static_cast<size_t>(kDepth) * (m + kRows));
    float* right = scratch.right.reserve(static_cast<size_t>(kDepth) * kPanel);
    const int tiles = (m + kRows - 1) / kRows;
    if (k == 0) std::memset(c, 0, sizeof(float) * m * columns);
    for (int start = 0; start < k; start += kDepth) {
        const int depth = k - start < kDepth ? k - start : kDepth;
        float* to = left;
        for (int t = 0, i = 0; t < tiles;
             ++t) {  // the left side tile by tile, so that a tile reads it in order
            const int rows = (m - i) / (tiles - t);
            for (int r = 0; r < depth; ++r)
                for (int x = 0; x < rows; ++x) *to++ = a[static_cast<size_t>(start + r) * lda + i + x];
            i += rows;
        }
        for (int column = 0; column < columns; column += kPanel) {
            const int width = columns - column >= kPanel ? kPanel : kLanes;
            for (int r = 0; r < depth; ++r)
                for (int v = 0; v < width; v += kLanes)
                    store(right + r * width + v,
                          load(b + static_cast<size_t>(start + r) * ldb + first + column + v));
            const float* tile_left = left;
            for (int t = 0, i = 0; t < tiles; ++t) {
                const int rows = (m - i) / (tiles - t);
                float* out = c + static_cast<size_t>(i) * columns + column;
                if (width == kPanel)
                    tile_rows<2>(rows, depth, tile_left, 1, rows, right, out, columns, start > 0);
                else
                    tile_rows<1>(rows, depth, tile_left, 1, rows, right, out, columns, start > 0);
                tile_left += static_cast<size_t>(rows) * depth;
                i += rows;
            }
        }
    }
    return c;
}

}  // namespace unspool::UNSPOOL_ISA
