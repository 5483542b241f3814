// What an x86 processor has, and what the system lets a process use of it.
//
// The processor is asked itself: `__builtin_cpu_supports` is answered by the compiler's own runtime, which a
// compiler may lack, and then the answer is no without a word.
#pragma once

#include <cpuid.h>

#include <cstdint>

namespace unspool {

struct X86 {
    bool avx2 = false;  // with FMA
    bool avx2_vnni = false;
    bool avx512 = false;  // F, VL, BW and DQ, with FMA
    bool avx512_vnni = false;
    bool avx512_bf16 = false;  // with VNNI
    bool amx_bf16 = false;     // the process may still have to ask for the tiles
    bool intel = false;
};

// The registers that the system saves for a process, which it must for those that the process uses.
inline uint32_t saved_registers() {
    uint32_t low, high;
    asm volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    return low;
}

inline X86 read_x86() {
    constexpr uint32_t kFma = 1u << 12, kXgetbv = 1u << 27;                  // leaf 1, ecx
    constexpr uint32_t kAvx2 = 1u << 5;                                      // leaf 7, ebx
    constexpr uint32_t kAvx512 = 1u << 16 | 1u << 17 | 1u << 30 | 1u << 31;  // leaf 7, ebx: F, DQ, BW, VL
    constexpr uint32_t kVnni = 1u << 11;                                     // leaf 7, ecx
    constexpr uint32_t kAmxBf16 = 1u << 22 | 1u << 24;                       // leaf 7, edx: BF16, TILE
    constexpr uint32_t kAvxVnni = 1u << 4, kAvx512Bf16 = 1u << 5;            // leaf 7.1, eax
    constexpr uint32_t kYmm = 0x6, kZmm = 0xe6, kTiles = 0x60000;            // saved registers
    constexpr uint32_t kGenu = 0x756e6547;                                   // of "GenuineIntel"
    X86 found;
    uint32_t a, b, c, d;
    if (!__get_cpuid(0, &a, &b, &c, &d)) return found;
    found.intel = b == kGenu;
    if (!__get_cpuid(1, &a, &b, &c, &d) || !(c & kXgetbv) || !(c & kFma)) return found;
    const uint32_t saved = saved_registers();
    const auto saves = [&](uint32_t mask) { return (saved & mask) == mask; };
    if (!saves(kYmm) || !__get_cpuid_count(7, 0, &a, &b, &c, &d)) return found;
    found.avx2 = b & kAvx2;
    found.avx512 = found.avx2 && saves(kZmm) && (b & kAvx512) == kAvx512;
    found.avx512_vnni = found.avx512 && (c & kVnni);
    found.amx_bf16 = found.avx512 && saves(kTiles) && (d & kAmxBf16) == kAmxBf16;
    if (a < 1 || !__get_cpuid_count(7, 1, &a, &b, &c, &d)) return found;
    found.avx2_vnni = found.avx2 && (a & kAvxVnni);
    found.avx512_bf16 = found.avx512_vnni && (a & kAvx512Bf16);
    return found;
}

}  // namespace unspool
