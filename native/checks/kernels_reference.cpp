// The same source once more as the twin to compare with: four floats at a time, for any processor.
#define UNSPOOL_ISA reference
#define UNSPOOL_LANES 4
#define UNSPOOL_ROWS 6
#define UNSPOOL_FUNCTION kernels_reference
#include "dispatch/kernels.inc.h"
