// Kernels for every processor of the platform: NEON on Arm, four floats at a time elsewhere.
#if defined(__aarch64__)
#define UNSPOOL_ISA neon
#define UNSPOOL_ROWS 10  // 20 accumulators of 32 registers; with 22 gcc keeps some in memory
#else
#define UNSPOOL_ISA generic
#define UNSPOOL_ROWS 6
#endif
#define UNSPOOL_LANES 4
#define UNSPOOL_FUNCTION kernels_baseline
#include "dispatch/kernels.inc.h"
