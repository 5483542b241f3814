#include "text/lines.h"

#include <algorithm>
#include <cstddef>
#include <cstring>
#include <memory>

namespace unspool {

namespace {

// The result of Python's str.isspace for a code point.
bool is_space(uint32_t c) {
    if (c < 0x80) return c == ' ' || (c >= 0x09 && c <= 0x0D) || (c >= 0x1C && c <= 0x1F);
    return c == 0x85 || c == 0xA0 || c == 0x1680 || (c >= 0x2000 && c <= 0x200A) || c == 0x2028 ||
           c == 0x2029 || c == 0x202F || c == 0x205F || c == 0x3000;
}

uint8_t* put_utf8(uint32_t c, uint8_t* out) {
    const auto put = [&](uint32_t byte) { *out++ = static_cast<uint8_t>(byte); };
    if (c < 0x80) {
        put(c);
        return out;
    }
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
    return out;
}

// Hash the lines as UTF-8.
void hash_codes(HashLines hash, const uint8_t* codes, const int64_t* bounds, int64_t lines,
                uint64_t* digests) {
    hash(codes, bounds, lines, digests);
}

void hash_codes(HashLines hash, const uint32_t* codes, const int64_t* bounds, int64_t lines,
                uint64_t* digests) {
    if (lines == 0) return;
    const std::unique_ptr<uint8_t[]> bytes(
        new uint8_t[4 * static_cast<size_t>(bounds[2 * lines - 1] - bounds[0])]);
    std::vector<int64_t> places;
    uint8_t* out = bytes.get();
    for (int64_t i = 0; i < lines; ++i) {
        places.push_back(out - bytes.get());
        for (int64_t at = bounds[2 * i]; at < bounds[2 * i + 1]; ++at) out = put_utf8(codes[at], out);
        places.push_back(out - bytes.get());
    }
    hash(bytes.get(), places.data(), lines, digests);
}

const uint8_t* line_end(const uint8_t* begin, const uint8_t* end) {
    const void* found = std::memchr(begin, '\n', static_cast<size_t>(end - begin));
    return found == nullptr ? end : static_cast<const uint8_t*>(found);
}

const uint32_t* line_end(const uint32_t* begin, const uint32_t* end) {
    return std::find(begin, end, uint32_t{'\n'});
}

}  // namespace

template <typename Code>
int64_t find_lines(HashLines hash, const Code* codes, int64_t count, uint64_t limit, int64_t* bounds,
                   bool* held_out) {
    int64_t lines = 0;
    for (const Code *at = codes, *end = codes + count, *next; at < end; at = next + 1) {
        next = line_end(at, end);
        if (std::all_of(at, next, is_space)) continue;
        bounds[2 * lines] = at - codes;
        bounds[2 * lines++ + 1] = next - codes;
    }
    std::fill(held_out, held_out + lines, limit == UINT64_MAX);
    if (limit == 0 || limit == UINT64_MAX) return lines;
    std::vector<uint64_t> digests(static_cast<size_t>(lines));
    hash_codes(hash, codes, bounds, lines, digests.data());
    for (int64_t i = 0; i < lines; ++i) held_out[i] = digests[static_cast<size_t>(i)] < limit;
    return lines;
}

template <typename Code, typename Number>
bool number_lines(const Code* codes, const int64_t* bounds, const bool* held_out, int64_t lines,
                  uint32_t* table, uint32_t known, std::vector<uint32_t>* fresh, int64_t* counts,
                  Side<Number> training, Side<Number> validation) {
    for (int64_t i = 0; i < lines; ++i) {
        Side<Number>& side = held_out[i] ? validation : training;
        Number* out = side.next;
        for (const Code *at = codes + bounds[2 * i], *end = codes + bounds[2 * i + 1]; at < end; ++at) {
            uint32_t number = __atomic_load_n(&table[*at], __ATOMIC_RELAXED);
            if (number - 1 >= known) [[unlikely]] {
                if (fresh == nullptr) return false;
                fresh->push_back(*at);
                number = ++known;
                __atomic_store_n(&table[*at], number, __ATOMIC_RELAXED);
            }
            ++counts[number];
            *out++ = static_cast<Number>(number);
        }
        *out++ = 0;
        side.next = out;
        *side.ends++ = out - side.begin;
    }
    return true;
}

#define UNSPOOL_NUMBER_LINES(Code, Number)                                                             \
    template bool number_lines(const Code*, const int64_t*, const bool*, int64_t, uint32_t*, uint32_t, \
                               std::vector<uint32_t>*, int64_t*, Side<Number>, Side<Number>);
template int64_t find_lines(HashLines, const uint8_t*, int64_t, uint64_t, int64_t*, bool*);
template int64_t find_lines(HashLines, const uint32_t*, int64_t, uint64_t, int64_t*, bool*);
UNSPOOL_NUMBER_LINES(uint8_t, uint8_t)
UNSPOOL_NUMBER_LINES(uint8_t, uint16_t)
UNSPOOL_NUMBER_LINES(uint8_t, uint32_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint8_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint16_t)
UNSPOOL_NUMBER_LINES(uint32_t, uint32_t)

}  // namespace unspool
