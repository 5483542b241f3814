#define UNSPOOL_ISA amx_bf16
#define UNSPOOL_LANES 16
#define UNSPOOL_ROWS 12  // 24 accumulators of 32 registers
#define UNSPOOL_AMX
#define UNSPOOL_FUNCTION kernels_amx_bf16
#include "dispatch/kernels.inc.h"
