// The time of each stage of a step.
#pragma once

#include <ctime>

#include "dispatch/kernels.h"
#include "products/simd.h"

namespace unspool::UNSPOOL_ISA {

// Measures the stages of a step on thread 0.
struct Stopwatch {
    double seconds[kStages] = {};
    double last = 0.0;

    static double now() {
        timespec time;
        clock_gettime(CLOCK_MONOTONIC, &time);
        return static_cast<double>(time.tv_sec) + 1e-9 * static_cast<double>(time.tv_nsec);
    }
    void start() {
        for (double& each : seconds) each = 0.0;
        last = now();
    }
    void stop(Stage stage) {
        const double time = now();
        seconds[stage] = time - last;
        last = time;
    }
};

}  // namespace unspool::UNSPOOL_ISA
