// The effect of a fork on memory that threads share.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace unspool {

// Returns the number of forks between the first process and this one. A fork copies the memory, but only the
// thread that calls it: data that other threads had locked or half changed at that moment stays so. So data
// that threads share stores this number, and is created again if the number has changed.
inline uint32_t forks() {
    static std::atomic<uint32_t> count{0};
    static const int handled =
        pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
    (void)handled;
    return count.load(std::memory_order_relaxed);
}

}  // namespace unspool
