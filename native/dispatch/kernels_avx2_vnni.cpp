#define UNSPOOL_ISA avx2_vnni
#define UNSPOOL_LANES 8
#define UNSPOOL_ROWS 6  // 12 accumulators of 16 registers
#define UNSPOOL_FUNCTION kernels_avx2_vnni
#include "dispatch/kernels.inc.h"
