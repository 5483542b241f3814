// Find the instruction sets that this processor and this build have.
#include "dispatch/kernels.h"

#if defined(UNSPOOL_NEON_BF16)
#include <sys/auxv.h>
#endif
#if defined(UNSPOOL_AMX_BF16)
#include <cpuid.h>
#include <sys/syscall.h>
#include <unistd.h>
#endif

namespace unspool {

#if defined(UNSPOOL_AMX_BF16)
// On Linux a process must ask for permission to use the tiles.
static bool has_amx_bf16() {
    constexpr unsigned kBf16 = 1u << 22, kTile = 1u << 24;
    constexpr long kAskFor = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    unsigned a, b, c, d;
    return __get_cpuid_count(7, 0, &a, &b, &c, &d) && (d & kBf16) && (d & kTile) &&
           syscall(SYS_arch_prctl, kAskFor, kTileData) == 0;
}
#endif

int available_kernels(const Kernels** out, int room) {
    int count = 0;
    const auto add = [&](bool here, const Kernels* (*kernels)()) {
        if (here && count < room) out[count++] = kernels();
    };
#if defined(UNSPOOL_X86)
    __builtin_cpu_init();
    const bool avx512 = __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512vl") &&
                        __builtin_cpu_supports("avx512bw") && __builtin_cpu_supports("avx512dq") &&
                        __builtin_cpu_supports("fma");
#if defined(UNSPOOL_AVX512_BF16)
    const bool bf16 = avx512 && __builtin_cpu_supports("avx512bf16");
#if defined(UNSPOOL_AMX_BF16)
    add(bf16 && has_amx_bf16(), kernels_amx_bf16);
#endif
    // VDPBF16PS takes twice as long on Intel processors: a step would be slower than in float32.
    add(bf16 && !__builtin_cpu_is("intel"), kernels_avx512_bf16);
#endif
    add(avx512, kernels_avx512);
    add(__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"), kernels_avx2);
#endif
#if defined(UNSPOOL_NEON_BF16)
    constexpr unsigned long kBf16Bit = 1UL << 14;  // HWCAP2_BF16
    add((getauxval(AT_HWCAP2) & kBf16Bit) != 0, kernels_neon_bf16);
#endif
    add(true, kernels_baseline);
    return count;
}

}  // namespace unspool
