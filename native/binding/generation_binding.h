// What Python says of a call of `generate`: two objects whose fields are set by name in unspool/kernels.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <optional>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "dispatch/kernels.h"

namespace unspool {

template <typename T>
using Array = nanobind::ndarray<T, nanobind::c_contig, nanobind::device::cpu>;
template <typename T>
using Optional = std::optional<Array<T>>;

template <typename T>
T* data_or_null(const Optional<T>& array) {
    return array ? array->data() : nullptr;
}

struct AutomatonArrays {
    Optional<const int32_t> classes, transitions, distance;
    int start = 0;

    Automaton view() const {
        return {data_or_null(classes), data_or_null(transitions), data_or_null(distance),
                transitions ? static_cast<int>(transitions->shape(1)) : 0, start};
    }
};

// A row of a table by its name, and the numbers of a stage.
using NamedStage = std::pair<std::string, std::vector<double>>;

struct DecodingFields {
    std::vector<NamedStage> penalties, samplers;
    int64_t penalty_last = 0;
    int alternatives = 0;
    AutomatonArrays guide, stop;
};

// The row of a stage.
inline int row_named(const char* (*name_of)(int), const std::string& name) {
    for (int row = 0; name_of(row) != nullptr; ++row)
        if (name == name_of(row)) return row;
    throw std::invalid_argument("no stage named " + name);
}

// What the kernels are told of a call; points into the fields that it is made from.
class DecodingView {
 public:
    DecodingView(const DecodingFields& fields, const Kernels& kernels)
        : penalties_(stages(fields.penalties, kernels.penalty)),
          samplers_(stages(fields.samplers, kernels.sampler)),
          decoding_{view(penalties_),    view(samplers_),    fields.penalty_last,
                    fields.guide.view(), fields.stop.view(), fields.alternatives} {}

    const Decoding& decoding() const { return decoding_; }

 private:
    std::vector<DrawStage> penalties_, samplers_;
    Decoding decoding_;

    static std::vector<DrawStage> stages(const std::vector<NamedStage>& named, const char* (*name_of)(int)) {
        std::vector<DrawStage> out;
        for (const auto& [name, numbers] : named)
            out.push_back({row_named(name_of, name), numbers.data(), static_cast<int>(numbers.size())});
        return out;
    }

    static DrawStages view(const std::vector<DrawStage>& stages) {
        return {stages.data(), static_cast<int>(stages.size())};
    }
};

struct ReportArrays {
    Optional<float> logprobs, constrained, alternative_logs;
    Optional<int32_t> alternatives;

    Report view() const {
        return {data_or_null(logprobs), data_or_null(constrained), data_or_null(alternatives),
                data_or_null(alternative_logs)};
    }
};

struct SequencesArrays {
    Optional<const int32_t> prompts, context;
    Optional<const int64_t> prompt_starts, context_starts, drawn;
    Optional<const uint64_t> keys;
    Optional<float> state;
    Optional<int32_t> guide_states, stop_states, tokens, lengths, reasons;
    ReportArrays report, echo;
    bool from_state = false;
    int max_new_tokens = 0, end_id = -1;
    int64_t limit = 0;

    Sequences view() const {
        return {static_cast<int>(keys->shape(0)),
                data_or_null(prompts),
                data_or_null(prompt_starts),
                data_or_null(context),
                data_or_null(context_starts),
                data_or_null(keys),
                data_or_null(drawn),
                data_or_null(state),
                from_state,
                max_new_tokens,
                limit,
                end_id,
                data_or_null(guide_states),
                data_or_null(stop_states),
                data_or_null(tokens),
                report.view(),
                echo.view(),
                data_or_null(lengths),
                reinterpret_cast<Finish*>(data_or_null(reasons))};
    }
};

inline void bind_generation(nanobind::module_& module) {
    namespace nb = nanobind;
    nb::class_<AutomatonArrays>(module, "Automaton")
        .def(nb::init<>())
        .def_rw("classes", &AutomatonArrays::classes, nb::arg().none())
        .def_rw("transitions", &AutomatonArrays::transitions, nb::arg().none())
        .def_rw("distance", &AutomatonArrays::distance, nb::arg().none())
        .def_rw("start", &AutomatonArrays::start);
    nb::class_<DecodingFields>(module, "Decoding")
        .def(nb::init<>())
        .def_rw("penalties", &DecodingFields::penalties)
        .def_rw("samplers", &DecodingFields::samplers)
        .def_rw("penalty_last", &DecodingFields::penalty_last)
        .def_rw("alternatives", &DecodingFields::alternatives)
        .def_rw("guide", &DecodingFields::guide)
        .def_rw("stop", &DecodingFields::stop);
    nb::class_<ReportArrays>(module, "Report")
        .def(nb::init<>())
        .def_rw("logprobs", &ReportArrays::logprobs, nb::arg().none())
        .def_rw("constrained", &ReportArrays::constrained, nb::arg().none())
        .def_rw("alternatives", &ReportArrays::alternatives, nb::arg().none())
        .def_rw("alternative_logs", &ReportArrays::alternative_logs, nb::arg().none());
    nb::class_<SequencesArrays>(module, "Sequences")
        .def(nb::init<>())
        .def_rw("prompts", &SequencesArrays::prompts)
        .def_rw("prompt_starts", &SequencesArrays::prompt_starts)
        .def_rw("context", &SequencesArrays::context)
        .def_rw("context_starts", &SequencesArrays::context_starts)
        .def_rw("drawn", &SequencesArrays::drawn)
        .def_rw("keys", &SequencesArrays::keys)
        .def_rw("state", &SequencesArrays::state)
        .def_rw("guide_states", &SequencesArrays::guide_states, nb::arg().none())
        .def_rw("stop_states", &SequencesArrays::stop_states, nb::arg().none())
        .def_rw("tokens", &SequencesArrays::tokens)
        .def_rw("lengths", &SequencesArrays::lengths)
        .def_rw("reasons", &SequencesArrays::reasons)
        .def_rw("report", &SequencesArrays::report)
        .def_rw("echo", &SequencesArrays::echo)
        .def_rw("from_state", &SequencesArrays::from_state)
        .def_rw("max_new_tokens", &SequencesArrays::max_new_tokens)
        .def_rw("end_id", &SequencesArrays::end_id)
        .def_rw("limit", &SequencesArrays::limit);
}

}  // namespace unspool
