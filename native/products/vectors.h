// The vectors of the compiler, and the functions of a cell on them: for any width, and without any library.
#pragma once

#include <stdint.h>

#if defined(__AVX__)
#include <immintrin.h>
#endif

namespace unspool::UNSPOOL_ISA {

constexpr int kLanes = UNSPOOL_LANES;  // floats in one vector

typedef float Vec __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef int32_t VecInt __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef float VecUnaligned __attribute__((vector_size(4 * UNSPOOL_LANES), aligned(4), may_alias));

#define UNSPOOL_INLINE [[gnu::always_inline]] inline

UNSPOOL_INLINE Vec load(const float* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
UNSPOOL_INLINE void store(float* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
UNSPOOL_INLINE Vec broadcast(float x) { return x - Vec{}; }  // x - 0 keeps -0, which 0 + x does not

// x86 has an instruction for each of these, and GCC takes two: a comparison and a choice.
#if defined(__AVX512F__) && UNSPOOL_LANES == 16
UNSPOOL_INLINE Vec larger(Vec a, Vec b) { return reinterpret_cast<Vec>(_mm512_max_ps(a, b)); }
UNSPOOL_INLINE Vec smaller(Vec a, Vec b) { return reinterpret_cast<Vec>(_mm512_min_ps(a, b)); }
#elif defined(__AVX__) && UNSPOOL_LANES == 8
UNSPOOL_INLINE Vec larger(Vec a, Vec b) { return reinterpret_cast<Vec>(_mm256_max_ps(a, b)); }
UNSPOOL_INLINE Vec smaller(Vec a, Vec b) { return reinterpret_cast<Vec>(_mm256_min_ps(a, b)); }
#else
UNSPOOL_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
UNSPOOL_INLINE Vec smaller(Vec a, Vec b) { return a < b ? a : b; }
#endif

UNSPOOL_INLINE float sum_lanes(Vec v) {
    float total = 0.0f;
    for (int i = 0; i < kLanes; ++i) total += v[i];
    return total;
}

UNSPOOL_INLINE float max_lanes(Vec v) {
    float most = v[0];
    for (int i = 1; i < kLanes; ++i) most = v[i] > most ? v[i] : most;
    return most;
}

// x = n ln 2 + r with n whole and |r| <= ln 2 / 2; then e^x = 2^n (1 + p) with p = e^r - 1.
struct Exponential {
    Vec scale;  // 2^n
    Vec p;      // e^r - 1, from a polynomial fitted to 1.4e-8 relative error
};

UNSPOOL_INLINE Exponential split_exponential(Vec x) {
    const Vec magic =
        broadcast(12582912.0f);  // 1.5 * 2^23: adding it rounds to whole numbers in the low bits
    const Vec shifted = x * 1.44269504f + magic;
    const Vec n = shifted - magic;
    const Vec r = (x - n * 0.693359375f) - n * -2.12194440e-4f;  // ln 2 in two parts, the first one exact
    Vec q = r * 0x1.6d995ap-10f + 0x1.122838p-7f;
    q = q * r + 0x1.555486p-5f;
    q = q * r + 0x1.5554b0p-3f;
    q = q * r + 0.5f;
    const VecInt bits = (reinterpret_cast<VecInt>(shifted) << 23) + 0x3f800000;
    return {reinterpret_cast<Vec>(bits), r * r * q + r};
}

// e^x, clamped to [e^-87, e^88]; NaN stays NaN, since `larger` and `smaller` then return the second number.
UNSPOOL_INLINE Vec exponential(Vec x) {
    x = smaller(broadcast(88.0f), larger(broadcast(-87.0f), x));
    const Exponential e = split_exponential(x);
    return e.scale * e.p + e.scale;
}

// ln x of a positive normal number: x = 2^n (1 + f) with 1 + f from sqrt(1/2) to sqrt 2, and a polynomial for
// the second part (Moshier, Cephes, logf).
UNSPOOL_INLINE Vec logarithm(Vec x) {
    constexpr int32_t kRootOfHalf = 0x3f3504f3;
    const VecInt bits = reinterpret_cast<VecInt>(x), n = (bits - kRootOfHalf) >> 23;
    const Vec f = reinterpret_cast<Vec>(bits - (n << 23)) - 1.0f, whole = __builtin_convertvector(n, Vec);
    Vec q = f * 7.0376836292e-2f - 1.1514610310e-1f;
    q = q * f + 1.1676998740e-1f;
    q = q * f - 1.2420140846e-1f;
    q = q * f + 1.4249322787e-1f;
    q = q * f - 1.6668057665e-1f;
    q = q * f + 2.0000714765e-1f;
    q = q * f - 2.4999993993e-1f;
    q = q * f + 3.3333331174e-1f;
    const Vec square = f * f;
    return whole * 0.693359375f + (f + (q * f * square - whole * 2.12194440e-4f - 0.5f * square));
}

UNSPOOL_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

// tanh x = t / (t + 2) with t = e^2x - 1, which keeps its precision around 0.
UNSPOOL_INLINE Vec hyperbolic_tangent(Vec x) {
    x = smaller(broadcast(9.1f), larger(broadcast(-9.1f), x));
    const Exponential e = split_exponential(x + x);
    const Vec t = e.scale * e.p + (e.scale - 1.0f);
    return t / (t + 2.0f);
}

}  // namespace unspool::UNSPOOL_ISA
