// The binding: one Python function per operation. Shapes and types are checked in unspool/kernels, and for
// the matcher in unspool/kernels/matching.py.
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <new>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "binding/generation_binding.h"
#include "binding/interpreter.h"
#include "dispatch/forks.h"
#include "dispatch/kernels.h"
#include "dispatch/threads.h"
#include "text/lines.h"
#include "text/suffix_automaton.h"

namespace nb = nanobind;
using namespace unspool;

namespace {

constexpr int kMostKernels = 8;  // more than any build has

const Kernels& kernels_named(const std::string& name) {
    const Kernels* all[kMostKernels];
    const int count = available_kernels(all, kMostKernels);
    for (int i = 0; i < count; ++i)
        if (name.empty() || name == all[i]->name) return *all[i];
    throw std::invalid_argument("no kernels named " + name);
}

std::vector<std::string> kernel_names() {
    const Kernels* all[kMostKernels];
    const int count = available_kernels(all, kMostKernels);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.emplace_back(all[i]->name);
    return names;
}

// Names of the native rows of penalties and of samplers.
std::pair<std::vector<std::string>, std::vector<std::string>> stage_names() {
    const Kernels& kernels = kernels_named("");
    std::vector<std::string> penalties, samplers;
    for (int row = 0; kernels.penalty(row) != nullptr; ++row) penalties.emplace_back(kernels.penalty(row));
    for (int row = 0; kernels.sampler(row) != nullptr; ++row) samplers.emplace_back(kernels.sampler(row));
    return {penalties, samplers};
}

std::vector<float*> pointers(const std::vector<Array<float>>& arrays) {
    std::vector<float*> out;
    for (const auto& array : arrays) out.push_back(array.data());
    return out;
}

using Parameters = std::optional<std::vector<Array<float>>>;

void check_memory(bool ok) {
    if (!ok) throw std::bad_alloc();
}

// What steers a window; its fields are set by name in unspool/kernels.
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

void bind_conditions(nb::module_& module) {
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

// A window of which only the logits are wanted.
Batch window_without_targets(const Array<const int32_t>& ids, int32_t reset_id,
                             const ConditionsArrays& conditions) {
    const int steps = static_cast<int>(ids.shape(0)), lanes = static_cast<int>(ids.shape(1));
    return {steps, lanes, ids.data(), nullptr, reset_id, nullptr, conditions.view()};
}

// A network's memory and its operations. Any number of threads may call them: each waits for its turn, after
// it has let go of the interpreter's lock.
class NetworkHandle {
 public:
    NetworkHandle(ThreadTeam& team, const std::string& kernels, int cell, bool reset_after, int vocab_size,
                  int embedding_size, int hidden_size, int num_layers, bool residual, bool bf16)
        : team_(team),
          kernels_(kernels_named(kernels)),
          shape_({static_cast<Cell>(cell), reset_after, vocab_size, embedding_size, hidden_size, num_layers,
                  residual, bf16 ? Precision::kBf16 : Precision::kFloat32}),
          network_(kernels_.create(shape_)) {}
    NetworkHandle(const NetworkHandle&) = delete;
    NetworkHandle& operator=(const NetworkHandle&) = delete;
    ~NetworkHandle() {
        if (born_ == forks()) kernels_.destroy(network_);  // else a thread may have been at work on it
    }

    std::pair<double, int64_t> step(const std::vector<Array<float>>& parameters, Array<const int32_t> ids,
                                    Array<const int32_t> targets, int32_t reset_id,
                                    const Optional<const float>& masks, Array<float> state,
                                    const Optional<float>& losses,
                                    const std::optional<std::vector<Array<float>>>& gradients,
                                    const ConditionsArrays& conditions) {
        const std::vector<float*> values = pointers(parameters);
        const std::vector<float*> grads = gradients ? pointers(*gradients) : std::vector<float*>();
        const Batch batch{static_cast<int>(ids.shape(0)),
                          static_cast<int>(ids.shape(1)),
                          ids.data(),
                          targets.data(),
                          reset_id,
                          data_or_null(masks),
                          conditions.view()};
        double total = 0.0;
        int64_t count = 0;
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        loaded_ = false;
        check_memory(kernels_.step(network_, turn.team(), values.data(), batch, state.data(), &total, &count,
                                   data_or_null(losses), gradients ? grads.data() : nullptr));
        return {total, count};
    }

    std::vector<double> stage_seconds() const {
        const double* seconds = kernels_.stage_seconds(network_);
        return {seconds, seconds + kStages};
    }

    // Without parameters: with those that `load` has packed.
    void logits(const Parameters& parameters, Array<const int32_t> ids, int32_t reset_id, Array<float> state,
                Array<float> out, const ConditionsArrays& conditions) {
        const std::vector<float*> values = parameters ? pointers(*parameters) : std::vector<float*>();
        const Batch batch = window_without_targets(ids, reset_id, conditions);
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

    void load(const std::vector<Array<float>>& parameters) {
        std::vector<Array<float>> held = parameters;  // let go of at the end, under the interpreter's lock
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        parameters_.swap(held);
        loaded_ = false;
        pack_loaded();
    }

    // Without parameters: with those that `load` has packed.
    void generate(const Parameters& parameters, const SequencesArrays& sequences,
                  const DecodingFields& decoding) {
        const std::vector<float*> values = parameters ? pointers(*parameters) : std::vector<float*>();
        const Sequences work = sequences.view();
        const DecodingView how(decoding, kernels_);
        WithoutLock unlocked;
        ThreadTeam::Turn turn(team_);
        renew_after_fork();
        if (parameters) {
            loaded_ = false;
            check_memory(kernels_.load(network_, values.data()));
        } else {
            pack_loaded();
        }
        check_memory(kernels_.generate(network_, turn.team(), work, how.decoding()));
    }

 private:
    // On a fork's side the memory is as another thread's half-done work has left it.
    void renew_after_fork() {
        if (born_ == forks()) return;
        network_ = kernels_.create(shape_);
        born_ = forks();
        loaded_ = false;
    }

    // Whatever brings parameters of its own packs them in the place of those that were loaded.
    void pack_loaded() {
        if (loaded_) return;
        if (parameters_.empty()) throw std::logic_error("parameters: expected some here or by load()");
        const std::vector<float*> values = pointers(parameters_);
        check_memory(kernels_.load(network_, values.data()));
        loaded_ = true;
    }

    ThreadTeam& team_;
    const Kernels& kernels_;
    const Shape shape_;
    void* network_;
    uint32_t born_ = forks();
    std::vector<Array<float>> parameters_;  // those of `load`; the kernels keep pointers to them
    bool loaded_ = false;
};

double optimize(ThreadTeam& team, const std::string& kernels, int kind,
                const std::vector<Array<float>>& parameters, const std::vector<Array<float>>& gradients,
                const std::vector<std::vector<Array<float>>>& slots, const std::vector<float>& decays,
                int64_t step, float learning_rate, float beta1, float beta2, float epsilon, float clip_norm) {
    const std::vector<float*> values = pointers(parameters), grads = pointers(gradients);
    std::vector<std::vector<float*>> arrays(kMostSlots);
    for (size_t slot = 0; slot < slots.size(); ++slot) arrays.at(slot) = pointers(slots[slot]);
    std::vector<int64_t> sizes;
    for (const auto& array : parameters) sizes.push_back(static_cast<int64_t>(array.size()));
    const OptimizerStep work{kind,          static_cast<int>(sizes.size()),
                             sizes.data(),  values.data(),
                             grads.data(),  {arrays[0].data(), arrays[1].data()},
                             decays.data(), step,
                             learning_rate, beta1,
                             beta2,         epsilon,
                             clip_norm};
    WithoutLock unlocked;
    ThreadTeam::Turn turn(team);
    return kernels_named(kernels).optimize(turn.team(), work);
}

void multiply(const std::string& kernels, bool bf16, bool transposed, Array<const float> a,
              Array<const float> b, Array<float> out) {
    WithoutLock unlocked;
    check_memory(kernels_named(kernels).multiply(
        bf16 ? Precision::kBf16 : Precision::kFloat32, transposed, static_cast<int>(out.shape(0)),
        static_cast<int>(b.shape(1)), static_cast<int>(b.shape(0)), a.data(), b.data(), out.data()));
}

bool has_bf16(const std::string& kernels) { return kernels_named(kernels).bf16_hardware; }

void round_to_bf16(const std::string& kernels, Array<const float> from, Array<float> out) {
    kernels_named(kernels).round_to_bf16(static_cast<int64_t>(out.size()), from.data(), out.data());
}

template <typename Id>
void scan(Matcher& matcher, Array<const Id> ids) {
    WithoutLock unlocked;
    matcher.scan(ids.data(), static_cast<int64_t>(ids.size()));
}

template <typename Id>
void hash(Array<const Id> ids, Array<const int64_t> starts, Array<const int64_t> ends, Array<uint64_t> out) {
    WithoutLock unlocked;
    hash_records(ids.data(), starts.data(), ends.data(), static_cast<int64_t>(out.size()), out.data());
}

template <typename Code>
int64_t find(const std::string& kernels, Array<const Code> codes, uint64_t limit, Array<int64_t> bounds,
             Array<bool> held_out) {
    const HashLines hash = kernels_named(kernels).hash_lines;
    WithoutLock unlocked;
    return find_lines(hash, codes.data(), static_cast<int64_t>(codes.size()), limit, bounds.data(),
                      held_out.data());
}

// The characters that have got a number; None where one has none and none may be given.
template <typename Code, typename Number>
std::optional<std::vector<uint32_t>> number(Array<const Code> codes, Array<const int64_t> bounds,
                                            Array<const bool> held_out, Array<uint32_t> table, uint32_t known,
                                            bool learn, Array<int64_t> counts, Array<Number> training,
                                            Array<int64_t> training_ends, Array<Number> validation,
                                            Array<int64_t> validation_ends) {
    std::vector<uint32_t> fresh;
    WithoutLock unlocked;
    if (!number_lines(codes.data(), bounds.data(), held_out.data(), static_cast<int64_t>(held_out.size()),
                      table.data(), known, learn ? &fresh : nullptr, counts.data(),
                      Side<Number>{training.data(), training_ends.data()},
                      Side<Number>{validation.data(), validation_ends.data()}))
        return std::nullopt;
    return fresh;
}

template <typename From, typename To>
void look_up(Array<const From> numbers, Array<const To> table, Array<To> out) {
    WithoutLock unlocked;
    recode(numbers.data(), static_cast<int64_t>(numbers.size()), table.data(), out.data());
}

template <typename From>
void bind_recode(nb::module_& module) {
    module.def("recode", &look_up<From, uint8_t>);
    module.def("recode", &look_up<From, uint16_t>);
    module.def("recode", &look_up<From, uint32_t>);
}

template <typename Code>
void bind_lines(nb::module_& module) {
    module.def("find_lines", &find<Code>);
    module.def("number_lines", &number<Code, uint8_t>);
    module.def("number_lines", &number<Code, uint16_t>);
    module.def("number_lines", &number<Code, uint32_t>);
}

}  // namespace

NB_MODULE(_native, module) {
    module.doc() = "Native kernels; unspool.kernels is their documented face.";
    // A daemon thread keeps what it holds beyond the interpreter's end: its stack is never unwound. That is
    // no fault of whoever uses a model in one; the tests turn the warnings on for all other ends.
    nb::set_leak_warnings(false);
    module.def("set_leak_warnings", &nb::set_leak_warnings);
    nb::class_<ThreadTeam>(module, "ThreadTeam").def(nb::init<int>()).def_prop_ro("size", &ThreadTeam::size);
    bind_generation(module);
    bind_conditions(module);
    nb::class_<NetworkHandle>(module, "Network")
        .def(nb::init<ThreadTeam&, const std::string&, int, bool, int, int, int, int, bool, bool>(),
             nb::keep_alive<1, 2>())
        .def("step", &NetworkHandle::step, nb::arg("parameters"), nb::arg("ids"), nb::arg("targets"),
             nb::arg("reset_id"), nb::arg("masks").none(), nb::arg("state"), nb::arg("losses").none(),
             nb::arg("gradients").none(), nb::arg("conditions"))
        .def("stage_seconds", &NetworkHandle::stage_seconds)
        .def("logits", &NetworkHandle::logits, nb::arg("parameters").none(), nb::arg("ids"),
             nb::arg("reset_id"), nb::arg("state"), nb::arg("out"), nb::arg("conditions"))
        .def("load", &NetworkHandle::load)
        .def("generate", &NetworkHandle::generate, nb::arg("parameters").none(), nb::arg("sequences"),
             nb::arg("decoding"));
    nb::class_<Matcher>(module, "Matcher")
        .def("__init__",
             [](Matcher* self, Array<const int32_t> ids) {
                 new (self) Matcher(ids.data(), static_cast<int64_t>(ids.size()));
             })
        .def("scan", &scan<uint8_t>)
        .def("scan", &scan<uint16_t>)
        .def("scan", &scan<uint32_t>)
        .def("matches", [](const Matcher& self, Array<int32_t> lengths, Array<int64_t> ends) {
            self.matches(lengths.data(), ends.data());
        });
    module.def("hash_records", &hash<uint8_t>);
    module.def("hash_records", &hash<uint16_t>);
    module.def("hash_records", &hash<uint32_t>);
    bind_lines<uint8_t>(module);
    bind_lines<uint32_t>(module);
    bind_recode<uint8_t>(module);
    bind_recode<uint16_t>(module);
    bind_recode<uint32_t>(module);
    module.def("kernel_names", &kernel_names);
    module.def("stage_names", &stage_names);
    module.def("optimize", &optimize);
    module.def("multiply", &multiply);
    module.def("has_bf16", &has_bf16);
    module.def("round_to_bf16", &round_to_bf16);
}
