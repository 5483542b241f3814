// Packed matrix products, in float32, bf16 and int8.
#pragma once

#include "products/bf16.h"
#include "products/gemm.h"
#include "products/int8.h"
