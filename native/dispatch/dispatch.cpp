// Find the instruction sets that this processor and this build have.
#include "dispatch/kernels.h"

#if defined(UNSPOOL_X86)
#include "dispatch/x86.h"
#endif
#if defined(UNSPOOL_AMX_BF16)
#include <sys/syscall.h>
#include <unistd.h>
#endif
#if defined(UNSPOOL_NEON_BF16)
#include <sys/auxv.h>
#endif

namespace unspool {

#if defined(UNSPOOL_AMX_BF16)
// On Linux a process must ask for permission to use the tiles.
static bool may_use_tiles() {
    constexpr long kAskFor = 0x1023, kTileData = 18;  // ARCH_REQ_XCOMP_PERM, XFEATURE_XTILEDATA
    return syscall(SYS_arch_prctl, kAskFor, kTileData) == 0;
}
#endif

#if defined(UNSPOOL_NEON_BF16)
// Another system than Linux has its own way to say what an Arm processor has.
static bool has_neon_bf16() {                                           // and products of int8
    constexpr unsigned long kDotBit = 1UL << 20, kBf16Bit = 1UL << 14;  // HWCAP_ASIMDDP, HWCAP2_BF16
    return (getauxval(AT_HWCAP) & kDotBit) != 0 && (getauxval(AT_HWCAP2) & kBf16Bit) != 0;
}
#endif

struct Found {
    const Kernels* best_first[kMostKernels];
    int count = 0;
};

static Found find_kernels() {
    Found found;
    const auto add = [&](bool here, const Kernels* (*kernels)()) {
        if (here) found.best_first[found.count++] = kernels();
    };
#if defined(UNSPOOL_X86)
    const X86 processor = read_x86();
#if defined(UNSPOOL_AMX_BF16)
    add(processor.avx512_bf16 && processor.amx_bf16 && may_use_tiles(), kernels_amx_bf16);
#endif
#if defined(UNSPOOL_AVX512_BF16)
    // VDPBF16PS takes twice as long on Intel processors: a step would be slower than in float32.
    add(processor.avx512_bf16 && !processor.intel, kernels_avx512_bf16);
#endif
#if defined(UNSPOOL_AVX512_VNNI)
    add(processor.avx512_vnni, kernels_avx512_vnni);
#endif
#if !defined(UNSPOOL_QUICK)
    add(processor.avx512, kernels_avx512);
#endif
#if defined(UNSPOOL_AVX2_VNNI)
    add(processor.avx2_vnni, kernels_avx2_vnni);
#endif
    add(processor.avx2, kernels_avx2);
#endif
#if defined(UNSPOOL_NEON_BF16)
    add(has_neon_bf16(), kernels_neon_bf16);
#endif
#if !defined(UNSPOOL_QUICK)
    add(true, kernels_baseline);
#endif
    return found;
}

// The processor is asked once: in a virtual machine each question goes to the host, and a step of training
// has three calls of this.
int available_kernels(const Kernels** out, int room) {
    static const Found found = find_kernels();
    const int count = found.count < room ? found.count : room;
    for (int i = 0; i < count; ++i) out[i] = found.best_first[i];
    return count;
}

}  // namespace unspool
