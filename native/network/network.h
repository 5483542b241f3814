// The network's memory and its forward pass: packed weights, activations of one window, layer after layer.
#pragma once

#include "network/cells.h"
#include "network/stopwatch.h"
#include "network/team.h"
#include "products/transposed.h"

namespace unspool::UNSPOOL_ISA {

struct LayerArrays {
    const float *input, *recurrent, *bias, *recurrent_bias;
    float *input_grad, *recurrent_grad, *bias_grad, *recurrent_bias_grad;
};

// The values of one window in one layer that the backward pass needs. R = steps x lanes rows, time-major.
struct Activations {
    Buffer gates;                  // (R, slots x width)
    Buffer hidden_in, cell_in;     // ((steps + 1) x lanes, width): the state before each step, resets applied
    Buffer hidden_out, tanh_cell;  // (R, width)
    Buffer handed_on;              // (R, width): hidden_out times its mask, plus the input, if there are such
};

struct Network {
    Shape shape;
    CellPlan plan;
    int width;        // hidden_size in whole vectors
    int input_width;  // embedding_size in whole vectors
    int vocab_width;  // vocab_size in whole vectors
    LayerWeights* weights;
    Activations* activations;
    LayerArrays* arrays;
    const float *embedding = nullptr, *output_kernel = nullptr, *output_bias = nullptr;
    float *embedding_grad = nullptr, *output_kernel_grad = nullptr, *output_bias_grad = nullptr;
    Panels output, output_back;
    Buffer bias_row;  // output bias; kNever for <pad> and the padding, which cannot be drawn
    Buffer embedded;  // (R, input_width)
    Buffer embedded_grad;
    Buffer hidden_grad;                    // (R, width): gradient of the current layer's outputs
    Buffer carry, carry_cell, spare;       // (lanes, width)
    Buffer probabilities;                  // a block of rows x vocab_width
    Buffer row_losses;                     // (R)
    TransposedScratch* scratch = nullptr;  // one per thread
    int scratch_size = 0;
    Stopwatch stopwatch;

    explicit Network(const Shape& s)
        : shape(s),
          plan(plan_of(s)),
          width(round_up(s.hidden_size, kLanes)),
          input_width(round_up(s.embedding_size, kLanes)),
          vocab_width(round_up(s.vocab_size, kLanes)),
          weights(new LayerWeights[s.num_layers]),
          activations(new Activations[s.num_layers]),
          arrays(new LayerArrays[s.num_layers]) {}
    Network(const Network&) = delete;
    Network& operator=(const Network&) = delete;
    ~Network() {
        delete[] weights;
        delete[] activations;
        delete[] arrays;
        delete[] scratch;
    }

    bool adds_input(int layer) const { return shape.residual && layer > 0; }
    bool dense_input(int layer) const { return layer > 0 || shape.embedding_size > 0; }
    int input_size(int layer) const { return layer > 0 ? shape.hidden_size : shape.embedding_size; }
    int row_floats() const { return plan.slots * width; }
    Axis gates_axis(int gates) const { return {gates, shape.hidden_size, width}; }
    Axis hidden_axis() const { return {1, shape.hidden_size, width}; }
    Axis vocab_axis() const { return {1, shape.vocab_size, vocab_width}; }
    Axis input_axis(int layer) const {
        return layer > 0 ? hidden_axis() : Axis{1, shape.embedding_size, input_width};
    }
    size_t gate_columns() const { return static_cast<size_t>(plan.gates) * shape.hidden_size; }

    // Assigns the caller's arrays, in their stored order.
    void bind(Arrays parameters, float* const* gradients) {
        size_t next = 0;
        const auto take = [&](const float*& values, float*& grad) {
            values = parameters[next];
            grad = gradients == nullptr ? nullptr : gradients[next];
            ++next;
        };
        if (shape.embedding_size > 0) take(embedding, embedding_grad);
        for (int l = 0; l < shape.num_layers; ++l) {
            LayerArrays& a = arrays[l];
            take(a.input, a.input_grad);
            take(a.recurrent, a.recurrent_grad);
            take(a.bias, a.bias_grad);
            a.recurrent_bias = nullptr;
            a.recurrent_bias_grad = nullptr;
            if (plan.recurrent_bias) take(a.recurrent_bias, a.recurrent_bias_grad);
        }
        take(output_kernel, output_kernel_grad);
        take(output_bias, output_bias_grad);
    }

    // The number format of the products of a window, in training or without gradients.
    Precision format(bool backward) const { return backward ? shape.precision : shape.inference; }

    bool reserve_weights(bool backward) {
        const Precision in = format(backward);
        bool ok = output.shape(shape.hidden_size, vocab_width, in) && bias_row.reserve(vocab_width);
        if (backward) ok = ok && output_back.shape(vocab_width, width, in);
        for (int l = 0; ok && l < shape.num_layers; ++l) {
            LayerWeights& w = weights[l];
            ok = w.bias.reserve(row_floats()) &&
                 w.recurrent.shape(shape.hidden_size, plan.recurrent.gates * width, in);
            if (plan.two_products) ok = ok && w.candidate.shape(shape.hidden_size, width, in);
            if (backward) {
                ok = ok && w.recurrent_back.shape(plan.recurrent.gates * width, width, in);
                if (plan.two_products) ok = ok && w.candidate_back.shape(width, width, in);
            }
            if (!dense_input(l)) continue;
            for (int g = 0; g < plan.inputs; ++g) {
                ok = ok && w.input[g].shape(input_size(l), plan.input[g].gates * width, in);
                if (backward)
                    ok = ok && w.input_back[g].shape(plan.input[g].gates * width, input_axis(l).padded, in);
            }
        }
        return ok;
    }

    // Packs a group of gates of a stored matrix (rows x gates * hidden), and its transpose for the backward
    // pass.
    void pack_group(const float* matrix, const Group& group, int rows, Axis row_axis, Panels& forward,
                    Panels* back, int size, int thread) {
        const size_t ld = gate_columns();
        const float* from = matrix + static_cast<size_t>(group.gate) * shape.hidden_size;
        Part part = part_of(forward.count(), size, thread);
        forward.pack(from, ld, 1, {1, rows, rows}, gates_axis(group.gates), part.first, part.last);
        if (back == nullptr) return;
        part = part_of(back->count(), size, thread);
        back->pack(from, 1, ld, gates_axis(group.gates), row_axis, part.first, part.last);
    }

    // Packs this thread's part of all weights.
    void pack_weights(bool backward, int size, int thread) {
        const int hidden = shape.hidden_size, vocab = shape.vocab_size;
        for (int l = 0; l < shape.num_layers; ++l) {
            LayerWeights& w = weights[l];
            pack_group(arrays[l].recurrent, plan.recurrent, hidden, hidden_axis(), w.recurrent,
                       backward ? &w.recurrent_back : nullptr, size, thread);
            if (plan.two_products)
                pack_group(arrays[l].recurrent, kCandidate, hidden, hidden_axis(), w.candidate,
                           backward ? &w.candidate_back : nullptr, size, thread);
            for (int g = 0; dense_input(l) && g < plan.inputs; ++g)
                pack_group(arrays[l].input, plan.input[g], input_size(l), input_axis(l), w.input[g],
                           backward ? &w.input_back[g] : nullptr, size, thread);
        }
        Part part = part_of(output.count(), size, thread);
        output.pack(output_kernel, vocab, 1, {1, hidden, hidden}, vocab_axis(), part.first, part.last);
        if (backward) {
            part = part_of(output_back.count(), size, thread);
            output_back.pack(output_kernel, 1, vocab, vocab_axis(), hidden_axis(), part.first, part.last);
        }
        if (thread == 0) pack_biases();
    }

    // Packs parameters for forward passes; keeps pointers to them.
    bool load_parameters(Arrays parameters) {
        bind(parameters, nullptr);
        if (!reserve_weights(false)) return false;
        pack_weights(false, 1, 0);
        return true;
    }

    // Lays a stored bias of a layer out as a row of gates.
    void pack_bias(int layer, const float* bias, float* to) const {
        const int hidden = shape.hidden_size;
        std::memset(to, 0, sizeof(float) * row_floats());
        for (int g = 0; g < plan.inputs; ++g)
            for (int i = 0; i < plan.input[g].gates; ++i)
                std::memcpy(to + (plan.input[g].slot + i) * width, bias + (plan.input[g].gate + i) * hidden,
                            sizeof(float) * hidden);
        if (arrays[layer].recurrent_bias != nullptr)
            std::memcpy(to + 2 * width, arrays[layer].recurrent_bias, sizeof(float) * hidden);
    }

    void pack_biases() {
        for (int l = 0; l < shape.num_layers; ++l) pack_bias(l, arrays[l].bias, weights[l].bias.get());
        float* row = bias_row.get();
        for (int j = 0; j < vocab_width; ++j)
            row[j] = j == 0 || j >= shape.vocab_size ? kNever : output_bias[j];
    }

    // The logit of a token that must not be drawn. Other logits are so far from infinity that no penalty,
    // bias or temperature makes them infinite, and nothing makes this one finite: see `are_finite`.
    static constexpr float kNever = -INFINITY;

    // Starts a row of gates with the bias and, for the first layer's table, the row of the token.
    void start_row(int layer, int32_t id, float* gates) const {
        std::memcpy(gates, weights[layer].bias.get(), sizeof(float) * row_floats());
        if (!dense_input(layer)) add_row(layer, id, gates, 0, shape.hidden_size);
    }

    // Adds units [first, last) of the token's row in the first layer's table to a row of gates.
    void add_row(int layer, int32_t id, float* gates, int first, int last) const {
        add_stored(arrays[layer].input + static_cast<size_t>(id) * gate_columns(), gates, first, last);
    }

    // Adds units [first, last) of a row in the order of the stored matrices to a row of gates.
    void add_stored(const float* row, float* gates, int first, int last) const {
        const int hidden = shape.hidden_size;
        for (int g = 0; g < plan.inputs; ++g)
            for (int i = 0; i < plan.input[g].gates; ++i) {
                float* to = gates + (plan.input[g].slot + i) * width;
                const float* from = row + (plan.input[g].gate + i) * hidden;
                for (int j = first; j < last; ++j) to[j] += from[j];
            }
    }

    // Adds the product of `rows` input rows with the layer's input kernel to the gates.
    void add_input(int layer, int rows, const float* input, size_t stride, float* gates) const {
        for (int g = 0; g < plan.inputs; ++g)
            multiply(rows, input, stride, weights[layer].input[g], gates + plan.input[g].slot * width,
                     row_floats(), true);
    }

    bool reserve_window(const Batch& batch, bool masks) {
        const size_t rows = static_cast<size_t>(batch.steps) * batch.lanes;
        const size_t states = rows + batch.lanes;
        bool ok = row_losses.reserve(rows);
        if (shape.embedding_size > 0) ok = ok && embedded.reserve(rows * input_width);
        for (int l = 0; ok && l < shape.num_layers; ++l) {
            Activations& a = activations[l];
            ok = a.gates.reserve(rows * row_floats()) && a.hidden_in.reserve(states * width) &&
                 a.hidden_out.reserve(rows * width);
            if (plan.states == 2)
                ok = ok && a.cell_in.reserve(states * width) && a.tanh_cell.reserve(rows * width);
            if (masks || adds_input(l)) ok = ok && a.handed_on.reserve(rows * width);
        }
        return ok;
    }

    // The output of a layer as the next layer reads it.
    const float* layer_output(int layer, bool masks) const {
        const Activations& a = activations[layer];
        return masks || adds_input(layer) ? a.handed_on.get() : a.hidden_out.get();
    }

    // Runs lanes [part.first, part.last) of one layer through the whole window; reads and writes their state.
    void forward_layer(int layer, const Batch& batch, float* state, Part part) {
        if (part.first == part.last) return;
        copy_state(layer, batch, state, part, true);
        for (int t = 0; t < batch.steps && !batch.stopped(); ++t) forward_step(layer, batch, t, part);
        copy_state(layer, batch, state, part, false);
    }

    // Reads the state of some lanes before the window (`in`), or writes the state after it.
    void copy_state(int layer, const Batch& batch, float* state, Part part, bool in) {
        const size_t hidden = shape.hidden_size, lane_floats = batch.lanes * hidden;
        const size_t row = in ? 0 : static_cast<size_t>(batch.steps) * batch.lanes;
        for (int slot = 0; slot < plan.states; ++slot) {
            Buffer& states = slot == 0 ? activations[layer].hidden_in : activations[layer].cell_in;
            float* theirs = state + (static_cast<size_t>(layer) * plan.states + slot) * lane_floats;
            for (int b = part.first; b < part.last; ++b) {
                float* ours = states.get() + (row + b) * width;
                if (in) std::memset(ours, 0, sizeof(float) * width);
                std::memcpy(in ? ours : theirs + b * hidden, in ? theirs + b * hidden : ours,
                            sizeof(float) * hidden);
            }
        }
    }

    // Returns whether a record starts at a position, given by its row: the carried state ends there.
    static bool starts_at(const Batch& batch, size_t row) {
        return batch.conditions.starts == nullptr ? batch.ids[row] == batch.reset_id
                                                  : batch.conditions.starts[row] >= 0;
    }

    // The offset of one layer's part of a record's start state in the caller's arrays.
    size_t start_offset(int layer, int slot, const Batch& batch, size_t row) const {
        const size_t index = static_cast<size_t>(batch.conditions.starts[row]);
        return ((index * shape.num_layers + layer) * plan.states + slot) * shape.hidden_size;
    }

    // Writes units of that state, zero without start states; its padding is already zero.
    void start_state(int layer, int slot, const Batch& batch, size_t row, Part units, float* state) const {
        if (batch.conditions.starts == nullptr) {
            std::memset(state + units.first, 0, sizeof(float) * (units.last - units.first));
            return;
        }
        const int count = stored_units(units);
        std::memcpy(state + units.first,
                    batch.conditions.start_states + start_offset(layer, slot, batch, row) + units.first,
                    sizeof(float) * count);
    }

    // Counts the units of a part that are not padding.
    int stored_units(Part units) const {
        const int last = units.last < shape.hidden_size ? units.last : shape.hidden_size;
        return last > units.first ? last - units.first : 0;
    }

    void forward_step(int layer, const Batch& batch, int t, Part part) {
        const int rows = part.last - part.first;
        const size_t first = static_cast<size_t>(t) * batch.lanes + part.first;
        reset_states(layer, batch, t, part, {0, width});
        begin_rows(layer, batch, first, rows);
        const StepRows step = step_rows(layer, batch, t, part, {0, width});
        step_forward(shape, plan, weights[layer], step);
        std::memcpy(activations[layer].hidden_in.get() + (first + batch.lanes) * width, step.hidden_out,
                    sizeof(float) * rows * width);
        hand_on(layer, batch, t, part);
    }

    // Replaces units of the carried state by the record's start state, in the lanes where a record starts at
    // a step.
    void reset_states(int layer, const Batch& batch, int t, Part lanes, Part units) {
        Activations& a = activations[layer];
        for (int b = lanes.first; b < lanes.last; ++b) {
            const size_t row = static_cast<size_t>(t) * batch.lanes + b;
            if (!starts_at(batch, row)) continue;
            start_state(layer, 0, batch, row, units, a.hidden_in.get() + row * width);
            if (plan.states == 2) start_state(layer, 1, batch, row, units, a.cell_in.get() + row * width);
        }
    }

    // Starts rows [first, first + rows) of a layer's gates: the bias and the input's part.
    void begin_rows(int layer, const Batch& batch, size_t first, int rows) {
        const int32_t* ids = batch.ids + first;
        float* gates = activations[layer].gates.get() + first * row_floats();
        for (int r = 0; r < rows; ++r) {
            float* row = gates + static_cast<size_t>(r) * row_floats();
            start_row(layer, ids[r], row);
            if (layer == 0 && batch.conditions.context != nullptr)
                add_stored(batch.conditions.context + batch.conditions.records[first + r] * gate_columns(),
                           row, 0, shape.hidden_size);
        }
        if (layer > 0)
            add_input(layer, rows, layer_output(layer - 1, batch.masks != nullptr) + first * width, width,
                      gates);
        if (layer == 0 && dense_input(0)) {
            float* x = embedded.get() + first * input_width;
            for (int r = 0; r < rows; ++r) embed(ids[r], x + static_cast<size_t>(r) * input_width);
            add_input(0, rows, x, input_width, gates);
        }
    }

    // Units [units.first, units.last) of some lanes at step t.
    StepRows step_rows(int layer, const Batch& batch, int t, Part lanes, Part units) {
        Activations& a = activations[layer];
        const bool two = plan.states == 2;
        const size_t first = static_cast<size_t>(t) * batch.lanes + lanes.first, next = first + batch.lanes;
        return {lanes.last - lanes.first,
                width,
                units.first,
                units.last,
                a.gates.get() + first * row_floats(),
                a.hidden_in.get() + first * width,
                two ? a.cell_in.get() + first * width : nullptr,
                a.hidden_out.get() + first * width,
                two ? a.cell_in.get() + next * width : nullptr,
                two ? a.tanh_cell.get() + first * width : nullptr};
    }

    void embed(int32_t id, float* row) const {
        std::memcpy(row, embedding + static_cast<size_t>(id) * shape.embedding_size,
                    sizeof(float) * shape.embedding_size);
    }

    // Computes a layer's output at a step for the next layer, if a mask or the input changes it.
    void hand_on(int layer, const Batch& batch, int t, Part part) {
        const bool masks = batch.masks != nullptr;
        if (!masks && !adds_input(layer)) return;
        const size_t first = (static_cast<size_t>(t) * batch.lanes + part.first) * width;
        const float* out = activations[layer].hidden_out.get() + first;
        float* to = activations[layer].handed_on.get() + first;
        if (masks) apply_mask(batch, layer, part, out, to);
        if (adds_input(layer))
            add_rows((part.last - part.first) * width, masks ? to : out,
                     layer_output(layer - 1, masks) + first, to);
    }

    // to = a + b for `count` floats, whole vectors.
    static void add_rows(int count, const float* a, const float* b, float* to) {
        for (int j = 0; j < count; j += kLanes) store(to + j, load(a + j) + load(b + j));
    }

    // to = from * mask for the rows of one step.
    void apply_mask(const Batch& batch, int layer, Part part, const float* from, float* to) const {
        const int hidden = shape.hidden_size;
        for (int b = part.first; b < part.last; ++b, from += width, to += width) {
            const float* mask = batch.masks + (static_cast<size_t>(layer) * batch.lanes + b) * hidden;
            for (int j = 0; j < hidden; ++j) to[j] = from[j] * mask[j];
        }
    }
};

}  // namespace unspool::UNSPOOL_ISA
