// What native code asks of the operating system, beside its processor (dispatch.cpp) and its signals
// (binding/stop.h). Plain functions, so that kernels may call them: see products/simd.h.
#pragma once

#include <cstdint>

namespace unspool {

// Returns the number of forks between the first process and this one. A fork copies the memory, but only the
// thread that calls it: data that other threads had locked or half changed at that moment stays so. So data
// that threads share stores this number, and is created again if the number has changed. Always 0 on Windows,
// which has no forks.
uint32_t forks();

// Returns the processor that this thread runs on, or -1 if the system does not say.
int processor();

// Moves this thread from a processor to another allowed one, if there is one and the system can do that.
void leave(int taken);

// Lets another thread have the processor.
void yield();

// Returns the time in seconds of a clock that never goes back.
double seconds();

}  // namespace unspool
