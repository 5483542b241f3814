// The network as Python sees it: its memory and its operations.
#pragma once

#include <atomic>

#include "binding/arrays.h"
#include "binding/interpreter.h"
#include "binding/stop.h"
#include "dispatch/system.h"
#include "dispatch/threads.h"

namespace unspool {

using ParameterArrays = std::vector<Array<const float>>;
using Parameters = std::optional<ParameterArrays>;

// The conditions of a window; the fields are set by name in unspool/_kernels.
struct ConditionsArrays {
    Optional<const int32_t> records, starts;
    Optional<const float> context, start_states, final_grad;
    Optional<float> context_grad, start_states_grad;

    Conditions view() const {
        return {data_or_null(records),
                context ? static_cast<int>(context->shape(0)) : 0,
                data_or_null(context),
                data_or_null(context_grad),
                data_or_null(starts),
                data_or_null(start_states),
                data_or_null(start_states_grad),
                data_or_null(final_grad)};
    }
};

inline void bind_conditions(nb::module_& module) {
    nb::class_<ConditionsArrays>(module, "Conditions")
        .def(nb::init<>())
        .def_rw("records", &ConditionsArrays::records, nb::arg().none())
        .def_rw("starts", &ConditionsArrays::starts, nb::arg().none())
        .def_rw("context", &ConditionsArrays::context, nb::arg().none())
        .def_rw("context_grad", &ConditionsArrays::context_grad, nb::arg().none())
        .def_rw("start_states", &ConditionsArrays::start_states, nb::arg().none())
        .def_rw("start_states_grad", &ConditionsArrays::start_states_grad, nb::arg().none())
        .def_rw("final_grad", &ConditionsArrays::final_grad, nb::arg().none());
}

// A window for which only the logits are computed.
inline Batch window_without_targets(const Array<const int32_t>& ids, int32_t reset_id,
                                    const ConditionsArrays& conditions) {
    const int steps = static_cast<int>(ids.shape(0)), lanes = static_cast<int>(ids.shape(1));
    return {steps, lanes, ids.data(), nullptr, reset_id, nullptr, conditions.view()};
}

// The memory and the operations of a network. Any number of threads may call them: each waits for its turn,
// after it has let go of the interpreter's lock.
class NetworkHandle {
 public:
    NetworkHandle(ThreadTeam& team, const std::string& kernels, int cell, bool reset_after, int vocab_size,
                  int embedding_size, int hidden_size, int num_layers, bool residual, int precision,
                  int inference)
        : team_(team),
          kernels_(kernels_named(kernels)),
          shape_(checked({static_cast<Cell>(cell), reset_after, vocab_size, embedding_size, hidden_size,
                          num_layers, residual, static_cast<Precision>(precision),
                          static_cast<Precision>(inference)})),
          network_(kernels_.create(shape_)) {}
    NetworkHandle(const NetworkHandle&) = delete;
    NetworkHandle& operator=(const NetworkHandle&) = delete;
    ~NetworkHandle() {
        if (born_ == forks()) kernels_.destroy(network_);  // in a fork, a thread may have been using it
        if (spare_writer_ != nullptr) kernels_.destroy_writer(spare_writer_);
    }

    std::pair<double, int64_t> step(const ParameterArrays& parameters, Array<const int32_t> ids,
                                    Array<const int32_t> targets, int32_t reset_id,
                                    const Optional<const float>& masks, Array<float> state,
                                    const Optional<float>& losses,
                                    const std::optional<std::vector<Array<float>>>& gradients,
                                    const ConditionsArrays& conditions) {
        const std::vector<const float*> values = pointers(parameters);
        const std::vector<float*> grads = gradients ? pointers(*gradients) : std::vector<float*>();
        const Batch batch{static_cast<int>(ids.shape(0)),
                          static_cast<int>(ids.shape(1)),
                          ids.data(),
                          targets.data(),
                          reset_id,
                          data_or_null(masks),
                          conditions.view(),
                          StopFlag::of_this_thread()};
        double total = 0.0;
        int64_t count = 0;
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        loaded_ = false;
        check_memory(kernels_.step(network_, turn.team(), values.data(), batch, state.data(), &total, &count,
                                   data_or_null(losses), gradients ? grads.data() : nullptr));
        check_stop();
        return {total, count};
    }

    std::vector<double> stage_seconds() const {
        const double* seconds = kernels_.stage_seconds(network_);
        return {seconds, seconds + kStages};
    }

    // Without parameters, the ones that `load` packed are used.
    void logits(const Parameters& parameters, Array<const int32_t> ids, int32_t reset_id, Array<float> state,
                Array<float> out, const ConditionsArrays& conditions) {
        const std::vector<const float*> values =
            parameters ? pointers(*parameters) : std::vector<const float*>();
        const Batch batch = window_without_targets(ids, reset_id, conditions);
        check_stop();
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        if (parameters)
            loaded_ = false;
        else
            pack_loaded();
        check_memory(kernels_.logits(network_, turn.team(), parameters ? values.data() : nullptr, batch,
                                     state.data(), out.data()));
    }

    void load(const ParameterArrays& parameters) {
        ParameterArrays held = parameters;  // released at the end, under the interpreter's lock
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        parameters_.swap(held);
        loaded_ = false;
        pack_loaded();
    }

    // Returns memory for a writer of this network: the memory of an earlier writer, or new memory.
    void* take_writer() {
        void* writer = spare_writer_.exchange(nullptr);
        return writer != nullptr ? writer : kernels_.create_writer(shape_);
    }

    void give_back_writer(void* writer) {
        writer = spare_writer_.exchange(writer);
        if (writer != nullptr) kernels_.destroy_writer(writer);
    }

    ThreadTeam& team() const { return team_; }
    const Kernels& kernels() const { return kernels_; }

 private:
    // In a fork, the memory may be in the state of another thread's unfinished work.
    void renew_after_fork() {
        if (born_ == forks()) return;
        network_ = kernels_.create(shape_);
        born_ = forks();
        loaded_ = false;
    }

    // A call with parameters packs them in the place of the loaded ones.
    void pack_loaded() {
        if (loaded_) return;
        if (parameters_.empty()) throw std::logic_error("parameters: expected some here or by load()");
        const std::vector<const float*> values = pointers(parameters_);
        check_memory(kernels_.load(network_, values.data()));
        loaded_ = true;
    }

    static const Shape& checked(const Shape& shape) {
        if (shape.cell < Cell::kRnn || shape.cell > Cell::kGru)
            throw std::invalid_argument("cell: expected the number of a cell with kernels");
        if (shape.vocab_size < 2 || shape.embedding_size < 0 || shape.hidden_size < 1 || shape.num_layers < 1)
            throw std::invalid_argument("network: expected two tokens, one unit and one layer at least");
        if (shape.precision < Precision::kFloat32 || shape.precision > Precision::kBf16 ||
            shape.inference < Precision::kFloat32 || shape.inference > Precision::kInt8)
            throw std::invalid_argument("precision: expected the number of one that has kernels");
        return shape;
    }

    ThreadTeam& team_;
    const Kernels& kernels_;
    const Shape shape_;
    void* network_;
    uint32_t born_ = forks();
    ParameterArrays parameters_;  // the parameters of `load`; the kernels keep pointers to them
    bool loaded_ = false;
    std::atomic<void*> spare_writer_ = nullptr;
};

inline void bind_network(nb::module_& module) {
    nb::class_<NetworkHandle>(module, "Network")
        .def(nb::init<ThreadTeam&, const std::string&, int, bool, int, int, int, int, bool, int, int>(),
             nb::keep_alive<1, 2>())
        .def("step", &NetworkHandle::step, nb::arg("parameters"), nb::arg("ids"), nb::arg("targets"),
             nb::arg("reset_id"), nb::arg("masks").none(), nb::arg("state"), nb::arg("losses").none(),
             nb::arg("gradients").none(), nb::arg("conditions"))
        .def("stage_seconds", &NetworkHandle::stage_seconds)
        .def("logits", &NetworkHandle::logits, nb::arg("parameters").none(), nb::arg("ids"),
             nb::arg("reset_id"), nb::arg("state"), nb::arg("out"), nb::arg("conditions"))
        .def("load", &NetworkHandle::load);
}

}  // namespace unspool
