// Windows of training: a random network, batch and set of options, and the results of the kernels.
#pragma once

#include "checks/agreement.h"
#include "dispatch/kernels.h"
#include "dispatch/threads.h"

namespace checks {

using namespace unspool;

// A network with its parameters; sizes below, at and above the size of a vector.
struct Model {
    Shape shape;
    std::vector<Floats> parameters;

    int gates() const { return shape.cell == Cell::kLstm ? 4 : shape.cell == Cell::kGru ? 3 : 1; }
    int states() const { return shape.cell == Cell::kLstm ? 2 : 1; }
    size_t state_floats() const {
        return static_cast<size_t>(shape.num_layers) * states() * shape.hidden_size;
    }
    std::vector<float*> pointers() {
        std::vector<float*> out;
        for (Floats& array : parameters) out.push_back(array.data());
        return out;
    }
    std::string describe() const {
        const char* names[] = {"rnn", "lstm", "gru"};
        return std::string(names[static_cast<int>(shape.cell)]) +
               (shape.reset_after ? " (reset after)" : "") + " vocabulary " +
               std::to_string(shape.vocab_size) + " embedding " + std::to_string(shape.embedding_size) +
               " hidden " + std::to_string(shape.hidden_size) + " layers " +
               std::to_string(shape.num_layers) + (shape.residual ? " residual" : "") +
               (shape.inference == Precision::kBf16 ? " bf16" : "") +
               (shape.inference == Precision::kInt8 ? " int8" : "");
    }
};

inline Shape random_shape(Random& random, int number) {
    const int cell = number % 4;  // both kinds of GRU
    return {static_cast<Cell>(cell < 3 ? cell : 2),
            cell == 3,
            random.one_of({3, 16, 27, 84, 130}),
            random.one_of({0, 0, 5, 16, 33}),
            random.one_of({1, 7, 16, 33, 100, 128}),
            1 + random.below(3),
            random.coin(),
            Precision::kFloat32};
}

inline Model make_model(Random& random, const Shape& shape) {
    Model model{shape, {}};
    const size_t hidden = shape.hidden_size, columns = model.gates() * hidden;
    const float scale = 1.0f / std::sqrt(static_cast<float>(hidden));
    const auto add = [&](size_t size, float most) { model.parameters.push_back(random.floats(size, most)); };
    if (shape.embedding_size > 0) add(static_cast<size_t>(shape.vocab_size) * shape.embedding_size, 1.0f);
    for (int l = 0; l < shape.num_layers; ++l) {
        const int below = shape.embedding_size > 0 ? shape.embedding_size : shape.vocab_size;
        add((l > 0 ? hidden : static_cast<size_t>(below)) * columns, l > 0 ? scale : 0.5f);
        add(hidden * columns, scale);
        add(columns, 0.5f);
        if (shape.reset_after) add(hidden, 0.5f);
    }
    add(hidden * shape.vocab_size, 4.0f * scale);
    add(shape.vocab_size, 1.0f);
    return model;
}

// One window with all conditions that may steer it.
struct Window {
    int steps, lanes, contexts;
    Ids ids, targets, records, starts;
    Floats masks, state, context, start_states, final_grad;
    bool conditions;

    std::string describe() const {
        return " steps " + std::to_string(steps) + " lanes " + std::to_string(lanes) +
               (masks.empty() ? "" : " masks") + (conditions ? " conditions" : "");
    }
};

inline Window make_window(Random& random, const Model& model, int steps, int lanes) {
    const size_t rows = static_cast<size_t>(steps) * lanes, state = model.state_floats();
    Window w{steps, lanes, 3, {}, {}, {}, {}, {}, {}, {}, {}, {}, random.coin()};
    w.ids = random.ids(rows, 1, model.shape.vocab_size);
    w.targets = random.ids(rows, 0, model.shape.vocab_size);
    w.state = random.floats(state * lanes, 0.9f);
    if (random.coin()) {
        w.masks = random.floats(static_cast<size_t>(model.shape.num_layers) * lanes * model.shape.hidden_size,
                                1.0f);
        for (float& factor : w.masks) factor = factor < -0.4f ? 0.0f : 1.5f;
    }
    if (!w.conditions) return w;
    w.records = random.ids(rows, 0, w.contexts);
    w.context =
        random.floats(static_cast<size_t>(w.contexts) * model.gates() * model.shape.hidden_size, 0.5f);
    w.starts.assign(rows, -1);
    int32_t count = 0;
    for (int32_t& start : w.starts) start = random.below(3) == 0 ? count++ : -1;
    w.start_states = random.floats(state * (count + 1), 0.9f);
    w.final_grad = random.floats(state * lanes, 0.1f);
    return w;
}

inline Batch batch_of(const Window& w, bool targets) {
    return {w.steps,
            w.lanes,
            w.ids.data(),
            targets ? w.targets.data() : nullptr,
            1,
            targets && !w.masks.empty() ? w.masks.data() : nullptr};
}

inline void check_memory(bool ok) {
    if (ok) return;
    std::printf("there is no memory left\n");
    std::exit(1);
}

// Loss, gradients, states and logits of a window; computed twice in the same network, so that values left by
// the first pass must do no harm.
inline Result run_window(const Kernels& kernels, ThreadTeam& team, Model& model, const Window& window) {
    void* network = kernels.create(model.shape);
    const std::vector<float*> parameters = model.pointers();
    const size_t rows = static_cast<size_t>(window.steps) * window.lanes;
    Result result;
    for (int pass = 0; pass < 2; ++pass) {
        Model gradients = model;
        for (Floats& array : gradients.parameters) array.assign(array.size(), NAN);  // all must be written
        Floats state = window.state, losses(rows, NAN), context_grad(window.context.size(), NAN);
        Floats start_grad(window.start_states.size(), 0.0f);
        Batch batch = batch_of(window, true);
        if (window.conditions)
            batch.conditions = {window.records.data(), window.contexts,         window.context.data(),
                                context_grad.data(),   window.starts.data(),    window.start_states.data(),
                                start_grad.data(),     window.final_grad.data()};
        double total = 0.0;
        int64_t count = 0;
        check_memory(kernels.step(network, ThreadTeam::Turn(team).team(), parameters.data(), batch,
                                  state.data(), &total, &count, losses.data(), gradients.pointers().data()));
        result.add("loss", Floats{static_cast<float>(total)});
        result.add("losses", losses);
        result.add("state", state);
        result.add("context gradient", context_grad);
        result.add("start states' gradient", start_grad);
        for (size_t i = 0; i < gradients.parameters.size(); ++i)
            result.add("gradient of array " + std::to_string(i), gradients.parameters[i]);
    }
    Floats state = window.state, logits(rows * model.shape.vocab_size);
    check_memory(kernels.logits(network, ThreadTeam::Turn(team).team(), parameters.data(),
                                batch_of(window, false), state.data(), logits.data()));
    result.add("logits", logits);
    result.add("state after logits", state);
    kernels.destroy(network);
    return result;
}

}  // namespace checks
