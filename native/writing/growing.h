// Memory that grows with a text.
#pragma once

#include <cstdint>
#include <cstdlib>

namespace unspool::UNSPOOL_ISA {

inline int64_t lesser(int64_t a, int64_t b) { return a < b ? a : b; }

// Enlarges `values`; false if there is no memory left.
template <typename T>
bool enlarge(T*& values, int64_t count) {
    void* larger = std::realloc(values, sizeof(T) * count);
    if (larger == nullptr) return false;
    values = static_cast<T*>(larger);
    return true;
}

// Plain values in a row, in memory for at most twice as many.
template <typename T>
class Growing {
 public:
    Growing() = default;
    Growing(const Growing&) = delete;
    Growing& operator=(const Growing&) = delete;
    ~Growing() { std::free(values_); }

    // Adds a value; false if there is no memory left.
    bool add(const T& value) {
        if (count_ == room_) {
            const int64_t room = room_ == 0 ? 64 : 2 * room_;
            if (!enlarge(values_, room)) return false;
            room_ = room;
        }
        values_[count_++] = value;
        return true;
    }

    T& operator[](int64_t index) { return values_[index]; }
    const T& operator[](int64_t index) const { return values_[index]; }
    const T* get() const { return values_; }
    int64_t count() const { return count_; }

 private:
    T* values_ = nullptr;
    int64_t count_ = 0, room_ = 0;
};

}  // namespace unspool::UNSPOOL_ISA
