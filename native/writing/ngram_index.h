// Which token followed each sequence of tokens of a text: what may not come again.
#pragma once

#include <cstdint>
#include <cstdlib>
#include <cstring>

namespace unspool::UNSPOOL_ISA {

// The different n-grams of a text that grows, found by the n - 1 tokens that they begin with. A step costs as
// much as there are n-grams with that beginning, however long the text is. The index takes at most 40 bytes
// for each different one.
class NgramIndex {
 public:
    NgramIndex() = default;
    NgramIndex(const NgramIndex&) = delete;
    NgramIndex& operator=(const NgramIndex&) = delete;
    ~NgramIndex() {
        std::free(entries_);
        std::free(heads_);
    }

    // Begins with an empty text; `size` is the n of the n-grams, ≥ 1.
    void begin(int size) {
        before_ = size - 1;
        uint64_t power = kFactor;
        for (int64_t n = before_ - 1; n > 0; n >>= 1, power *= power)
            if (n & 1) leaving_ *= power;
    }

    // Adds the n-gram that the last of `length` tokens ends; false if there is no memory left.
    bool add(const int32_t* tokens, int64_t length) {
        if (length > INT32_MAX) return false;
        const int32_t last = static_cast<int32_t>(length - 1);
        bool is_new = length > before_;
        if (is_new) each(tokens, last, [&](int32_t token) { is_new &= token != tokens[last]; });
        if (is_new) {
            if (count_ == room_ && !grow()) return false;
            entries_[count_] = {hash_, last, -1};
            link(count_++);
        }
        if (before_ == 0) return true;
        if (length > before_) hash_ -= symbol(tokens[last - before_]) * leaving_;
        hash_ = hash_ * kFactor + symbol(tokens[last]);
        return true;
    }

    // Calls `visit` with each token that followed the last n - 1 of `length` tokens before, once for each.
    template <typename Visit>
    void each_next(const int32_t* tokens, int64_t length, Visit visit) const {
        if (length >= before_) each(tokens, static_cast<int32_t>(length), visit);
    }

 private:
    struct Entry {
        uint64_t hash;  // of the n - 1 tokens
        int32_t place;  // of the token after them
        int32_t next;   // entry with the same head, or -1
    };
    static constexpr uint64_t kFactor = 0x9E3779B97F4A7C15u;

    int64_t before_ = 0;
    uint64_t hash_ = 0;     // of the last n - 1 tokens: a polynomial, from which the first one can be taken
    uint64_t leaving_ = 1;  // the factor of the first of them
    Entry* entries_ = nullptr;
    int32_t* heads_ = nullptr;  // for each value of a hash's upper bits an entry, or -1
    int32_t count_ = 0, room_ = 0;
    int bits_ = 0;

    static uint64_t symbol(int32_t token) { return static_cast<uint64_t>(token) + 1; }
    int32_t& head(uint64_t hash) const { return heads_[hash * kFactor >> (64 - bits_)]; }

    // Visits the tokens after the places whose n - 1 tokens are those before `end`.
    template <typename Visit>
    void each(const int32_t* tokens, int32_t end, Visit visit) const {
        if (count_ == 0) return;
        const int32_t* begin = tokens + end - before_;
        for (int32_t at = head(hash_); at >= 0; at = entries_[at].next) {
            const Entry& entry = entries_[at];
            if (entry.hash == hash_ &&
                std::memcmp(tokens + entry.place - before_, begin, sizeof(int32_t) * before_) == 0)
                visit(tokens[entry.place]);
        }
    }

    void link(int32_t number) {
        int32_t& first = head(entries_[number].hash);
        entries_[number].next = first;
        first = number;
    }

    bool grow() {
        if (room_ > INT32_MAX / 2) return false;
        const int32_t room = room_ == 0 ? 64 : 2 * room_;
        void* entries = std::realloc(entries_, sizeof(Entry) * room);
        if (entries == nullptr) return false;
        entries_ = static_cast<Entry*>(entries);
        void* heads = std::realloc(heads_, sizeof(int32_t) * room);
        if (heads == nullptr) return false;
        heads_ = static_cast<int32_t*>(heads);
        bits_ = bits_ == 0 ? 6 : bits_ + 1;
        room_ = room;
        std::memset(heads_, 0xFF, sizeof(int32_t) * room);
        for (int32_t number = 0; number < count_; ++number) link(number);
        return true;
    }
};

}  // namespace unspool::UNSPOOL_ISA
