// The binding: one Python function per operation. Shapes and types are checked in unspool/_kernels, and for
// the matcher in unspool/_kernels/matching.py.
#include "binding/writer_binding.h"
#include "text/lines.h"
#include "text/suffix_automaton.h"

using namespace unspool;

namespace {

// Names of the native rows of penalties and of samplers.
std::pair<std::vector<std::string>, std::vector<std::string>> stage_names() {
    const Kernels& kernels = kernels_named("");
    std::vector<std::string> penalties, samplers;
    for (int row = 0; kernels.penalty(row) != nullptr; ++row)
        penalties.emplace_back(kernels.penalty(row)->name);
    for (int row = 0; kernels.sampler(row) != nullptr; ++row)
        samplers.emplace_back(kernels.sampler(row)->name);
    return {penalties, samplers};
}

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

void multiply(const std::string& kernels, int precision, bool transposed, Array<const float> a,
              Array<const float> b, Array<float> out) {
    WithoutLock unlocked;
    check_memory(kernels_named(kernels).multiply(
        static_cast<Precision>(precision), transposed, static_cast<int>(out.shape(0)),
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

// Returns the characters by number; None if a character has no number and may get none.
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

// The compiler that made this module, on which the last bits of results depend.
#if defined(__clang__)
constexpr const char* kCompiler = "clang";
constexpr int kCompilerVersion = __clang_major__;
#else
constexpr const char* kCompiler = "gcc";
constexpr int kCompilerVersion = __GNUC__;
#endif

}  // namespace

NB_MODULE(_native, module) {
    module.doc() = "Native kernels; unspool._kernels is their documented face.";
    // A daemon thread keeps its objects beyond the end of the interpreter: its stack is never unwound. That
    // is not the user's fault; the tests turn the warnings on for all other ends.
    nb::set_leak_warnings(false);
    module.def("set_leak_warnings", &nb::set_leak_warnings);
    module.attr("compiler") = std::string(kCompiler) + " " + std::to_string(kCompilerVersion);
    nb::class_<ThreadTeam>(module, "ThreadTeam").def(nb::init<int>()).def_prop_ro("size", &ThreadTeam::size);
    bind_stop(module);
    bind_conditions(module);
    bind_network(module);
    bind_counts(module);
    bind_writer(module);
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
