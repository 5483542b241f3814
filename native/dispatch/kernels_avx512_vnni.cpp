#define UNSPOOL_ISA avx512_vnni
#define UNSPOOL_LANES 16
#define UNSPOOL_ROWS 12  // 24 accumulators of 32 registers
#define UNSPOOL_FUNCTION kernels_avx512_vnni
#include "dispatch/kernels.inc.h"
