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

struct Panels;
struct TransposedScratch;

// The same in bf16, in bf16.h.
inline void pack_pairs(Panels& panels, const float* source, size_t row_stride, size_t column_stride, Axis rows,
                       Axis cols, int first, int last);
inline void multiply_pairs(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                           size_t ldc, bool accumulate);
inline const float* multiply_transposed_pairs(int m, int k, const float* a, size_t lda, const float* b,
                                              size_t ldb, int first, int last, TransposedScratch& scratch);

struct Panels {
    bool bf16 = false;  // rows in pairs of bf16
    int k = 0;        // rows of the packed matrix
    int columns = 0;  // a multiple of kLanes
    Buffer memory;

    int count() const { return (columns + kPanel - 1) / kPanel; }
    int width(int panel) const { return columns - panel * kPanel >= kPanel ? kPanel : kLanes; }
    int depth() const { return bf16 ? (k + 1) / 2 : k; }  // rows of a panel
    const float* panel(int index) const { return memory.get() + static_cast<size_t>(index) * kPanel * k; }
    uint32_t* pairs(int index) const { return memory.pairs() + static_cast<size_t>(index) * kPanel * depth(); }

    bool shape(int rows, int cols, bool in_bf16 = false) {
        bf16 = in_bf16;
        k = rows;
        columns = cols;
        return memory.reserve(static_cast<size_t>(depth()) * round_up(cols, kPanel)) != nullptr;
    }

    // Packs panels [first, last) of the matrix whose entry (r, c) is source[r * row_stride + c *
    // column_stride], with `rows` and `cols` saying where padding goes. Panels do not overlap: threads may
    // share the work.
    void pack(const float* source, size_t row_stride, size_t column_stride, Axis rows, Axis cols, int first,
              int last) {
        if (bf16) return pack_pairs(*this, source, row_stride, column_stride, rows, cols, first, last);
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

// Writes a tile's sums, or adds them to what is there.
template <int MR, int N>
UNSPOOL_INLINE void store_tile(const Vec (&sums)[MR][N], float* c, size_t ldc, bool accumulate) {
#pragma GCC unroll 16
    for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
        for (int j = 0; j < N; ++j) {
            float* to = c + i * ldc + j * kLanes;
            store(to, accumulate ? load(to) + sums[i][j] : sums[i][j]);
        }
}

// C[MR x NP panels] (+)= A B for MR rows of A and NP neighbouring panels of VP vectors each.
template <int MR, int NP, int VP>
UNSPOOL_INLINE void tile(int k, const float* a, size_t row_stride, size_t k_stride, const float* b,
                         size_t panel_stride, float* c, size_t ldc, bool accumulate) {
    Vec acc[MR][NP * VP] = {};
    if (accumulate)  // what the sums are added to arrives while they are made
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i) __builtin_prefetch(c + i * ldc, 1);
    for (int r = 0; r < k; ++r) {
        if constexpr (MR < NP * VP && (MR + 1) * NP * VP >= 16) {  // no register left for every vector
            Vec x[MR];
#pragma GCC unroll 16
            for (int i = 0; i < MR; ++i) x[i] = broadcast(a[i * row_stride + r * k_stride]);
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) {
                const Vec row = load(b + (j / VP) * panel_stride + (j % VP) * kLanes);
#pragma GCC unroll 16
                for (int i = 0; i < MR; ++i) acc[i][j] += x[i] * row;
            }
        } else {
            Vec row[NP * VP];
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP; ++j) row[j] = load(b + (j / VP) * panel_stride + (j % VP) * kLanes);
#pragma GCC unroll 16
            for (int i = 0; i < MR; ++i) {
                const Vec x = broadcast(a[i * row_stride + r * k_stride]);
#pragma GCC unroll 16
                for (int j = 0; j < NP * VP; ++j) acc[i][j] += x * row[j];
            }
        }
        b += VP * kLanes;
    }
    store_tile(acc, c, ldc, accumulate);
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
    if (m == 0) return;  // a thread without a step of its own
    if (b.bf16) return multiply_pairs(m, a, lda, b, first, last, c, ldc, accumulate);
    const int k = b.k;
    const size_t stride = static_cast<size_t>(kPanel) * k;
    int p = first;
    if (m <= 3) {  // few rows: several panels at once, so that enough additions are under way
        const int many = m == 1 ? 4 : 2;
        for (; p + many <= last && b.width(p + many - 1) == kPanel; p += many) {
            float* to = c + static_cast<size_t>(p) * kPanel;
            if (m == 1)
                tile<1, 4, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate);
            else if (m == 2)
                tile<2, 2, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate);
            else
                tile<3, 2, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate);
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

constexpr int kDepth = 4096 / kPanel;  // rows of one block of K: a packed panel of it takes 16 KiB
constexpr int kGroup = 4 * kPanel;     // columns packed together: their block stays in the L2 cache
constexpr int kCacheLine = 64 / sizeof(float);

// Copies `rows` neighbouring columns of `depth` rows, 1 <= rows <= MR, one row after the other.
template <int MR = kRows>
UNSPOOL_INLINE void pack_columns(int rows, int depth, const float* a, size_t lda, float* to) {
    if constexpr (MR > 1) {
        if (rows < MR) return pack_columns<MR - 1>(rows, depth, a, lda, to);
    }
    for (int r = 0; r < depth; ++r) std::memcpy(to + r * MR, a + r * lda, sizeof(float) * MR);
}

// Packs `depth` rows of m columns tile by tile, so that a tile reads them in order; a few rows at a time,
// whose cache lines then serve the neighbouring tiles as well.
inline void pack_left(int m, int depth, const float* a, size_t lda, float* left) {
    constexpr int kStrip = 8;
    const int tiles = (m + kRows - 1) / kRows;
    for (int r = 0; r < depth; r += kStrip) {
        const int count = depth - r < kStrip ? depth - r : kStrip;
        for (int t = 0, i = 0; t < tiles; ++t) {
            const int rows = (m - i) / (tiles - t);
            float* tile = left + static_cast<size_t>(i) * depth;
            pack_columns(rows, count, a + r * lda + i, lda, tile + r * rows);
            i += rows;
        }
    }
}

// Packs `depth` rows of up to kGroup columns into panels.
inline void pack_right(int columns, int depth, const float* b, size_t ldb, float* right) {
    for (int r = 0; r < depth; ++r)
        for (int column = 0; column < columns; column += kPanel) {
            const int width = columns - column >= kPanel ? kPanel : kLanes;
            float* to = right + static_cast<size_t>(column) * depth + r * width;
            for (int v = 0; v < width; v += kLanes) store(to + v, load(b + r * ldb + column + v));
        }
}

// C[m x columns] (+)= the packed left side by the packed right side. Meanwhile `depth` rows of what is packed
// next are brought near, a few with each tile; they come from far away otherwise, a page each.
inline void multiply_packed(int m, int columns, int depth, const float* left, const float* right, float* c,
                            size_t ldc, bool accumulate, const float* next, size_t ldb) {
    const int tiles = (m + kRows - 1) / kRows, share = (depth + tiles - 1) / tiles;
    int fetched = next == nullptr ? depth : 0;
    for (int t = 0, i = 0; t < tiles; ++t) {
        for (int n = 0; n < share && fetched < depth; ++n, ++fetched)
            for (int v = 0; v < kGroup; v += kCacheLine) __builtin_prefetch(next + fetched * ldb + v, 0, 2);
        const int rows = (m - i) / (tiles - t);
        const float* tile_left = left + static_cast<size_t>(i) * depth;
        for (int column = 0; column < columns; column += kPanel) {
            const float* panel = right + static_cast<size_t>(column) * depth;
            float* out = c + static_cast<size_t>(i) * ldc + column;
            if (columns - column >= kPanel)
                tile_rows<2>(rows, depth, tile_left, 1, rows, panel, out, ldc, accumulate);
            else
                tile_rows<1>(rows, depth, tile_left, 1, rows, panel, out, ldc, accumulate);
        }
        i += rows;
    }
}

// Memory that one thread needs for multiply_transposed.
struct TransposedScratch {
    Buffer left, right, product;
    Buffer rows;        // of bf16, as wide as the longest row of any left side
    bool bf16 = false;  // multiply in bf16

    bool reserve(int m, int columns) {
        return left.reserve(static_cast<size_t>(kDepth) * m) &&
               right.reserve(static_cast<size_t>(kDepth) * kGroup) &&
               product.reserve(static_cast<size_t>(m) * columns);
    }
};

// C[m x columns first..last) = A^T B over `k` rows of A and B, both by rows. Returns the product in
// `scratch.product`, rows (last - first) floats apart; first and last are multiples of kLanes, and the
// scratch has been reserved.
inline const float* multiply_transposed(int m, int k, const float* a, size_t lda, const float* b, size_t ldb,
                                        int first, int last, TransposedScratch& scratch) {
    if (scratch.bf16) return multiply_transposed_pairs(m, k, a, lda, b, ldb, first, last, scratch);
    const int columns = last - first;
    float *c = scratch.product.get(), *left = scratch.left.get(), *right = scratch.right.get();
    if (k == 0) std::memset(c, 0, sizeof(float) * m * columns);
    for (int start = 0; start < k; start += kDepth) {
        const int depth = k - start < kDepth ? k - start : kDepth;
        pack_left(m, depth, a + static_cast<size_t>(start) * lda, lda, left);
        const float* from = b + static_cast<size_t>(start) * ldb + first;
        for (int group = 0; group < columns; group += kGroup) {
            const int width = columns - group < kGroup ? columns - group : kGroup;
            pack_right(width, depth, from + group, ldb, right);
            multiply_packed(m, width, depth, left, right, c + group, columns, start > 0,
                            group + kGroup < columns ? from + group + kGroup : nullptr, ldb);
        }
    }
    return c;
}

}  // namespace unspool::UNSPOOL_ISA

#include "bf16.h"
