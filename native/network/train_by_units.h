// The recurrence of a window with too few lanes for the threads.
//
// Every thread computes its own units of all lanes, and all threads meet after each step. Parts without
// recurrence are divided by steps. Every value is computed from the same sums as with threads that take
// lanes, so the bits are the same.
#pragma once

#include "network/step_back.h"

namespace unspool::UNSPOOL_ISA {

// Returns whether threads take units instead of lanes. They do not if the cell has two products, since the
// second product needs all units of the first.
inline bool units_are_shared(const Network& network, int lanes, int threads) {
    constexpr int kFew = 4;  // lanes of a thread that fill a tile well enough
    // recurrent weights of a thread that are worth a meeting in each step; fewer, if the thread has no lane
    const int64_t worth = lanes < threads ? 24576 : 65536;
    // so many recurrent weights that no thread should read all of them for few lanes: they do not fit into
    // the cache of a core
    constexpr int64_t kLarge = 3 << 18;
    const int64_t weights = static_cast<int64_t>(network.gate_columns()) * network.shape.hidden_size;
    const bool few = lanes < kFew * threads || (lanes == kFew * threads && weights >= kLarge);
    return threads > 1 && !network.plan.two_products && few && weights / threads >= worth;
}

struct SharedWindow {
    Network& network;
    const Team& team;
    const Batch& batch;
    float* state;
    int thread;

    Part lanes() const { return {0, batch.lanes}; }
    Part steps() const { return part_of(batch.steps, team.size, thread); }
    size_t row(int t) const { return static_cast<size_t>(t) * batch.lanes; }
    void meet() const { team.barrier(team.self); }

    // This thread's panels of a matrix with one column per unit, and the units in them.
    Part panels() const { return part_of((network.width + kPanel - 1) / kPanel, team.size, thread); }
    Part units() const {
        const Part part = panels();
        const int last = part.last * kPanel;
        return {part.first * kPanel, last < network.width ? last : network.width};
    }

    // Calls work(first step, steps) for a part of the steps, a few at a time, until a stop.
    template <typename Work>
    void in_strips(Part part, Work&& work) const {
        constexpr int kSteps = 64;
        for (int t = part.first; t < part.last && !batch.stopped(); t += kSteps)
            work(t, part.last - t < kSteps ? part.last - t : kSteps);
    }

    void forward_layer(int layer) {
        const Part own = steps();
        in_strips(own, [&](int first, int count) {
            network.begin_rows(layer, batch, row(first), count * batch.lanes);
        });
        if (thread == 0) {
            network.copy_state(layer, batch, state, lanes(), true);
            network.reset_states(layer, batch, 0, lanes(), {0, network.width});
        }
        meet();
        for (int t = 0; t < batch.steps; ++t) forward_step(layer, t);
        if (thread == 0) network.copy_state(layer, batch, state, lanes(), false);
        for (int t = own.first; t < own.last; ++t) network.hand_on(layer, batch, t, lanes());
        meet();
    }

    void forward_step(int layer, int t) {
        const Part mine = units();
        const StepRows step = network.step_rows(layer, batch, t, lanes(), mine);
        multiply_recurrent(layer, step);
        cell_forward(network.shape, network.plan, network.weights[layer], step);
        float* next = network.activations[layer].hidden_in.get() + row(t + 1) * network.width;
        for (int b = 0; b < batch.lanes; ++b) {
            const size_t at = static_cast<size_t>(b) * network.width + mine.first;
            std::memcpy(next + at, step.hidden_out + at, sizeof(float) * (mine.last - mine.first));
        }
        if (t + 1 < batch.steps) network.reset_states(layer, batch, t + 1, lanes(), mine);
        meet();
    }

    // Adds the recurrent product: for this thread's units in every gate, if no panel is shared with another
    // thread.
    void multiply_recurrent(int layer, const StepRows& step) const {
        const Panels& weights = network.weights[layer].recurrent;
        const auto add = [&](int first, int last) {
            if (batch.stopped()) return;  // but the threads still meet
            multiply(step.rows, step.hidden_in, network.width, weights, first, last, step.gates,
                     network.row_floats(), true);
        };
        if (network.width % kPanel == 0) {
            const int panels_of_gate = network.width / kPanel;
            const Part mine = panels();
            for (int g = 0; g < network.plan.recurrent.gates; ++g)
                add(g * panels_of_gate + mine.first, g * panels_of_gate + mine.last);
            return;
        }
        const Part mine = part_of(weights.count(), team.size, thread);
        add(mine.first, mine.last);
        meet();
    }

    void backward_layer(int layer) {
        const Part own = steps(), mine = units();
        for (int b = 0; b < batch.lanes; ++b) start_carry(network, layer, batch, b, mine);
        meet();
        for (int t = batch.steps - 1; t >= 0; --t) backward_step(layer, t);
        if (!network.dense_input(layer)) return;
        meet();
        in_strips(own, [&](int first, int count) {
            input_gradient(network, layer, row(first), count * batch.lanes);
        });
        meet();
    }

    void backward_step(int layer, int t) {
        const StepRowsBack step = step_rows_back(network, layer, batch, t, lanes(), units());
        take_output_grad(network, layer, batch, lanes(), step,
                         network.hidden_grad.get() + row(t) * network.width);
        const LayerWeights& weights = network.weights[layer];
        const bool accumulate = cell_backward(network.shape, network.plan, weights, step);
        meet();
        if (!batch.stopped())
            multiply(step.rows, step.gates, network.row_floats(), weights.recurrent_back, panels().first,
                     panels().last, step.hidden_grad, network.width, accumulate);
        reset_gradients(network, layer, batch, t, lanes(), units());
    }
};

}  // namespace unspool::UNSPOOL_ISA
