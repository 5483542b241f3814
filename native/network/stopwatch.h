// The time of each stage of a step.
#pragma once

#include "dispatch/kernels.h"
#include "dispatch/system.h"
#include "products/simd.h"

namespace unspool::UNSPOOL_ISA {

// Measures the stages of a step on thread 0.
struct Stopwatch {
    double seconds[kStages] = {};
    double last = 0.0;

    void start() {
        for (double& each : seconds) each = 0.0;
        last = unspool::seconds();
    }
    void stop(Stage stage) {
        const double time = unspool::seconds();
        seconds[stage] = time - last;
        last = time;
    }
};

}  // namespace unspool::UNSPOOL_ISA
