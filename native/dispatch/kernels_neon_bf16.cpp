#define UNSPOOL_ISA neon_bf16
#define UNSPOOL_LANES 4
#define UNSPOOL_ROWS 10  // as without bf16: kernels_baseline.cpp says why
#define UNSPOOL_FUNCTION kernels_neon_bf16
#include "dispatch/kernels.inc.h"
