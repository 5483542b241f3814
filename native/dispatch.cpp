// Which instruction sets this processor and this build have.
#include "kernels.h"

namespace unspool {

int available_kernels(const Kernels** out, int room) {
    int count = 0;
    const auto add = [&](bool here, const Kernels* (*kernels)()) {
        if (here && count < room) out[count++] = kernels();
    };
#if defined(UNSPOOL_X86)
    __builtin_cpu_init();
    add(__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
            __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
            __builtin_cpu_supports("fma"),
        kernels_avx512);
    add(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), kernels_avx2);
#endif
    add(true, kernels_baseline);
    return count;
}

}  // namespace unspool
