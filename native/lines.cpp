#include "lines.h"

#include <bit>
#include <cstddef>
#include <cstring>

namespace unspool {

namespace {

// What Python's str.isspace says of a code point.
bool is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 || c == 0x2029 ||
           c == 0x202F || c == 0x205F || c == 0x3000;
}

// BLAKE2b (RFC 7693) with a digest of 8 bytes, no key and no salt, of one message after the other.
class Blake2b {
 public:
    // Hash a line of code points as UTF-8; the digest, read as a number with its big end first.
    template <typename Code>
    uint64_t hash(const Code* codes, int64_t count) {
        std::memcpy(h_, kInit, sizeof h_);
        h_[0] ^= 0x01010008u;
        length_ = filled_ = 0;
        if constexpr (sizeof(Code) == 1) {
            put_bytes(codes, static_cast<size_t>(count));
        } else {
            for (int64_t i = 0; i < count; ++i) put_code(codes[i]);
        }
        std::memset(block_ + filled_, 0, kBlock - filled_);
        length_ += filled_;
        compress(true);
        return __builtin_bswap64(h_[0]);
    }

 private:
    static constexpr size_t kBlock = 128;
    static constexpr uint64_t kInit[8] = {0x6A09E667F3BCC908u, 0xBB67AE8584CAA73Bu, 0x3C6EF372FE94F82Bu,
                                          0xA54FF53A5F1D36F1u, 0x510E527FADE682D1u, 0x9B05688C2B3E6C1Fu,
                                          0x1F83D9ABFB41BD6Bu, 0x5BE0CD19137E2179u};
    static constexpr uint8_t kSigma[10][16] = {
        {0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15}, {14, 10, 4, 8, 9, 15, 13, 6, 1, 12, 0, 2, 11, 7, 5, 3},
        {11, 8, 12, 0, 5, 2, 15, 13, 10, 14, 3, 6, 7, 1, 9, 4}, {7, 9, 3, 1, 13, 12, 11, 14, 2, 6, 5, 10, 4, 0, 15, 8},
        {9, 0, 5, 7, 2, 4, 10, 15, 14, 1, 11, 12, 6, 8, 3, 13}, {2, 12, 6, 10, 0, 11, 8, 3, 4, 13, 7, 5, 15, 14, 1, 9},
        {12, 5, 1, 15, 14, 13, 4, 10, 0, 7, 6, 3, 9, 2, 8, 11}, {13, 11, 7, 14, 12, 1, 3, 9, 5, 0, 15, 4, 8, 6, 2, 10},
        {6, 15, 14, 9, 11, 3, 0, 8, 12, 2, 13, 7, 1, 4, 10, 5}, {10, 2, 8, 4, 7, 6, 1, 5, 15, 11, 9, 14, 3, 12, 13, 0}};

    void put(uint32_t byte) {
        if (filled_ == kBlock) {  // only now is it known that it is not the last one
            length_ += kBlock;
            compress(false);
            filled_ = 0;
        }
        block_[filled_++] = static_cast<uint8_t>(byte);
    }

    void put_bytes(const uint8_t* bytes, size_t count) {
        while (count > kBlock - filled_) {
            const size_t part = kBlock - filled_;
            std::memcpy(block_ + filled_, bytes, part);
            bytes += part, count -= part;
            length_ += kBlock;
            compress(false);
            filled_ = 0;
        }
        std::memcpy(block_ + filled_, bytes, count);
        filled_ += count;
    }

    void put_code(uint32_t c) {
        if (c < 0x80) return put(c);
        if (c < 0x800) {
            put(0xC0 | c >> 6);
        } else {
            if (c < 0x10000) {
                put(0xE0 | c >> 12);
            } else {
                put(0xF0 | c >> 18);
                put(0x80 | (c >> 12 & 0x3F));
            }
            put(0x80 | (c >> 6 & 0x3F));
        }
        put(0x80 | (c & 0x3F));
    }

    static uint64_t rotated(uint64_t x, int by) { return x >> by | x << (64 - by); }

    static void mix(uint64_t* v, int a, int b, int c, int d, uint64_t x, uint64_t y) {
        v[a] += v[b] + x;
        v[d] = rotated(v[d] ^ v[a], 32);
        v[c] += v[d];
        v[b] = rotated(v[b] ^ v[c], 24);
        v[a] += v[b] + y;
        v[d] = rotated(v[d] ^ v[a], 16);
        v[c] += v[d];
        v[b] = rotated(v[b] ^ v[c], 63);
    }

    void compress(bool last) {
        uint64_t m[16], v[16];
        std::memcpy(m, block_, kBlock);
        if constexpr (std::endian::native == std::endian::big)
            for (uint64_t& word : m) word = __builtin_bswap64(word);
        for (int i = 0; i < 8; ++i) v[i] = h_[i], v[i + 8] = kInit[i];
        v[12] ^= length_;
        if (last) v[14] = ~v[14];
#pragma GCC unroll 12
        for (int round = 0; round < 12; ++round) {
            const uint8_t* s = kSigma[round % 10];
            for (int i = 0; i < 4; ++i) mix(v, i, 4 + i, 8 + i, 12 + i, m[s[2 * i]], m[s[2 * i + 1]]);
            for (int i = 0; i < 4; ++i)
                mix(v, i, 4 + (i + 1) % 4, 8 + (i + 2) % 4, 12 + (i + 3) % 4, m[s[8 + 2 * i]], m[s[9 + 2 * i]]);
        }
        for (int i = 0; i < 8; ++i) h_[i] ^= v[i] ^ v[i + 8];
    }

    uint64_t h_[8];
    uint8_t block_[kBlock];
    size_t filled_ = 0, length_ = 0;
};

}  // namespace

template <typename Code>
int64_t find_lines(const Code* codes, int64_t count, uint64_t limit, int64_t* bounds, bool* held_out) {
    Blake2b blake;
    int64_t lines = 0;
    for (int64_t begin = 0; begin < count;) {
        int64_t end = begin;
        bool text = false;
        for (; end < count && codes[end] != '\n'; ++end) text |= !is_space(codes[end]);
        if (text) {
            bounds[2 * lines] = begin;
            bounds[2 * lines + 1] = end;
            held_out[lines++] =
                limit == UINT64_MAX || (limit != 0 && blake.hash(codes + begin, end - begin) < limit);
        }
        begin = end + 1;
    }
    return lines;
}

template <typename Code, typename Number>
void number_lines(const Code* codes, const int64_t* bounds, const bool* held_out, int64_t lines, uint32_t* table,
                  int64_t* counts, uint32_t known, std::vector<uint32_t>& fresh, Number* training,
                  Number* validation) {
    for (int64_t i = 0; i < lines; ++i) {
        Number*& out = held_out[i] ? validation : training;
        for (int64_t at = bounds[2 * i]; at < bounds[2 * i + 1]; ++at) {
            const Code code = codes[at];
            if (table[code] == 0) {
                fresh.push_back(code);
                table[code] = ++known;
            }
            ++counts[code];
            *out++ = static_cast<Number>(table[code]);
        }
        *out++ = 0;
    }
}

#define UNSPOOL_NUMBER_LINES(Code, Number)                                                                    \
    template void number_lines(const Code*, const int64_t*, const bool*, int64_t, uint32_t*, int64_t*, uint32_t, \
                               std::vector<uint32_t>&, Number*, Number*);
template int64_t find_lines(const uint8_t*, int64_t, uint64_t, int64_t*, bool*);
template int64_t find_lines(const uint32_t*, int64_t, uint64_t, int64_t*, bool*);
UNSPOOL_NUMBER_LINES(uint8_t, uint8_t)
UNSPOOL_NUMBER_LINES(uint8_t, uint16_t)
UNSPOOL_NUMBER_LINES(uint8_t, uint32_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint8_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint16_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint32_t)

}  // namespace unspool
