// Products with a transposed left side, summed over all positions of a window: the gradients of the weights.
//
// Positions are processed in blocks. The left side of a block is packed as a whole, the right side one group
// of panels at a time. While a group is multiplied, the rows that are packed next are prefetched. Every
// element is summed in the order of the positions, for any columns of a thread.
#pragma once

#include <atomic>

#include "products/products.h"

namespace unspool::UNSPOOL_ISA {

constexpr int kDepth = 4096 / kPanel;  // rows of a block, of floats or of pairs: a packed panel takes 16 KiB
constexpr int kGroup = 4 * kPanel;     // columns packed together: their block stays in the L2 cache

// Memory that one thread needs for multiply_transposed.
struct TransposedScratch {
    Buffer left, right, product;
    Buffer rows;                              // of bf16, as wide as the longest row of any left side
    bool bf16 = false;                        // multiply in bf16
    const std::atomic<bool>* stop = nullptr;  // once it is set, a product ends early, with other values

    bool reserve(int m, int columns) {
        return left.reserve(static_cast<size_t>(kDepth) * m) &&
               right.reserve(static_cast<size_t>(kDepth) * kGroup) &&
               product.reserve(static_cast<size_t>(m) * columns);
    }
};

// Rows that are packed next. Each is on another memory page and would arrive late without prefetching.
class NextRows {
 public:
    NextRows() = default;
    NextRows(const float* from, size_t ld, int columns, int rows)
        : from_(from), ld_(ld), columns_(columns), rows_(rows) {}

    // Sets the number of cache lines per call so that all are prefetched after `turns` calls.
    void spread(int turns) {
        const int lines = rows_ * ((columns_ + kCacheLine - 1) / kCacheLine);
        share_ = (lines + turns - 1) / turns;
    }
    void bring_near() {
        for (int n = share_; n > 0 && rows_ > 0; --n) {
            __builtin_prefetch(from_ + column_, 0, 2);
            column_ += kCacheLine;
            if (column_ < columns_) continue;
            column_ = 0;
            from_ += ld_;
            --rows_;
        }
    }

 private:
    const float* from_ = nullptr;
    size_t ld_ = 0;
    int columns_ = 0, rows_ = 0, column_ = 0, share_ = 0;
};

// Copies `rows` neighbouring columns of `depth` rows, 1 <= rows <= MR, one row after the other.
template <typename Entry, int MR = kRows>
UNSPOOL_INLINE void pack_columns(int rows, int depth, const Entry* a, size_t lda, Entry* to) {
    if constexpr (MR > 1) {
        if (rows < MR) return pack_columns<Entry, MR - 1>(rows, depth, a, lda, to);
    }
    for (int r = 0; r < depth; ++r) std::memcpy(to + r * MR, a + r * lda, sizeof(Entry) * MR);
}

// Packs `count` rows of m columns, `r` rows into a block of `depth`, tile by tile, so that a tile reads them
// in order.
template <typename Entry>
inline void pack_tiles(int m, int r, int count, int depth, const Entry* a, size_t lda, Entry* left) {
    const int tiles = (m + kRows - 1) / kRows;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        pack_columns(rows, count, a + i, lda,
                     left + static_cast<size_t>(i) * depth + static_cast<size_t>(r) * rows);
        i += rows;
    }
}

// Calls product(first row, rows, first column, columns) for every tile of m x columns, one panel wide.
template <typename Product>
UNSPOOL_INLINE void for_tiles(int m, int columns, Product&& product) {
    const int tiles = (m + kRows - 1) / kRows;
    for (int t = 0, i = 0; t < tiles; ++t) {
        const int rows = (m - i) / (tiles - t);
        for (int column = 0; column < columns; column += kPanel)
            product(i, rows, column, columns - column >= kPanel ? kPanel : kLanes);
        i += rows;
    }
}

// Packing and multiplying a block in float32.
struct FloatBlocks {
    static constexpr int kRowsEach = 1;  // rows of a matrix in a packed one
    static constexpr int kTileRows = kRows;

    float *left, *right;

    explicit FloatBlocks(TransposedScratch& scratch) : left(scratch.left.get()), right(scratch.right.get()) {}

    // A few rows at a time, so that neighbouring tiles use the same cache lines.
    void pack_left(int m, int k, const float* a, size_t lda) {
        constexpr int kStrip = 8;
        for (int r = 0; r < k; r += kStrip)
            pack_tiles(m, r, k - r < kStrip ? k - r : kStrip, k, a + r * lda, lda, left);
    }

    void pack_right(int columns, int k, const float* b, size_t ldb) {
        for (int r = 0; r < k; ++r)
            for (int column = 0; column < columns; column += kPanel) {
                const int width = columns - column >= kPanel ? kPanel : kLanes;
                float* to = right + static_cast<size_t>(column) * k + r * width;
                for (int v = 0; v < width; v += kLanes) store(to + v, load(b + r * ldb + column + v));
            }
    }

    template <typename Meanwhile>
    void multiply(int m, int columns, int k, float* c, size_t ldc, bool accumulate,
                  Meanwhile&& meanwhile) const {
        for_tiles(m, columns, [&](int i, int rows, int column, int width) {
            meanwhile();
            const float* a = left + static_cast<size_t>(i) * k;
            const float* panel = right + static_cast<size_t>(column) * k;
            float* out = c + i * ldc + column;
            if (width == kPanel)
                tile_rows<2>(rows, k, a, 1, rows, panel, out, ldc, accumulate, {panel, 0});
            else
                tile_rows<1>(rows, k, a, 1, rows, panel, out, ldc, accumulate, {panel, 0});
        });
    }
};

// Combines each two rows of `columns` columns, whole vectors, into a row of pairs; an odd last row is paired
// with zeros.
inline void pair_lines(int columns, int k, const float* from, size_t ld, uint32_t* to, size_t ldo) {
    for (int r = 0; r < k; r += 2, from += 2 * ld, to += ldo)
        for (int j = 0; j < columns; j += kLanes)
            store_pairs(to + j, paired(load(from + j), r + 1 < k ? load(from + ld + j) : Vec{}));
}

// Packing and multiplying a block in bf16, with rows in pairs.
struct PairBlocks {
    static constexpr int kRowsEach = 2;
#if defined(UNSPOOL_AMX)
    static constexpr int kTileRows = 2 * kTile;
#else
    static constexpr int kTileRows = kRows;
#endif

    uint32_t *left, *right, *lines;

    explicit PairBlocks(TransposedScratch& scratch)
        : left(scratch.left.words()), right(scratch.right.words()), lines(scratch.rows.words()) {}

    // A's rows are padded to whole vectors. For AMX the left side becomes m rows of pairs, as in
    // `multiply_pairs`.
    void pack_left(int m, int k, const float* a, size_t lda) {
        const int depth = (k + 1) / 2, columns = round_up(m, kLanes);
        for (int r = 0; r < depth; r += kPairStrip) {
            const int count = depth - r < kPairStrip ? depth - r : kPairStrip;
            const int rows_of_a = k - 2 * r < 2 * count ? k - 2 * r : 2 * count;
            pair_lines(columns, rows_of_a, a + static_cast<size_t>(2 * r) * lda, lda, lines, columns);
#if defined(UNSPOOL_AMX)
            for (int i = 0; i < m; i += kTile)
                turn_tile(count, m - i < kTile ? m - i : kTile, lines + i, columns,
                          left + static_cast<size_t>(i) * depth + r, depth);
#else
            pack_tiles(m, r, count, depth, lines, columns, left);
#endif
        }
    }

    void pack_right(int columns, int k, const float* b, size_t ldb) {
        const int depth = (k + 1) / 2;
        for (int r = 0; r < depth; ++r, b += 2 * ldb)
            for (int column = 0; column < columns; column += kPanel) {
                const int width = columns - column >= kPanel ? kPanel : kLanes;
                uint32_t* to = right + static_cast<size_t>(column) * depth + static_cast<size_t>(r) * width;
                pair_lines(width, 2 * r + 1 < k ? 2 : 1, b + column, ldb, to, width);
            }
    }

    template <typename Meanwhile>
    void multiply(int m, int columns, int k, float* c, size_t ldc, bool accumulate,
                  Meanwhile&& meanwhile) const {
        const int depth = (k + 1) / 2;
#if defined(UNSPOOL_AMX)
        multiply_tiles(m, columns, depth, left, right, c, ldc, accumulate, meanwhile);
#else
        for_tiles(m, columns, [&](int i, int rows, int column, int width) {
            meanwhile();
            const uint32_t* panel = right + static_cast<size_t>(column) * depth;
            pair_panel(width, rows, depth, left + static_cast<size_t>(i) * depth, 1, rows, panel,
                       c + i * ldc + column, ldc, accumulate, {panel, 0});
        });
#endif
    }
};

// The product in one precision, for the first `columns` columns of B; rows of C are ldc floats apart.
template <typename Blocks>
inline void multiply_blocks(int m, int k, const float* a, size_t lda, const float* b, size_t ldb, int columns,
                            float* c, size_t ldc, const std::atomic<bool>* stop, Blocks blocks) {
    constexpr int kBlock = Blocks::kRowsEach * kDepth;
    const auto rows_from = [&](int start) { return k - start < kBlock ? k - start : kBlock; };
    const auto columns_from = [&](int column) {
        return columns - column < kGroup ? columns - column : kGroup;
    };
    const int row_tiles = (m + Blocks::kTileRows - 1) / Blocks::kTileRows;
    for (int start = 0; start < k; start += kBlock) {
        if (stop != nullptr && stop->load(std::memory_order_relaxed)) return;
        const int rows = rows_from(start), then = start + rows;
        blocks.pack_left(m, rows, a + start * lda, lda);
        for (int group = 0; group < columns; group += kGroup) {
            const int width = columns_from(group);
            blocks.pack_right(width, rows, b + start * ldb + group, ldb);
            NextRows left, right;
            if (group + width < columns) {
                right = {b + start * ldb + group + width, ldb, columns_from(group + width), rows};
            } else if (then < k) {
                left = {a + then * lda, lda, m, rows_from(then)};
                right = {b + then * ldb, ldb, columns_from(0), rows_from(then)};
            }
            const int turns = row_tiles * ((width + kPanel - 1) / kPanel);
            left.spread(turns);
            right.spread(turns);
            blocks.multiply(m, width, rows, c + group, ldc, start > 0, [&] {
                left.bring_near();
                right.bring_near();
            });
        }
    }
}

// C[m x columns first..last) = A^T B over `k` rows of A and B, both by rows, k > 0. C has the columns from
// `first` on, and its rows are ldc floats apart; first and last are multiples of kLanes, and the scratch has
// been reserved.
inline void multiply_transposed(int m, int k, const float* a, size_t lda, const float* b, size_t ldb,
                                int first, int last, float* c, size_t ldc, TransposedScratch& scratch) {
    const int columns = last - first;
    if (scratch.bf16)
        multiply_blocks(m, k, a, lda, b + first, ldb, columns, c, ldc, scratch.stop, PairBlocks(scratch));
    else
        multiply_blocks(m, k, a, lda, b + first, ldb, columns, c, ldc, scratch.stop, FloatBlocks(scratch));
}

}  // namespace unspool::UNSPOOL_ISA
