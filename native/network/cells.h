// The recurrent cells: one step forward and one step back for some rows (sequences) of a layer.
//
// A row of `gates` has one slot of `width` floats per gate. Before the forward step the slots hold the
// input's part of each gate, with the bias. The step adds the recurrent part and leaves in the slots the
// values that the backward step needs. The backward step replaces these by the gradient of the
// pre-activations. Padding is zero and stays zero.
//
//   cell             slots                               recurrent product        input goes to
//   rnn              h                                   all                      h
//   lstm             i f c o                             all                      i f c o
//   gru reset after  z r (h U_n + its bias) n            first three              z r . n
//   gru reset before z r n (r * h)                       z r, then (r * h) U_n    z r n
#pragma once

#include "dispatch/kernels.h"
#include "products/products.h"

namespace unspool::UNSPOOL_ISA {

// Gates [gate, gate + gates) of the stored matrices use slots [slot, slot + gates) of a row.
struct Group {
    int gate, gates, slot;
};

struct CellPlan {
    int gates;   // gates in the stored matrices
    int slots;   // slots in a row of gates
    int states;  // 2 with a cell state, else 1
    int inputs;  // groups that the input feeds
    Group input[2];
    Group recurrent;
    bool two_products;    // the candidate has a separate product, over r * h
    bool recurrent_bias;  // a separate bias is stored for the recurrent product
};

inline CellPlan plan_of(const Shape& shape) {
    switch (shape.cell) {
        case Cell::kLstm:
            return {4, 4, 2, 1, {{0, 4, 0}, {}}, {0, 4, 0}, false, false};
        case Cell::kGru:
            if (shape.reset_after) return {3, 4, 1, 2, {{0, 2, 0}, {2, 1, 3}}, {0, 3, 0}, false, true};
            return {3, 4, 1, 1, {{0, 3, 0}, {}}, {0, 2, 0}, true, false};
        default:
            return {1, 1, 1, 1, {{0, 1, 0}, {}}, {0, 1, 0}, false, false};
    }
}

constexpr Group kCandidate{2, 1, 2};  // n of a GRU with the reset before the product; r * h is in slot 3

// The packed matrices of one layer.
struct LayerWeights {
    Panels input[2], input_back[2];
    Panels recurrent, recurrent_back;
    Panels candidate, candidate_back;
    Buffer bias;  // (slots x width), in the order of the slots
};

// Rows of one layer at one time step; consecutive rows are one width (or slots x width) apart.
struct StepRows {
    int rows, width;
    int first, last;  // units to compute, whole vectors
    float* gates;
    const float *hidden_in, *cell_in;  // state before the step, resets applied
    float *hidden_out, *cell_out;      // state after the step; may be the same memory
    float* tanh_cell;                  // stored for the backward step, or null
};

struct StepRowsBack {
    int rows, width;
    int first, last;  // units to compute, whole vectors
    float* gates;
    const float *hidden_in, *cell_in, *hidden_out, *tanh_cell;
    float* hidden_grad;  // in: gradient of the step's output; out: gradient of hidden_in
    float* cell_grad;    // in: gradient of the cell state after the step; out: of cell_in
    float* scratch;      // rows x width
};

inline void rnn_forward(const StepRows& s) {
    for (int row = 0; row < s.rows; ++row) {
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes)
            store(s.hidden_out + at + j, hyperbolic_tangent(load(s.gates + at + j)));
    }
}

inline void rnn_backward(const StepRowsBack& s) {
    for (int row = 0; row < s.rows; ++row) {
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec h = load(s.hidden_out + at + j);
            store(s.gates + at + j, load(s.hidden_grad + at + j) * (1.0f - h * h));
        }
    }
}

// Two loops: from the gates to the tangent of the cell state is so long a chain of operations that a
// processor hardly reaches the next units meanwhile.
inline void lstm_forward(const StepRows& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        float* const output = g + 3 * s.width;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec i = sigmoid(load(g + j)), f = sigmoid(load(g + s.width + j));
            const Vec u = hyperbolic_tangent(load(g + 2 * s.width + j));
            store(output + j, sigmoid(load(output + j)));
            store(s.cell_out + at + j, f * load(s.cell_in + at + j) + i * u);
            if (s.tanh_cell == nullptr) continue;
            store(g + j, i);
            store(g + s.width + j, f);
            store(g + 2 * s.width + j, u);
        }
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec tanh_c = hyperbolic_tangent(load(s.cell_out + at + j));
            store(s.hidden_out + at + j, load(output + j) * tanh_c);
            if (s.tanh_cell != nullptr) store(s.tanh_cell + at + j, tanh_c);
        }
    }
}

inline void lstm_backward(const StepRowsBack& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec i = load(g + j), f = load(g + s.width + j);
            const Vec u = load(g + 2 * s.width + j), o = load(g + 3 * s.width + j);
            const Vec tanh_c = load(s.tanh_cell + at + j), dh = load(s.hidden_grad + at + j);
            const Vec dc = dh * o * (1.0f - tanh_c * tanh_c) + load(s.cell_grad + at + j);
            store(g + j, dc * u * (i * (1.0f - i)));
            store(g + s.width + j, dc * load(s.cell_in + at + j) * (f * (1.0f - f)));
            store(g + 2 * s.width + j, dc * i * (1.0f - u * u));
            store(g + 3 * s.width + j, dh * tanh_c * (o * (1.0f - o)));
            store(s.cell_grad + at + j, dc * f);
        }
    }
}

// Slots z, r, q = h U_n + its bias, n. Two loops, as in an LSTM.
inline void gru_after_forward(const StepRows& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec r = sigmoid(load(g + s.width + j));
            store(g + j, sigmoid(load(g + j)));
            store(g + s.width + j, r);
            store(g + 3 * s.width + j, load(g + 3 * s.width + j) + r * load(g + 2 * s.width + j));
        }
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec z = load(g + j), n = hyperbolic_tangent(load(g + 3 * s.width + j));
            store(s.hidden_out + at + j, z * (load(s.hidden_in + at + j) - n) + n);
            store(g + 3 * s.width + j, n);
        }
    }
}

inline void gru_after_backward(const StepRowsBack& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec z = load(g + j), r = load(g + s.width + j);
            const Vec q = load(g + 2 * s.width + j), n = load(g + 3 * s.width + j);
            const Vec dh = load(s.hidden_grad + at + j);
            const Vec dn = dh * (1.0f - z) * (1.0f - n * n);
            store(g + j, dh * (load(s.hidden_in + at + j) - n) * (z * (1.0f - z)));
            store(g + s.width + j, dn * q * (r * (1.0f - r)));
            store(g + 2 * s.width + j, dn * r);
            store(g + 3 * s.width + j, dn);
            store(s.hidden_grad + at + j, dh * z);
        }
    }
}

// Slots z, r, n, p = r * h: first the gates, then, after the candidate's product, the new state.
inline void gru_before_gates(const StepRows& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        const float* h = s.hidden_in + static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec r = sigmoid(load(g + s.width + j));
            store(g + j, sigmoid(load(g + j)));
            store(g + s.width + j, r);
            store(g + 3 * s.width + j, r * load(h + j));
        }
    }
}

inline void gru_before_state(const StepRows& s) {
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + static_cast<size_t>(row) * 4 * s.width;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes) {
            const Vec z = load(g + j), n = hyperbolic_tangent(load(g + 2 * s.width + j));
            store(s.hidden_out + at + j, z * (load(s.hidden_in + at + j) - n) + n);
            store(g + 2 * s.width + j, n);
        }
    }
}

inline void gru_before_backward(const LayerWeights& weights, const StepRowsBack& s) {
    const size_t stride = static_cast<size_t>(4) * s.width;
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + row * stride;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = 0; j < s.width; j += kLanes) {
            const Vec z = load(g + j), n = load(g + 2 * s.width + j), dh = load(s.hidden_grad + at + j);
            store(g + j, dh * (load(s.hidden_in + at + j) - n) * (z * (1.0f - z)));
            store(g + 2 * s.width + j, dh * (1.0f - z) * (1.0f - n * n));
            store(s.hidden_grad + at + j, dh * z);
        }
    }
    multiply(s.rows, s.gates + 2 * s.width, stride, weights.candidate_back, s.scratch, s.width, false);
    for (int row = 0; row < s.rows; ++row) {
        float* g = s.gates + row * stride;
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = 0; j < s.width; j += kLanes) {
            const Vec r = load(g + s.width + j), dp = load(s.scratch + at + j);
            store(g + s.width + j, dp * load(s.hidden_in + at + j) * (r * (1.0f - r)));
            store(s.hidden_grad + at + j, load(s.hidden_grad + at + j) + dp * r);
        }
    }
}

// The cell itself. The gates already include all products except that of a GRU's candidate (two_products).
// For such a GRU all units must be computed in one call.
inline void cell_forward(const Shape& shape, const CellPlan& plan, const LayerWeights& weights,
                         const StepRows& s) {
    if (shape.cell == Cell::kLstm) {
        lstm_forward(s);
    } else if (shape.cell == Cell::kRnn) {
        rnn_forward(s);
    } else if (plan.two_products) {
        const size_t stride = static_cast<size_t>(plan.slots) * s.width;
        gru_before_gates(s);
        multiply(s.rows, s.gates + 3 * s.width, stride, weights.candidate, s.gates + 2 * s.width, stride,
                 true);
        gru_before_state(s);
    } else {
        gru_after_forward(s);
    }
}

// One step of the layer's recurrence; the gates already include the input's part.
inline void step_forward(const Shape& shape, const CellPlan& plan, const LayerWeights& weights,
                         const StepRows& s) {
    multiply(s.rows, s.hidden_in, s.width, weights.recurrent, s.gates,
             static_cast<size_t>(plan.slots) * s.width, true);
    cell_forward(shape, plan, weights, s);
}

// The cell itself, backward: gates become the gradients of the pre-activations, and cell_grad becomes the
// gradient of the cell state before the step. Returns whether the recurrent product is added to hidden_grad:
// a GRU's state also reaches the next state directly. A GRU's candidate (two_products) needs all units in one
// call.
inline bool cell_backward(const Shape& shape, const CellPlan& plan, const LayerWeights& weights,
                          const StepRowsBack& s) {
    if (shape.cell == Cell::kLstm) {
        lstm_backward(s);
    } else if (shape.cell == Cell::kRnn) {
        rnn_backward(s);
    } else if (plan.two_products) {
        gru_before_backward(weights, s);
    } else {
        gru_after_backward(s);
    }
    return shape.cell == Cell::kGru;
}

// The whole step backward: `cell_backward`, and hidden_grad becomes the gradient of the state before the
// step. `later`: what the next call reads.
inline void step_backward(const Shape& shape, const CellPlan& plan, const LayerWeights& weights,
                          const StepRowsBack& s, Later later) {
    const size_t stride = static_cast<size_t>(plan.slots) * s.width;
    const bool accumulate = cell_backward(shape, plan, weights, s);
    multiply(s.rows, s.gates, stride, weights.recurrent_back, s.hidden_grad, s.width, accumulate, &later);
}

}  // namespace unspool::UNSPOOL_ISA
