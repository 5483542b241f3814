#include "dispatch/system.h"

#if defined(__linux__)
#include <sched.h>
#endif
#if !defined(_WIN32)
#include <pthread.h>
#endif

#include <atomic>
#include <chrono>
#include <thread>

namespace unspool {

#if defined(_WIN32)
uint32_t forks() { return 0; }
#else
uint32_t forks() {
    static std::atomic<uint32_t> count{0};
    static const int handled =
        pthread_atfork(nullptr, nullptr, [] { count.fetch_add(1, std::memory_order_relaxed); });
    (void)handled;
    return count.load(std::memory_order_relaxed);
}
#endif

#if defined(__linux__)
int processor() { return sched_getcpu(); }

// The affinity is restored at once: the thread moves, but is not bound.
void leave(int taken) {
    cpu_set_t allowed;
    if (sched_getaffinity(0, sizeof(allowed), &allowed) != 0) return;
    cpu_set_t wanted = allowed;
    CPU_CLR(taken, &wanted);
    if (CPU_COUNT(&wanted) == 0 || sched_setaffinity(0, sizeof(wanted), &wanted) != 0) return;
    sched_setaffinity(0, sizeof(allowed), &allowed);
}
#else
int processor() { return -1; }
void leave(int) {}
#endif

void yield() { std::this_thread::yield(); }

double seconds() {
    return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

}  // namespace unspool
