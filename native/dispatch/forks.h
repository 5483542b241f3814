// What a fork leaves of the memory that threads share.
#pragma once

#include <pthread.h>

#include <atomic>
#include <cstdint>

namespace unspool {

// Forks that lie between the first process and this one. A fork takes along the memory but no thread except
// the one that asks for it: what others had locked or half changed at that moment stays so. Whatever is
// shared with other threads therefore notes this number, and is made anew where the number has changed.
inline uint32_t forks() {
    static std::atomic<uint32_t> count{0};
    static const int handled =
        pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
    (void)handled;
    return count.load(std::memory_order_relaxed);
}

}  // namespace unspool
