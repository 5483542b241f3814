// BLAKE2b (RFC 7693) with a digest of 8 bytes, no key and no salt, of many short texts: one text in each
// 64-bit lane of a vector.
#pragma once

#include "products/simd.h"

namespace unspool::UNSPOOL_ISA {

constexpr int kHashes = kLanes / 2;
constexpr int kHashBlock = 128;  // bytes

typedef uint64_t VecLong __attribute__((vector_size(8 * (UNSPOOL_LANES / 2))));

UNSPOOL_INLINE VecLong rotated(VecLong x, int by) { return x >> by | x << (64 - by); }

UNSPOOL_INLINE void mix(VecLong* v, int a, int b, int c, int d, VecLong x, VecLong y) {
    v[a] += v[b] + x;
    v[d] = rotated(v[d] ^ v[a], 32);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 24);
    v[a] += v[b] + y;
    v[d] = rotated(v[d] ^ v[a], 16);
    v[c] += v[d];
    v[b] = rotated(v[b] ^ v[c], 63);
}

class LineHasher {
 public:
    // Hash the bytes between the bounds of each line; a digest is read as a big-endian number.
    void hash(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests) {
        int64_t taken = 0;
        for (int64_t& line : line_) line = -1;
        for (int busy = 1; busy != 0;) {
            busy = 0;
            for (int lane = 0; lane < kHashes; ++lane) {
                if (line_[lane] < 0 && taken < lines) take(lane, taken++, bounds);
                if (line_[lane] >= 0) busy += fill(lane, bytes);
            }
            compress();
            for (int lane = 0; lane < kHashes; ++lane) {
                if (line_[lane] < 0 || last_[lane] == 0) continue;
                digests[line_[lane]] = __builtin_bswap64(h_[0][lane]);
                line_[lane] = -1;
            }
        }
    }

 private:
    static constexpr uint64_t kInit[8] = {0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu,
                                          0xA54FF53A5F1D36F1u, 0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu,
                                          0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u};
    static constexpr uint64_t kDigestOfEight = 0x01010008u;
    static constexpr uint8_t kSigma[10][16] = {{0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15},
                                               {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
                                               {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4},
                                               {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
                                               {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13},
                                               {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
                                               {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11},
                                               {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
                                               {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5},
                                               {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    // Begin a line in a lane that is free.
    void take(int lane, int64_t line, const int64_t* bounds) {
        line_[lane] = line;
        begin_[lane] = bounds[2 * line];
        size_[lane] = bounds[2 * line + 1] - bounds[2 * line];
        count_[lane] = 0;
        for (int i = 0; i < 8; ++i) h_[i][lane] = kInit[i];
        h_[0][lane] ^= kDigestOfEight;
    }

    // Copy the next block of a lane's line into the message; returns 1, the count of one busy lane.
    int fill(int lane, const uint8_t* bytes) {
        const int64_t left = size_[lane] - static_cast<int64_t>(count_[lane]);
        const size_t some = static_cast<size_t>(left < kHashBlock ? left : kHashBlock);
        uint64_t block[kHashBlock / 8] = {};
        if (some > 0)
            std::memcpy(block, bytes + begin_[lane] + count_[lane], some);  // nothing has no address
        for (int i = 0; i < kHashBlock / 8; ++i)
            message_[i][lane] =
                __BYTE_ORDER__ == __ORDER_BIG_ENDIAN__ ? __builtin_bswap64(block[i]) : block[i];
        count_[lane] += some;
        last_[lane] = left <= kHashBlock ? ~uint64_t{0} : 0;
        return 1;
    }

    // Add the message to every lane's state; `count_` includes its bytes.
    void compress() {
        VecLong v[16], m[16], count, last;
        std::memcpy(m, message_, sizeof m);
        std::memcpy(v, h_, sizeof h_);
        std::memcpy(&count, count_, sizeof count);
        std::memcpy(&last, last_, sizeof last);
        for (int i = 0; i < 8; ++i) v[i + 8] = kInit[i] - VecLong{};
        v[12] ^= count;
        v[14] ^= last;
#pragma GCC unroll 12
        for (int round = 0; round < 12; ++round) {
            const uint8_t* s = kSigma[round % 10];
            for (int i = 0; i < 4; ++i) mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
            for (int i = 0; i < 4; ++i)
                mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]],
                    m[s[9 + 2 * i]]);
        }
        VecLong h[8];
        std::memcpy(h, h_, sizeof h);
        for (int i = 0; i < 8; ++i) h[i] ^= v[i] ^ v[i + 8];
        std::memcpy(h_, h, sizeof h);
    }

    alignas(64) uint64_t h_[8][kHashes];
    alignas(64) uint64_t message_[16][kHashes] = {};
    alignas(64) uint64_t count_[kHashes] = {};  // bytes of the line in the message or the state
    alignas(64) uint64_t last_[kHashes] = {};   // all ones if the message is the end of the line
    int64_t line_[kHashes], begin_[kHashes], size_[kHashes];
};

inline void hash_lines(const uint8_t* bytes, const int64_t* bounds, int64_t lines, uint64_t* digests) {
    LineHasher().hash(bytes, bounds, lines, digests);
}

}  // namespace unspool::UNSPOOL_ISA
