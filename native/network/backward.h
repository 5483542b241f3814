// Loss and gradients of one window.
//
// Every thread takes its own lanes through all time steps, forward and backward, without waiting for the
// others; if there are few lanes, it takes its own units of all lanes. The output layer is divided by rows,
// the weight gradients by columns. No sum is ever split over threads, so the result has the same bits for
// every number of threads.
#pragma once

#include "network/loss.h"
#include "network/rounding.h"
#include "network/train_by_units.h"

namespace unspool::UNSPOOL_ISA {

// Copies columns [first, last) of an m-row product into the caller's matrix, without the padding.
inline void store_columns(const float* product, int m, int first, int last, Axis columns, float* out,
                          size_t ldo, bool add) {
    const int width = last - first;
    for (int column = first; column < last; column += kLanes) {
        const int block = column / columns.padded, offset = column % columns.padded;
        int valid = columns.size - offset;
        valid = valid < 0 ? 0 : valid > kLanes ? kLanes : valid;
        float* to = out + static_cast<size_t>(block) * columns.size + offset;
        const float* from = product + (column - first);
        for (int r = 0; r < m; ++r, to += ldo, from += width) {
            if (valid == kLanes) {
                store(to, add ? load(to) + load(from) : load(from));
                continue;
            }
            for (int j = 0; j < valid; ++j) to[j] = add ? to[j] + from[j] : from[j];
        }
    }
}

// out[column] (+)= the sum of that column over `rows` rows, for columns [first, last); `sums` has room for
// them.
inline void sum_columns(const float* matrix, int rows, size_t ld, int first, int last, Axis columns,
                        float* sums, float* out, bool add) {
    const int width = last - first;
    std::memset(sums, 0, sizeof(float) * width);
    for (int r = 0; r < rows; ++r)  // by rows, in the order of memory
        for (int j = 0; j < width; j += kLanes)
            store(sums + j, load(sums + j) + load(matrix + r * ld + first + j));
    for (int j = 0; j < width; ++j) {
        const int to = columns.source(first + j);
        if (to >= 0) out[to] = add ? out[to] + sums[j] : sums[j];
    }
}

// Adds `count` numbers to two places that do not overlap.
UNSPOOL_INLINE void add_to_both(const float* from, int count, float* one, float* other) {
    int j = 0;
    for (; j + kLanes <= count; j += kLanes) {
        const Vec x = load(from + j);
        store(one + j, load(one + j) + x);
        store(other + j, load(other + j) + x);
    }
    for (; j < count; ++j) {
        one[j] += from[j];
        other[j] += from[j];
    }
}

struct WindowTask {
    Network& network;
    const Team& team;
    const Batch& batch;
    float* state;
    float* losses;      // or null
    float* logits_out;  // or null: (R, vocab) logits for the caller
    bool backward;
    int64_t counted;
    int block;    // rows of logits in memory at a time
    bool loaded;  // the weights are already packed

    int rows() const { return batch.steps * batch.lanes; }
    bool masks() const { return batch.masks != nullptr; }
    const float* top() const { return network.layer_output(network.shape.num_layers - 1, masks()); }

    void run(int thread) {
        if (thread == 0) network.stopwatch.start();
        network.scratch[thread].stop = batch.stop;
        rounded_rows = network.scratch[thread].rows.words();
        if (!loaded) {
            network.pack_weights(backward, team.size, thread);
            team.barrier(team.self);
        }
        stop(thread, kPacking);
        const Part lanes = part_of(batch.lanes, team.size, thread);
        const bool shared = units_are_shared(network, batch.lanes, team.size);
        SharedWindow units{network, team, batch, state, thread};
        for (int l = 0; l < network.shape.num_layers; ++l)
            if (shared)
                units.forward_layer(l);
            else
                network.forward_layer(l, batch, state, lanes);
        team.barrier(team.self);
        stop(thread, kForward);
        if (counted > 0 || logits_out != nullptr) {
            output_layer(thread);
        } else {
            skip_output_layer(thread, lanes);
        }
        stop(thread, kOutput);
        if (!backward) return;
        for (int l = network.shape.num_layers - 1; l >= 0; --l)
            if (shared)
                units.backward_layer(l);
            else
                backward_layer(l, lanes);
        team.barrier(team.self);
        stop(thread, kBackward);
        for (int l = 0; l < network.shape.num_layers; ++l) layer_gradients(l, thread);
        if (network.shape.embedding_size > 0) embedding_gradient(thread);
        stop(thread, kWeightGradients);
    }

    void stop(int thread, Stage stage) {
        if (thread == 0) network.stopwatch.stop(stage);
    }

    // Logits, loss and their gradients, a block of rows at a time: memory is bounded for any vocabulary.
    void output_layer(int thread) {
        const int total = rows();
        for (int first = 0; first < total; first += block) {
            const int count = total - first < block ? total - first : block;
            const Part part = part_of(count, team.size, thread);
            for (int r = part.first; r < part.last && !batch.stopped(); r += kStrip)
                output_strip(first, r, part.last - r < kStrip ? part.last - r : kStrip);
            if (backward) {
                team.barrier(team.self);
                output_gradient(first, count, thread);
            }
            // blocks are divided in different ways: another thread may still work on these rows
            if (first + block < total) team.barrier(team.self);
        }
    }

    static constexpr int kStrip = 4 * kRows;  // rows of logits that stay in the cache until the gradient

    void output_strip(int first, int r, int count) {
        const int width = network.width, vocab_width = network.vocab_width;
        float* logits = network.probabilities.get() + static_cast<size_t>(r) * vocab_width;
        const size_t row = static_cast<size_t>(first) + r;
        compute_logits(network, count, top() + row * width, logits);
        if (logits_out != nullptr) return copy_logits(row, count, logits);
        const float scale = counted > 0 ? 1.0f / static_cast<float>(counted) : 0.0f;
        for (int i = 0; i < count; ++i) {
            float* line = logits + static_cast<size_t>(i) * vocab_width;
            const int32_t target = batch.targets[row + i];
            float& loss = network.row_losses.get()[row + i];
            if (target != 0) {
                loss = cross_entropy(line, vocab_width, target, scale);
            } else {
                loss = 0.0f;
                std::memset(line, 0, sizeof(float) * vocab_width);
            }
        }
        if (backward)
            multiply(count, logits, vocab_width, network.output_back, network.hidden_grad.get() + row * width,
                     width, false);
    }

    void copy_logits(size_t row, int count, const float* logits) {
        const int vocab = network.shape.vocab_size;
        for (int i = 0; i < count; ++i) {
            float* to = logits_out + (row + i) * vocab;
            std::memcpy(to, logits + static_cast<size_t>(i) * network.vocab_width, sizeof(float) * vocab);
            to[0] = -INFINITY;
        }
    }

    void output_gradient(int first, int count, int thread) {
        const Axis vocab = network.vocab_axis();
        const Part part = columns_of(network.vocab_width, thread);
        if (part.first == part.last || batch.stopped()) return;
        const float* rows_grad = network.probabilities.get();
        float* const product = network.scratch[thread].product.get();
        multiply_transposed(network.shape.hidden_size, count,
                            top() + static_cast<size_t>(first) * network.width, network.width, rows_grad,
                            network.vocab_width, part.first, part.last, product, part.last - part.first,
                            network.scratch[thread]);
        store_columns(product, network.shape.hidden_size, part.first, part.last, vocab,
                      network.output_kernel_grad, network.shape.vocab_size, first > 0);
        sum_columns(rows_grad, count, network.vocab_width, part.first, part.last, vocab,
                    network.scratch[thread].product.get(), network.output_bias_grad, first > 0);
    }

    // Replaces the output layer for a window without counted targets: no loss, no gradient.
    void skip_output_layer(int thread, Part lanes) {
        const int hidden = network.shape.hidden_size, vocab = network.shape.vocab_size, width = network.width;
        const int count = lanes.last - lanes.first;
        for (int t = 0; t < batch.steps; ++t) {
            const size_t first = static_cast<size_t>(t) * batch.lanes + lanes.first;
            std::memset(network.row_losses.get() + first, 0, sizeof(float) * count);
            if (backward)
                std::memset(network.hidden_grad.get() + first * width, 0, sizeof(float) * count * width);
        }
        if (!backward || thread > 0) return;
        std::memset(network.output_kernel_grad, 0, sizeof(float) * hidden * vocab);
        std::memset(network.output_bias_grad, 0, sizeof(float) * vocab);
    }

    // This thread's columns of a padded matrix, in whole panels where there are enough of them.
    Part columns_of(int columns, int thread) const {
        const int unit = columns / kPanel >= team.size ? kPanel : kLanes;
        Part part = part_of((columns + unit - 1) / unit, team.size, thread);
        part.first *= unit;
        part.last = part.last * unit < columns ? part.last * unit : columns;
        return part;
    }

    void backward_layer(int layer, Part lanes) {
        if (lanes.first == lanes.last) return;
        for (int b = lanes.first; b < lanes.last; ++b)
            start_carry(network, layer, batch, b, {0, network.width});
        for (int t = batch.steps - 1; t >= 0 && !batch.stopped(); --t) backward_step(layer, t, lanes);
    }

    void backward_step(int layer, int t, Part lanes) {
        const int count = lanes.last - lanes.first, width = network.width;
        const size_t first = static_cast<size_t>(t) * batch.lanes + lanes.first;
        const StepRowsBack step = step_rows_back(network, layer, batch, t, lanes, {0, width});
        take_output_grad(network, layer, batch, lanes, step, network.hidden_grad.get() + first * width);
        step_backward(network.shape, network.plan, network.weights[layer], step,
                      step_before(layer, t, lanes));
        reset_gradients(network, layer, batch, t, lanes, {0, width});
        if (network.dense_input(layer)) input_gradient(network, layer, first, count);
    }

    // What `backward_step` reads of the step before t. With many lanes it lies in no near cache.
    Later step_before(int layer, int t, Part lanes) const {
        Later read;
        if (t == 0) return read;
        const StepRowsBack s = step_rows_back(network, layer, batch, t - 1, lanes, {0, network.width});
        const size_t first = static_cast<size_t>(t - 1) * batch.lanes + lanes.first;
        const size_t floats = static_cast<size_t>(s.rows) * s.width;
        read.add(s.gates, floats * network.plan.slots);
        read.add(network.hidden_grad.get() + first * s.width, floats);
        read.add(network.plan.states == 2 ? s.cell_in : s.hidden_in, floats);
        read.add(network.plan.states == 2 ? s.tanh_cell : s.hidden_out, floats);
        return read;
    }

    // Gradient of one group of gates of a matrix: (left side)^T (gates' gradients), for this thread's
    // columns.
    void group_gradient(int layer, const Group& group, int m, const float* left, size_t ld, float* out,
                        int thread) {
        const int width = network.width;
        const Part part = columns_of(group.gates * width, thread);
        if (part.first == part.last) return;
        const float* gates = network.activations[layer].gates.get() + group.slot * width;
        out += static_cast<size_t>(group.gate) * network.shape.hidden_size;
        const size_t ldo = network.gate_columns();
        const auto multiply_into = [&](float* product, size_t ldp) {
            multiply_transposed(m, rows(), left, ld, gates, network.row_floats(), part.first, part.last,
                                product, ldp, network.scratch[thread]);
        };
        if (network.shape.hidden_size == width) return multiply_into(out + part.first, ldo);  // no padding
        float* const product = network.scratch[thread].product.get();
        multiply_into(product, part.last - part.first);
        store_columns(product, m, part.first, part.last, network.gates_axis(group.gates), out, ldo, false);
    }

    void layer_gradients(int layer, int thread) {
        if (batch.stopped()) return;
        Activations& a = network.activations[layer];
        const LayerArrays& arrays = network.arrays[layer];
        const CellPlan& plan = network.plan;
        const int hidden = network.shape.hidden_size, width = network.width;
        float* sums = network.scratch[thread].product.get();
        group_gradient(layer, plan.recurrent, hidden, a.hidden_in.get(), width, arrays.recurrent_grad,
                       thread);
        if (plan.two_products)
            group_gradient(layer, kCandidate, hidden, a.gates.get() + 3 * width, network.row_floats(),
                           arrays.recurrent_grad, thread);
        if (arrays.recurrent_bias_grad != nullptr) {
            const Part part = columns_of(width, thread);
            sum_columns(a.gates.get() + 2 * width, rows(), network.row_floats(), part.first, part.last,
                        network.hidden_axis(), sums, arrays.recurrent_bias_grad, false);
        }
        for (int g = 0; g < plan.inputs; ++g) {
            const Group& group = plan.input[g];
            const Part part = columns_of(group.gates * width, thread);
            const Conditions& given = batch.conditions;
            if (layer == 0 && given.context_grad != nullptr)
                table_gradient(group, part, given.records, given.contexts, given.context_grad);
            if (!network.dense_input(layer)) {
                table_gradient(group, part, batch.ids, network.shape.vocab_size, arrays.input_grad);
                continue;
            }
            sum_columns(a.gates.get() + group.slot * width, rows(), network.row_floats(), part.first,
                        part.last, network.gates_axis(group.gates), sums,
                        arrays.bias_grad + group.gate * hidden, false);
            const float* input =
                layer > 0 ? network.layer_output(layer - 1, masks()) : network.embedded.get();
            group_gradient(layer, group, network.input_size(layer), input, network.input_axis(layer).padded,
                           arrays.input_grad, thread);
        }
    }

    // Adds the gradients of the first layer's gates to each position's row of a table and to the bias, in one
    // pass over the gradients, in the order of memory.
    void table_gradient(const Group& group, Part part, const int32_t* entries, int size, float* table) {
        const int hidden = network.shape.hidden_size, width = network.width;
        const size_t ld = network.gate_columns();
        float* const bias = network.arrays[0].bias_grad;
        struct Run {
            int from, to, units;  // places in a row of gates and in a row of the table
        } runs[4];
        int count = 0;
        for (int gate = part.first / width; gate * width < part.last; ++gate) {
            const int first = part.first > gate * width ? part.first - gate * width : 0;
            const int end = part.last - gate * width < hidden ? part.last - gate * width : hidden;
            if (first >= end) continue;
            const int to = (group.gate + gate) * hidden + first;
            runs[count++] = {(group.slot + gate) * width + first, to, end - first};
            for (int v = 0; v < size; ++v) std::memset(table + v * ld + to, 0, sizeof(float) * (end - first));
            std::memset(bias + to, 0, sizeof(float) * (end - first));
        }
        const float* from = network.activations[0].gates.get();
        for (int r = 0; r < rows(); ++r, from += network.row_floats()) {
            float* row = table + static_cast<size_t>(entries[r]) * ld;
            for (int i = 0; i < count; ++i)
                add_to_both(from + runs[i].from, runs[i].units, row + runs[i].to, bias + runs[i].to);
        }
    }

    void embedding_gradient(int thread) {
        const int size = network.shape.embedding_size;
        const Part part = part_of(size, team.size, thread);
        float* out = network.embedding_grad;
        for (int v = 0; v < network.shape.vocab_size; ++v)
            std::memset(out + static_cast<size_t>(v) * size + part.first, 0,
                        sizeof(float) * (part.last - part.first));
        for (int r = 0; r < rows(); ++r) {
            const float* from = network.embedded_grad.get() + static_cast<size_t>(r) * network.input_width;
            float* to = out + static_cast<size_t>(batch.ids[r]) * size;
            for (int j = part.first; j < part.last; ++j) to[j] += from[j];
        }
    }
};

constexpr size_t kBlockFloats = size_t{4} << 20;  // 16 MiB of logits at a time

// Makes the memory of each thread of a team.
inline bool reserve_scratch(Network& network, const Team& team, bool backward) {
    if (network.scratch_size < team.size) {
        delete[] network.scratch;
        network.scratch = new TransposedScratch[team.size];
        network.scratch_size = team.size;
    }
    bool ok = true;
    for (int i = 0; i < team.size; ++i)
        ok = ok && reserve_rounded(network, network.format(backward), network.scratch[i].rows);
    return ok;
}

inline bool reserve_backward(Network& network, const Batch& batch, const Team& team) {
    const size_t rows = static_cast<size_t>(batch.steps) * batch.lanes;
    const size_t lane_floats = static_cast<size_t>(batch.lanes) * network.width;
    const int hidden = network.shape.hidden_size, embedding = network.shape.embedding_size;
    const int tall = hidden > embedding ? hidden : embedding;
    const int gates = network.plan.gates * network.width;
    const int wide = (gates > network.vocab_width ? gates : network.vocab_width) / team.size + 2 * kPanel;
    bool ok = true;
    static_assert(kPairRows >= 2 * kPairStrip);  // the same memory serves both
    for (int i = 0; i < team.size; ++i) {
        network.scratch[i].bf16 = network.format(true) == Precision::kBf16;
        ok = ok && network.scratch[i].reserve(tall, wide);
    }
    if (embedding > 0) ok = ok && network.embedded_grad.reserve(rows * network.input_width);
    return ok && network.hidden_grad.reserve(rows * network.width) && network.carry.reserve(lane_floats) &&
           network.carry_cell.reserve(lane_floats) && network.spare.reserve(lane_floats);
}

inline bool run_window(Network& network, const Team& team, const Batch& batch, float* state, float* losses,
                       float* logits_out, bool backward, int64_t counted, bool loaded = false) {
    const int rows = batch.steps * batch.lanes;
    size_t block = kBlockFloats / network.vocab_width;
    block = block < 64 ? 64 : block > static_cast<size_t>(rows) ? rows : block;
    if (!network.reserve_weights(backward) || !network.reserve_window(batch, batch.masks != nullptr) ||
        !network.probabilities.reserve(block * network.vocab_width) ||
        !reserve_scratch(network, team, backward) || (backward && !reserve_backward(network, batch, team)))
        return false;
    WindowTask task{
        network, team, batch, state, losses, logits_out, backward, counted, static_cast<int>(block), loaded};
    run_team(team, [&](int thread) { task.run(thread); });
    return true;
}

}  // namespace unspool::UNSPOOL_ISA
