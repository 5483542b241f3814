// Counts of a text while it is read: what it has said once, it says again. Contexts of some lengths are
// counted as they come, and a part of each probability is theirs; where they know nothing, it stays what it
// was. They escape to shorter ones as in prediction by partial matching (Cleary and Witten, 1984), with the
// discounts of Kneser and Ney, and at last to the probability that was given.
#pragma once

#include <cmath>
#include <cstdint>
#include <vector>

namespace unspool {

// Values by 64-bit keys that are spread well, of which none is 0; what is no longer room for is not kept.
template <typename Value>
class SpreadTable {
 public:
    Value* find(uint64_t key) {
        for (size_t at = key & mask();; at = (at + 1) & mask())
            if (slots_[at].key == key || slots_[at].key == 0)
                return slots_[at].key == key ? &slots_[at].value : nullptr;
    }

    // Returns the value of a key, a new one if there was none; null where there is no room for it.
    Value* add(uint64_t key) {
        if (Value* known = find(key)) return known;
        if (4 * (filled_ + 1) > 3 * slots_.size()) {
            if (slots_.size() >= kMost) return nullptr;
            grow();
        }
        ++filled_;
        return &place(key).value;
    }

 private:
    struct Slot {
        uint64_t key = 0;
        Value value{};
    };

    static constexpr size_t kMost = size_t{1} << 22;
    std::vector<Slot> slots_ = std::vector<Slot>(1024);
    size_t filled_ = 0;

    size_t mask() const { return slots_.size() - 1; }

    Slot& place(uint64_t key) {
        size_t at = key & mask();
        while (slots_[at].key != 0) at = (at + 1) & mask();
        slots_[at].key = key;
        return slots_[at];
    }

    void grow() {
        std::vector<Slot> old(2 * slots_.size());
        old.swap(slots_);
        for (const Slot& slot : old)
            if (slot.key != 0) place(slot.key).value = slot.value;
    }
};

class AdaptiveCounts {
 public:
    explicit AdaptiveCounts(int32_t end_id) : end_id_(end_id) {}

    // Reads the next part of a text, and writes the nats of its ids with the counts of what came before;
    // `nats` are those without. No context reaches past an end.
    void adapt(const int32_t* ids, const float* nats, int64_t count, float* out) {
        for (int64_t i = 0; i < count; ++i) {
            uint64_t keys[kLongest + 1];
            const int longest = contexts(keys);
            const double given = std::exp(-static_cast<double>(nats[i]));
            double counted = given;
            for (int d = kShortest; d <= longest; ++d) {
                const Context* context = contexts_.find(keys[d]);
                if (context == nullptr) break;
                const uint32_t* times = times_.find(joined(keys[d], ids[i]));
                const double known = times == nullptr ? 0.0 : *times - discount(*times);
                counted = (known + counted * context->discounted) / context->total;
            }
            out[i] = counted == given ? nats[i]
                                      : static_cast<float>(-std::log(given + kShare * (counted - given)));
            for (int d = kShortest; d <= longest; ++d) learn(keys[d], ids[i]);
            push(ids[i]);
        }
    }

 private:
    struct Context {
        double total = 0.0, discounted = 0.0;
    };

    static constexpr int kShortest = 4, kLongest = 8;
    static constexpr double kShare = 0.4;
    static constexpr double kDiscounts[3] = {0.9, 1.2, 1.5};

    const int32_t end_id_;
    int32_t recent_[kLongest] = {};  // the last symbols, the newest first
    int known_ = 0;                  // how many of them a context may have
    SpreadTable<Context> contexts_;
    SpreadTable<uint32_t> times_;  // of a symbol after a context

    static double discount(uint32_t times) { return kDiscounts[times < 3 ? times - 1 : 2]; }

    // Spreads a number over 64 bits (Steele, Lea and Flood, "Fast Splittable Pseudorandom Number
    // Generators").
    static uint64_t spread(uint64_t x) {
        x = (x ^ (x >> 30)) * 0xbf58476d1ce4e5b9u;
        x = (x ^ (x >> 27)) * 0x94d049bb133111ebu;
        return (x ^ (x >> 31)) | 1;
    }
    static uint64_t joined(uint64_t key, int32_t symbol) {
        return spread(key + 0x9e3779b97f4a7c15u * (static_cast<uint64_t>(symbol) + 1));
    }

    // Writes the key of each context, by its length; returns the length of the longest.
    int contexts(uint64_t* keys) const {
        uint64_t key = 0;
        for (int d = 1; d <= known_; ++d) keys[d] = key = joined(key, recent_[d - 1]);
        return known_;
    }

    void learn(uint64_t key, int32_t symbol) {
        Context* context = contexts_.add(key);
        uint32_t* times = context == nullptr ? nullptr : times_.add(joined(key, symbol));
        if (times == nullptr) return;
        context->discounted += discount(*times + 1) - (*times == 0 ? 0.0 : discount(*times));
        context->total += 1.0;
        ++*times;
    }

    void push(int32_t symbol) {
        if (symbol == end_id_) known_ = 0;
        for (int i = kLongest - 1; i > 0; --i) recent_[i] = recent_[i - 1];
        recent_[0] = symbol;
        if (known_ < kLongest) ++known_;
    }
};

}  // namespace unspool
