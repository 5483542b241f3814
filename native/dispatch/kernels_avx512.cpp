#define UNSPOOL_ISA avx512
#define UNSPOOL_LANES 16
#define UNSPOOL_ROWS 12  // 24 accumulators of 32 registers
#define UNSPOOL_FUNCTION kernels_avx512
#include "dispatch/kernels.inc.h"
