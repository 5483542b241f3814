// The same source, compiled as the reference for comparison: four floats at a time, for any processor.
#define UNSPOOL_ISA reference
#define UNSPOOL_LANES 4
#define UNSPOOL_ROWS 6
#define UNSPOOL_FUNCTION kernels_reference
#include "dispatch/kernels.inc.h"
