// What one step back through a layer is made of, for some lanes and some units.
#pragma once

#include "network.h"

namespace unspool::UNSPOOL_ISA {

inline StepRowsBack step_rows_back(Network& network, int layer, const Batch& batch, int t, Part lanes,
                                   Part units) {
    const StepRows s = network.step_rows(layer, batch, t, lanes, units);
    const size_t at = static_cast<size_t>(lanes.first) * network.width;
    return {s.rows,
            s.width,
            units.first,
            units.last,
            s.gates,
            s.hidden_in,
            s.cell_in,
            s.hidden_out,
            s.tanh_cell,
            network.carry.get() + at,
            network.plan.states == 2 ? network.carry_cell.get() + at : nullptr,
            network.spare.get() + at};
}

// Zeroes units of the gradients that are carried from step to step.
inline void clear_carry(Network& network, int lane, Part units) {
    const size_t at = static_cast<size_t>(lane) * network.width + units.first;
    const size_t size = sizeof(float) * (units.last - units.first);
    std::memset(network.carry.get() + at, 0, size);
    if (network.plan.states == 2) std::memset(network.carry_cell.get() + at, 0, size);
}

// Lets no gradient through to before the start of a lane.
inline void reset_gradients(Network& network, const Batch& batch, int t, Part lanes, Part units) {
    const int32_t* ids = batch.ids + static_cast<size_t>(t) * batch.lanes;
    for (int b = lanes.first; b < lanes.last; ++b)
        if (ids[b] == batch.reset_id) clear_carry(network, b, units);
}

// Adds the gradient of the layer's output to that which comes from the step after.
inline void take_output_grad(const StepRowsBack& s, const float* output_grad) {
    for (int row = 0; row < s.rows; ++row) {
        const size_t at = static_cast<size_t>(row) * s.width;
        for (int j = s.first; j < s.last; j += kLanes)
            store(s.hidden_grad + at + j, load(s.hidden_grad + at + j) + load(output_grad + at + j));
    }
}

// Gradient of a layer's input in rows [first, first + rows). The layer below has not been reached yet, so its
// outputs' gradients may take the place of ours.
inline void input_gradient(Network& network, int layer, size_t first, int rows) {
    float* below = layer > 0 ? network.hidden_grad.get() + first * network.width
                             : network.embedded_grad.get() + first * network.input_width;
    const float* gates = network.activations[layer].gates.get() + first * network.row_floats();
    for (int g = 0; g < network.plan.inputs; ++g)
        multiply(rows, gates + network.plan.input[g].slot * network.width, network.row_floats(),
                 network.weights[layer].input_back[g], below, network.input_axis(layer).padded, g > 0);
}

}  // namespace unspool::UNSPOOL_ISA
