// Packed single-precision matrix products with a register-blocked tile.
//
// The right-hand matrix is packed once into panels of kPanel columns (the last one may be half as wide). A
// tile of up to kRows rows by one panel stays in registers during the loop over K. Every element is summed
// only in the order of k, for any tile. So results do not depend on the number of rows, nor on how rows are
// divided over threads.
#pragma once

#include "dispatch/kernels.h"
#include "products/simd.h"

namespace unspool::UNSPOOL_ISA {

// An index of `blocks` blocks of `size` entries (for example the gates of a cell), each padded to `padded` in
// our buffers.
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

// The same operations in bf16 and in int8; bf16.h and int8.h define them, and products.h includes all.
inline void pack_pairs(Panels& panels, const float* source, size_t row_stride, size_t column_stride,
                       Axis rows, Axis cols, int first, int last);
inline void multiply_pairs(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                           size_t ldc, bool accumulate, bool rounded);
inline void pack_quads(Panels& panels, const float* source, size_t row_stride, size_t column_stride,
                       Axis rows, Axis cols, int first, int last);
inline void multiply_quads(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                           size_t ldc, bool accumulate, bool rounded);

// This thread's memory for rows of a left side that are rounded to bf16 or int8; it belongs to the working
// network.
inline constinit thread_local uint32_t* rounded_rows = nullptr;

struct Panels {
    Precision format = Precision::kFloat32;  // bf16: rows in pairs; int8: in quads
    int k = 0;                               // rows of the packed matrix
    int columns = 0;                         // a multiple of kLanes
    Buffer memory;
    Buffer scales;  // of the columns, in int8

    int count() const { return (columns + kPanel - 1) / kPanel; }
    int width(int panel) const { return columns - panel * kPanel >= kPanel ? kPanel : kLanes; }
    int depth() const {  // rows of a panel
        return format == Precision::kFloat32 ? k : format == Precision::kBf16 ? (k + 1) / 2 : (k + 3) / 4;
    }
    const float* panel(int index) const { return memory.get() + static_cast<size_t>(index) * kPanel * k; }
    uint32_t* words(int index) const {
        return memory.words() + static_cast<size_t>(index) * kPanel * depth();
    }

    bool shape(int rows, int cols, Precision precision = Precision::kFloat32) {
        format = precision;
        k = rows;
        columns = cols;
        const size_t padded = round_up(cols, kPanel);
        return memory.reserve(depth() * padded) != nullptr &&
               (format != Precision::kInt8 || scales.reserve(padded) != nullptr);
    }

    // Packs panels [first, last) of the matrix whose entry (r, c) is source[r * row_stride + c *
    // column_stride]; `rows` and `cols` define the padding. Panels do not overlap: threads may share the
    // work.
    void pack(const float* source, size_t row_stride, size_t column_stride, Axis rows, Axis cols, int first,
              int last) {
        if (format == Precision::kBf16)
            return pack_pairs(*this, source, row_stride, column_stride, rows, cols, first, last);
        if (format == Precision::kInt8)
            return pack_quads(*this, source, row_stride, column_stride, rows, cols, first, last);
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
                    // the way back's weights lie with their columns in a row
                    if (row_stride == 1 && valid == kLanes && r + kLanes <= k && real >= 0 &&
                        rows.source(r + kLanes - 1) == real + kLanes - 1) {
                        turn_square(from + real, column_stride, to, w);
                        r += kLanes - 1;
                        continue;
                    }
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

// Writes a tile's sums, or adds them to the old values.
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

constexpr int kCacheLine = 64 / sizeof(float);

// Memory that is prefetched while a tile is computed: at each step of K the next `step` numbers of data that
// is read later. With a step of 0 it is always the same place, which should already be in the cache.
struct Ahead {
    const void* from;
    int step;

    UNSPOOL_INLINE void bring(int r) const {
        __builtin_prefetch(static_cast<const float*>(from) + static_cast<size_t>(r) * step, 0, 2);
    }
};

// Large weights fit into no cache of a core. So each of the first tiles of one panel, `k` rows deep,
// prefetches a part of the next panel. There may be no memory behind the last panel; a prefetch does not read
// it.
UNSPOOL_INLINE Ahead next_panel(const void* panel, int k, int tile) {
    constexpr int kStep = kPanel < kCacheLine ? kPanel : kCacheLine;
    if (tile >= kPanel / kStep) return {panel, 0};
    return {static_cast<const float*>(panel) + static_cast<size_t>(k) * (kPanel + tile * kStep), kStep};
}

// A few pieces of memory that are read after a product: its tiles prefetch them, a part each.
class Later {
 public:
    void add(const float* from, size_t floats) { pieces_[count_++] = {from, floats}; }

    // The part for a tile that is `k` deep.
    Ahead next(int k) {
        Piece& piece = pieces_[first_];
        const Ahead part{piece.from, kLanes};
        const size_t floats = static_cast<size_t>(k) * kLanes;
        if (piece.floats <= floats) ++first_;
        piece.from += floats;
        piece.floats -= floats;
        return part;
    }
    bool empty() const { return first_ == count_; }

 private:
    struct Piece {
        const float* from;
        size_t floats;
    } pieces_[4];
    int first_ = 0, count_ = 0;
};

// What a tile prefetches: the first ones the next panel, the others what is read later.
UNSPOOL_INLINE Ahead ahead_of(const void* panel, int k, int tile, Later* later) {
    const Ahead next = next_panel(panel, k, tile);
    return next.step == 0 && later != nullptr && !later->empty() ? later->next(k) : next;
}

// C[MR x NP panels] (+)= A B for MR rows of A and NP neighbouring panels of VP vectors each.
template <int MR, int NP, int VP>
UNSPOOL_INLINE void tile(int k, const float* a, size_t row_stride, size_t k_stride, const float* b,
                         size_t panel_stride, float* c, size_t ldc, bool accumulate, Ahead ahead) {
    Vec acc[MR][NP * VP] = {};
    if (accumulate)  // prefetch the values to which the sums are added
#pragma GCC unroll 16
        for (int i = 0; i < MR; ++i)
#pragma GCC unroll 16
            for (int j = 0; j < NP * VP * kLanes; j += kCacheLine) __builtin_prefetch(c + i * ldc + j, 1);
    for (int r = 0; r < k; ++r) {
        ahead.bring(r);
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
                              const float* b, float* c, size_t ldc, bool accumulate, Ahead ahead) {
    if constexpr (MR > 1) {
        if (rows < MR)
            return tile_rows<VP, MR - 1>(rows, k, a, row_stride, k_stride, b, c, ldc, accumulate, ahead);
    }
    tile<MR, 1, VP>(k, a, row_stride, k_stride, b, 0, c, ldc, accumulate, ahead);
}

// One panel by `m` rows, cut into tiles of nearly equal height. Row i of the left side starts at a + i *
// row_stride.
template <int VP>
inline void panel_rows(int m, int k, const float* a, size_t row_stride, size_t k_stride, const float* b,
                       float* c, size_t ldc, bool accumulate, Later* later) {
    const int tiles = (m + kRows - 1) / kRows;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        tile_rows<VP>(rows, k, a + i * row_stride, row_stride, k_stride, b, c + i * ldc, ldc, accumulate,
                      ahead_of(b, k, t, later));
        i += rows;
    }
}

// C[m x panels first..last) (+)= A[m x k] B: A by rows, C in a buffer padded to whole vectors. `rounded`:
// this thread's last product had the same left side, of a few rows, so they need not be rounded again.
// `later`: what is read after the product, in float32.
inline void multiply(int m, const float* a, size_t lda, const Panels& b, int first, int last, float* c,
                     size_t ldc, bool accumulate, bool rounded = false, Later* later = nullptr) {
    if (m == 0) return;  // a thread without steps
    if (b.format == Precision::kBf16)
        return multiply_pairs(m, a, lda, b, first, last, c, ldc, accumulate, rounded);
    if (b.format == Precision::kInt8)
        return multiply_quads(m, a, lda, b, first, last, c, ldc, accumulate, rounded);
    const int k = b.k;
    const size_t stride = static_cast<size_t>(kPanel) * k;
    int p = first;
    if (m <= 3) {  // few rows: several panels at once, so that enough additions run in parallel
        const int many = m == 1 ? 4 : 2;
        for (; p + many <= last && b.width(p + many - 1) == kPanel; p += many) {
            float* to = c + static_cast<size_t>(p) * kPanel;
            if (m == 1)
                tile<1, 4, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate, {b.panel(p), 0});
            else if (m == 2)
                tile<2, 2, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate, {b.panel(p), 0});
            else
                tile<3, 2, 2>(k, a, lda, 1, b.panel(p), stride, to, ldc, accumulate, {b.panel(p), 0});
        }
    }
    for (; p < last; ++p) {
        float* to = c + static_cast<size_t>(p) * kPanel;
        if (b.width(p) == kPanel)
            panel_rows<2>(m, k, a, lda, 1, b.panel(p), to, ldc, accumulate, later);
        else
            panel_rows<1>(m, k, a, lda, 1, b.panel(p), to, ldc, accumulate, later);
    }
}

inline void multiply(int m, const float* a, size_t lda, const Panels& b, float* c, size_t ldc,
                     bool accumulate, Later* later = nullptr) {
    multiply(m, a, lda, b, 0, b.count(), c, ldc, accumulate, false, later);
}

}  // namespace unspool::UNSPOOL_ISA
