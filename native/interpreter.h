// What native code owes to the interpreter that calls it: its lock, its forks and its end.
#pragma once

#include <Python.h>
#include <pthread.h>
#include <unistd.h>

#include <atomic>

namespace unspool {

// Lets other Python threads run as long as it lives.
//
// Where the interpreter has ended meanwhile, CPython (3.11 to 3.13) ends a daemon thread that wants the lock
// back by pthread_exit. That unwinds the stack and would end the whole process at the first function that is
// noexcept, as those of the binding are. So the thread stops here instead, as it does in CPython 3.14.
class WithoutLock {
 public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;
    ~WithoutLock() {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {  // the unwinding of pthread_exit; it may neither go on nor be swallowed
            for (;;) pause();
        }
    }

 private:
    PyThreadState* const state_;
};

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
