// The arithmetic of the JavaScript engine in WebAssembly: the twin of PlainKernel in
// src/unspool/_exporting/web/kernel.js. Places are indices of floats in the memory, which the engine lays
// out: rows of whole vectors, matrices in panels of kPanel columns. Padding is zero and stays zero.
//
// It has no library, no state and no memory of its own.

#define UNSPOOL_LANES 4
#define UNSPOOL_ISA wasm

#include "products/vectors.h"

#define UNSPOOL_EXPORT(name) extern "C" __attribute__((export_name(#name)))

namespace unspool::wasm {

constexpr int kPanel = 16;  // columns that are stored side by side
constexpr int kWidth = kPanel / kLanes;

inline float* at(int32_t index) { return reinterpret_cast<float*>(static_cast<uintptr_t>(index) * 4); }

// Adds kRows rows of x times one panel to as many rows of out.
template <int kRows>
inline void multiply_panel(const float* x, int32_t x_stride, int32_t n, const float* panel, float* out,
                           int32_t out_stride) {
    Vec sums[kRows][kWidth];
    for (int row = 0; row < kRows; ++row)
        for (int j = 0; j < kWidth; ++j) sums[row][j] = load(out + row * out_stride + j * kLanes);
    for (int32_t k = 0; k < n; ++k, panel += kPanel) {
        Vec inputs[kRows];
        for (int row = 0; row < kRows; ++row) inputs[row] = broadcast(x[row * x_stride + k]);
        for (int j = 0; j < kWidth; ++j) {
            const Vec weights = load(panel + j * kLanes);
            for (int row = 0; row < kRows; ++row) sums[row][j] += inputs[row] * weights;
        }
    }
    for (int row = 0; row < kRows; ++row)
        for (int j = 0; j < kWidth; ++j) store(out + row * out_stride + j * kLanes, sums[row][j]);
}

// Adds x (rows, n) times a packed matrix (n, columns) to out.
UNSPOOL_EXPORT(multiply)
void multiply(int32_t rows, int32_t x, int32_t x_stride, int32_t n, int32_t matrix, int32_t columns,
              int32_t out, int32_t out_stride) {
    for (int32_t j = 0; j < columns; j += kPanel) {
        const float* panel = at(matrix + j * n);
        int32_t row = 0;
        for (; row + 1 < rows; row += 2)
            multiply_panel<2>(at(x + row * x_stride), x_stride, n, panel, at(out + row * out_stride + j),
                              out_stride);
        if (row < rows)
            multiply_panel<1>(at(x + row * x_stride), x_stride, n, panel, at(out + row * out_stride + j),
                              out_stride);
    }
}

UNSPOOL_EXPORT(rnn) void rnn(int32_t rows, int32_t gates, int32_t stride, int32_t h, int32_t width) {
    for (int32_t row = 0; row < rows; ++row)
        for (int32_t j = 0; j < width; j += kLanes)
            store(at(h + row * width + j), hyperbolic_tangent(load(at(gates + row * stride + j))));
}

// Slots i, f, c, o.
UNSPOOL_EXPORT(lstm)
void lstm(int32_t rows, int32_t gates, int32_t stride, int32_t h, int32_t c, int32_t width) {
    for (int32_t row = 0; row < rows; ++row) {
        const float* g = at(gates + row * stride);
        float *hidden = at(h + row * width), *cells = at(c + row * width);
        for (int32_t j = 0; j < width; j += kLanes) {
            const Vec i = sigmoid(load(g + j)), f = sigmoid(load(g + width + j));
            const Vec u = hyperbolic_tangent(load(g + 2 * width + j)), o = sigmoid(load(g + 3 * width + j));
            const Vec cell = f * load(cells + j) + i * u;
            store(cells + j, cell);
            store(hidden + j, o * hyperbolic_tangent(cell));
        }
    }
}

// Slots z, r, n of the input and of the recurrent product, which the reset gate multiplies.
UNSPOOL_EXPORT(gruAfter)
void gru_after(int32_t rows, int32_t gates, int32_t recurrent, int32_t stride, int32_t h, int32_t width) {
    for (int32_t row = 0; row < rows; ++row) {
        const float *g = at(gates + row * stride), *q = at(recurrent + row * stride);
        float* hidden = at(h + row * width);
        for (int32_t j = 0; j < width; j += kLanes) {
            const Vec z = sigmoid(load(g + j) + load(q + j));
            const Vec r = sigmoid(load(g + width + j) + load(q + width + j));
            const Vec n = hyperbolic_tangent(load(g + 2 * width + j) + r * load(q + 2 * width + j));
            store(hidden + j, z * (load(hidden + j) - n) + n);
        }
    }
}

// Slots z, r: the gates, and p = r h for the product of the candidate.
UNSPOOL_EXPORT(gruGates)
void gru_gates(int32_t rows, int32_t gates, int32_t stride, int32_t h, int32_t p, int32_t width) {
    for (int32_t row = 0; row < rows; ++row) {
        float* g = at(gates + row * stride);
        for (int32_t j = 0; j < width; j += kLanes) {
            store(g + j, sigmoid(load(g + j)));
            store(at(p + row * width + j), sigmoid(load(g + width + j)) * load(at(h + row * width + j)));
        }
    }
}

// Slots z, r, n: the new state.
UNSPOOL_EXPORT(gruState)
void gru_state(int32_t rows, int32_t gates, int32_t stride, int32_t h, int32_t width) {
    for (int32_t row = 0; row < rows; ++row) {
        const float* g = at(gates + row * stride);
        float* hidden = at(h + row * width);
        for (int32_t j = 0; j < width; j += kLanes) {
            const Vec n = hyperbolic_tangent(load(g + 2 * width + j));
            store(hidden + j, load(g + j) * (load(hidden + j) - n) + n);
        }
    }
}

// Returns the largest of a row of logits, in whole vectors.
UNSPOOL_EXPORT(largest) float largest(int32_t logits, int32_t count) {
    Vec most = load(at(logits));
    for (int32_t j = kLanes; j < count; j += kLanes) most = larger(most, load(at(logits + j)));
    return max_lanes(most);
}

// Computes weights = e^((logits - the largest) / temperature), and returns their sum; index 0 is <pad>.
UNSPOOL_EXPORT(weigh) float weigh(int32_t logits, int32_t weights, int32_t count, float temperature) {
    const Vec top = broadcast(largest(logits, count)), divisor = broadcast(temperature);
    Vec total{};
    for (int32_t j = 0; j < count; j += kLanes) {
        const Vec weight = exponential((load(at(logits + j)) - top) / divisor);
        store(at(weights + j), weight);
        total += weight;
    }
    at(weights)[0] = 0.0f;
    return sum_lanes(total);
}

}  // namespace unspool::wasm
