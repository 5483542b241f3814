// The parts of one step backward through a layer, for some lanes and some units.
#pragma once

#include "network/network.h"

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

// Sets units of the gradients that are carried from step to step to zero.
inline void clear_carry(Network& network, int lane, Part units) {
    const size_t at = static_cast<size_t>(lane) * network.width + units.first;
    const size_t size = sizeof(float) * (units.last - units.first);
    std::memset(network.carry.get() + at, 0, size);
    if (network.plan.states == 2) std::memset(network.carry_cell.get() + at, 0, size);
}

// The start of some units of a lane's carried gradient of the hidden (0) or cell (1) state.
inline float* carried(const Network& network, int slot, int lane, Part units) {
    const Buffer& carry = slot == 0 ? network.carry : network.carry_cell;
    return carry.get() + static_cast<size_t>(lane) * network.width + units.first;
}

// Starts the backward pass: the gradient with respect to the state after the window, zero without
// `final_grad`.
inline void start_carry(Network& network, int layer, const Batch& batch, int lane, Part units) {
    clear_carry(network, lane, units);
    if (batch.conditions.final_grad == nullptr) return;
    for (int slot = 0; slot < network.plan.states; ++slot) {
        const size_t row = (static_cast<size_t>(layer) * network.plan.states + slot) * batch.lanes + lane;
        std::memcpy(carried(network, slot, lane, units),
                    batch.conditions.final_grad + row * network.shape.hidden_size + units.first,
                    sizeof(float) * network.stored_units(units));
    }
}

// Stops the gradient at a record's start: there it becomes the gradient with respect to the record's start
// state.
inline void reset_gradients(Network& network, int layer, const Batch& batch, int t, Part lanes, Part units) {
    float* out = batch.conditions.starts == nullptr ? nullptr : batch.conditions.start_states_grad;
    for (int b = lanes.first; b < lanes.last; ++b) {
        const size_t row = static_cast<size_t>(t) * batch.lanes + b;
        if (!Network::starts_at(batch, row)) continue;
        for (int slot = 0; out != nullptr && slot < network.plan.states; ++slot)
            std::memcpy(out + network.start_offset(layer, slot, batch, row) + units.first,
                        carried(network, slot, b, units), sizeof(float) * network.stored_units(units));
        clear_carry(network, b, units);
    }
}

// Adds the gradient of the layer's output, through its dropout mask, to the gradient from the next step.
inline void take_output_grad(const Network& network, int layer, const Batch& batch, Part lanes,
                             const StepRowsBack& s, const float* output_grad) {
    const int hidden = network.shape.hidden_size;
    for (int row = 0; row < s.rows; ++row) {
        float* to = s.hidden_grad + static_cast<size_t>(row) * s.width;
        const float* grad = output_grad + static_cast<size_t>(row) * s.width;
        if (batch.masks == nullptr) {
            for (int j = s.first; j < s.last; j += kLanes) store(to + j, load(to + j) + load(grad + j));
            continue;
        }
        const float* mask =
            batch.masks + (static_cast<size_t>(layer) * batch.lanes + lanes.first + row) * hidden;
        for (int j = s.first; j < s.last && j < hidden; ++j) to[j] += grad[j] * mask[j];
    }
}

// Gradient of a layer's input in rows [first, first + rows). The layer below comes later, so the gradients of
// its outputs may overwrite those of this layer, or are added to them if the layer adds its input to its
// output.
inline void input_gradient(Network& network, int layer, size_t first, int rows) {
    float* below = layer > 0 ? network.hidden_grad.get() + first * network.width
                             : network.embedded_grad.get() + first * network.input_width;
    const float* gates = network.activations[layer].gates.get() + first * network.row_floats();
    for (int g = 0; g < network.plan.inputs; ++g)
        multiply(rows, gates + network.plan.input[g].slot * network.width, network.row_floats(),
                 network.weights[layer].input_back[g], below, network.input_axis(layer).padded,
                 g > 0 || network.adds_input(layer));
}

}  // namespace unspool::UNSPOOL_ISA
