// A team of threads that sleep between tasks and can wait for each other inside one.
#pragma once

#include <atomic>
#include <chrono>
#include <condition_variable>
#include <memory>
#include <mutex>
#include <thread>
#include <vector>

#include "dispatch/kernels.h"
#include "dispatch/system.h"

namespace unspool {

// A lock that threads get in the order in which they asked for it: one that takes it again and again, as a
// writer does, keeps no other one waiting for longer than a task.
class Queue {
 public:
    void lock() {
        std::unique_lock<std::mutex> guard(mutex_);
        const uint64_t mine = last_++;
        moved_.wait(guard, [&] { return first_ == mine; });
    }
    void unlock() {
        {
            const std::lock_guard<std::mutex> guard(mutex_);
            ++first_;
        }
        moved_.notify_all();
    }

 private:
    std::mutex mutex_;
    std::condition_variable moved_;
    uint64_t first_ = 0, last_ = 0;  // numbers of those that wait; the first one has the lock
};

class ThreadTeam {
    struct Crew;

 public:
    explicit ThreadTeam(int size) : size_(size), crew_(new Crew(size)) {}
    ThreadTeam(const ThreadTeam&) = delete;
    ThreadTeam& operator=(const ThreadTeam&) = delete;
    ~ThreadTeam() {
        Crew* crew = crew_.load();
        if (crew->born == forks()) delete crew;  // otherwise its threads are in another process
    }

    int size() const { return size_; }

    // The right to use the team. It waits for its turn: a team runs one task at a time.
    class Turn {
     public:
        explicit Turn(ThreadTeam& team) : crew_(team.crew()), guard_(crew_.queue) {}

        // The team as the kernels see it. The caller's thread is thread 0.
        Team team() {
            return {
                crew_.barrier.size, &crew_,
                [](void* crew, Task task, void* argument) { static_cast<Crew*>(crew)->run(task, argument); },
                [](void* crew) { static_cast<Crew*>(crew)->barrier.wait(); }};
        }

     private:
        Crew& crew_;
        std::lock_guard<Queue> guard_;
    };

 private:
    using Task = void (*)(void*, int);

    // Waits first by spinning, then by yielding, and only then by sleeping. A sleeping thread often wakes on
    // the processor of the thread that wakes it, and a small step is over before the system moves it away. So
    // a working team stays awake from one step to the next.
    static void wait_while(const std::atomic<uint32_t>& value, uint32_t old) {
        for (int spin = 0; spin < 2000; ++spin) {
            if (value.load(std::memory_order_acquire) != old) return;
#if defined(__x86_64__)
            __builtin_ia32_pause();
#endif
        }
        using Clock = std::chrono::steady_clock;
        const Clock::time_point sleep_at = Clock::now() + std::chrono::milliseconds(5);
        while (Clock::now() < sleep_at) {
            if (value.load(std::memory_order_acquire) != old) return;
            std::this_thread::yield();
        }
        while (value.load(std::memory_order_acquire) == old) value.wait(old, std::memory_order_acquire);
    }

    struct Barrier {
        explicit Barrier(int count) : size(count), missing(count) {}
        const int size;
        std::atomic<int> missing;
        std::atomic<uint32_t> round{0};

        void wait() {
            const uint32_t now = round.load(std::memory_order_acquire);
            if (missing.fetch_sub(1, std::memory_order_acq_rel) == 1) {
                missing.store(size, std::memory_order_relaxed);
                round.fetch_add(1);
                round.notify_all();
            } else {
                wait_while(round, now);
            }
        }
    };

    struct Crew {
        explicit Crew(int size) : barrier(size) {
            try {
                for (int i = 1; i < size; ++i) threads.emplace_back([this, i] { work(i); });
            } catch (...) {  // the system allows no more threads: end those that were started
                dismiss();
                throw;
            }
        }
        ~Crew() { dismiss(); }
        void dismiss() {
            task = nullptr;
            start.fetch_add(1);
            start.notify_all();
            for (std::thread& thread : threads) thread.join();
        }
        void work(int index) {
            for (uint32_t seen = 0;; ++seen) {
                wait_while(start, seen);
                if (task == nullptr) return;
                // A thread that wakes on the caller's processor would stay there: two threads that yield to
                // each other at every step look recently active, and the system does not move such threads.
                if (caller >= 0 && processor() == caller) leave(caller);
                task(argument, index);
                barrier.wait();
            }
        }
        void run(Task next, void* its_argument) {
            if (barrier.size == 1) return next(its_argument, 0);
            task = next;
            argument = its_argument;
            caller = processor();
            start.fetch_add(1);
            start.notify_all();
            next(its_argument, 0);
            barrier.wait();
        }
        const uint32_t born = forks();
        Queue queue;
        Barrier barrier;
        Task task = nullptr;
        void* argument = nullptr;
        int caller = -1;  // the caller's processor, if the system reports it
        std::atomic<uint32_t> start{0};
        std::vector<std::thread> threads;
    };

    // Returns the crew of this process. After a fork the child does not touch the old one: its threads are in
    // the parent, and its queue may wait for one of them for ever.
    Crew& crew() {
        Crew* crew = crew_.load();
        if (crew->born == forks()) return *crew;
        Crew* fresh = new Crew(size_);
        if (crew_.compare_exchange_strong(crew, fresh)) return *fresh;
        delete fresh;  // another thread was faster
        return *crew;
    }

    const int size_;
    std::atomic<Crew*> crew_;
};

}  // namespace unspool
