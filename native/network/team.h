// How work is cut into parts, one for each thread of a team.
#pragma once

#include "dispatch/kernels.h"

namespace unspool::UNSPOOL_ISA {

// A thread's part of `count` items: [first, last); the parts are as equal as possible.
struct Part {
    int first, last;
};

inline Part part_of(int count, int size, int thread) {
    return {static_cast<int>(static_cast<int64_t>(count) * thread / size),
            static_cast<int>(static_cast<int64_t>(count) * (thread + 1) / size)};
}

// Runs task(thread) on every thread of the team.
template <typename Task>
inline void run_team(const Team& team, Task&& task) {
    team.run(
        team.self, [](void* argument, int thread) { (*static_cast<Task*>(argument))(thread); },
        const_cast<void*>(static_cast<const void*>(&task)));
}

}  // namespace unspool::UNSPOOL_ISA
