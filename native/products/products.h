// Packed matrix products, in float32 and in bf16.
#pragma once

#include "products/bf16.h"
#include "products/gemm.h"
