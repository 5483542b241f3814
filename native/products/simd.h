// One vector type for every instruction set.
//
// The arithmetic uses the compiler's vector extension, so the same source becomes AVX-512, AVX2, SSE2 or NEON
// code: only the width (UNSPOOL_LANES) and the compiler's flags differ between the builds.
//
// Everything that includes this header is compiled once per instruction set, in a separate namespace, and
// uses no template of the standard library: the linker keeps one copy of such a function, and could keep the
// AVX-512 one.
#pragma once

#include <cmath>
#include <cstdint>
#include <cstring>
#include <new>

namespace unspool::UNSPOOL_ISA {

constexpr int kLanes = UNSPOOL_LANES;  // floats in one vector
constexpr int kRows =
    UNSPOOL_ROWS;                   // rows of one register tile: 2 x kRows accumulators fit the register file
constexpr int kPanel = 2 * kLanes;  // columns of one packed panel

typedef float Vec __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef int32_t VecInt __attribute__((vector_size(4 * UNSPOOL_LANES)));
typedef float VecUnaligned __attribute__((vector_size(4 * UNSPOOL_LANES), aligned(4), may_alias));

#define UNSPOOL_INLINE [[gnu::always_inline]] inline

UNSPOOL_INLINE Vec load(const float* p) { return *reinterpret_cast<const VecUnaligned*>(p); }
UNSPOOL_INLINE void store(float* p, Vec v) { *reinterpret_cast<VecUnaligned*>(p) = v; }
UNSPOOL_INLINE Vec broadcast(float x) { return x - Vec{}; }  // x - 0 keeps -0, which 0 + x does not
UNSPOOL_INLINE Vec larger(Vec a, Vec b) { return a > b ? a : b; }
UNSPOOL_INLINE Vec smaller(Vec a, Vec b) { return a < b ? a : b; }

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

// e^x, clamped to [e^-87, e^88]; NaN stays NaN.
UNSPOOL_INLINE Vec exponential(Vec x) {
    x = x < -87.0f ? broadcast(-87.0f) : x;
    x = x > 88.0f ? broadcast(88.0f) : x;
    const Exponential e = split_exponential(x);
    return e.scale * e.p + e.scale;
}

UNSPOOL_INLINE Vec sigmoid(Vec x) { return 1.0f / (1.0f + exponential(-x)); }

// tanh x = t / (t + 2) with t = e^2x - 1, which keeps its precision around 0.
UNSPOOL_INLINE Vec hyperbolic_tangent(Vec x) {
    x = x < -9.1f ? broadcast(-9.1f) : x;
    x = x > 9.1f ? broadcast(9.1f) : x;
    const Exponential e = split_exponential(x + x);
    const Vec t = e.scale * e.p + (e.scale - 1.0f);
    return t / (t + 2.0f);
}

// Aligned memory that grows and never shrinks: after the first use of each shape nothing is allocated.
class Buffer {
 public:
    Buffer() = default;
    Buffer(const Buffer&) = delete;
    Buffer& operator=(const Buffer&) = delete;
    ~Buffer() { release(); }

    // Returns memory for `size` floats, all zero when it is new; null if there is no memory left.
    float* reserve(size_t size) {
        if (size <= size_) return data_;
        release();
        size_ = 0;
        const size_t bytes = (size * sizeof(float) + 127) / 64 * 64;
        data_ = static_cast<float*>(::operator new(bytes, kLine, std::nothrow));
        if (data_ == nullptr) return nullptr;
        std::memset(data_, 0, bytes);
        size_ = size;
        return data_;
    }

    float* get() const { return data_; }
    uint32_t* pairs() const { return reinterpret_cast<uint32_t*>(data_); }  // of bf16, see bf16.h

 private:
    static constexpr std::align_val_t kLine{64};

    void release() { ::operator delete(data_, kLine); }

    float* data_ = nullptr;
    size_t size_ = 0;
};

constexpr int round_up(int n, int multiple) { return (n + multiple - 1) / multiple * multiple; }

}  // namespace unspool::UNSPOOL_ISA
