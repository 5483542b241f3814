#define UNSPOOL_ISA neon_bf16
#define UNSPOOL_LANES 4
#define UNSPOOL_ROWS 12  // 24 accumulators of 32 registers
#define UNSPOOL_FUNCTION kernels_neon_bf16
#include "kernels.inc.h"
