#define UNSPOOL_ISA avx2
#define UNSPOOL_LANES 8
#define UNSPOOL_ROWS 6  // 12 accumulators of 16 registers
#define UNSPOOL_FUNCTION kernels_avx2
#include "dispatch/kernels.inc.h"
