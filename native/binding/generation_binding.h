// What Python says of a call of `generate`: two objects whose fields are set by name in unspool/kernels.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/vector.h>

#include <optional>
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

struct DecodingFields {
    std::vector<double> temperatures;
    int64_t temperature_steps = 1;
    std::vector<int> samplers;
    int top_k = 0;
    double top_p = 1.0, min_p = 0.0, typical_p = 1.0;
    double repetition_penalty = 1.0, presence_penalty = 0.0, frequency_penalty = 0.0;
    int64_t penalty_last = 0, min_tokens = 0;
    int ngram = 0, alternatives = 0;
    Optional<const float> bias;
    AutomatonArrays guide, stop;

    Decoding view() const {
        Decoding out{};
        out.temperatures = temperatures.data();
        out.num_temperatures = static_cast<int>(temperatures.size());
        out.temperature_steps = temperature_steps;
        for (const int code : samplers)
            if (out.num_samplers < kSamplers) out.samplers[out.num_samplers++] = static_cast<Sampler>(code);
        out.top_k = top_k;
        out.top_p = top_p;
        out.min_p = static_cast<float>(min_p);
        out.typical_p = typical_p;
        out.repetition_penalty = static_cast<float>(repetition_penalty);
        out.presence_penalty = static_cast<float>(presence_penalty);
        out.frequency_penalty = static_cast<float>(frequency_penalty);
        out.penalty_last = penalty_last;
        out.ngram = ngram;
        out.bias = data_or_null(bias);
        out.min_tokens = min_tokens;
        out.guide = guide.view();
        out.stop = stop.view();
        out.alternatives = alternatives;
        return out;
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
        .def_rw("temperatures", &DecodingFields::temperatures)
        .def_rw("temperature_steps", &DecodingFields::temperature_steps)
        .def_rw("samplers", &DecodingFields::samplers)
        .def_rw("top_k", &DecodingFields::top_k)
        .def_rw("top_p", &DecodingFields::top_p)
        .def_rw("min_p", &DecodingFields::min_p)
        .def_rw("typical_p", &DecodingFields::typical_p)
        .def_rw("repetition_penalty", &DecodingFields::repetition_penalty)
        .def_rw("presence_penalty", &DecodingFields::presence_penalty)
        .def_rw("frequency_penalty", &DecodingFields::frequency_penalty)
        .def_rw("penalty_last", &DecodingFields::penalty_last)
        .def_rw("min_tokens", &DecodingFields::min_tokens)
        .def_rw("ngram", &DecodingFields::ngram)
        .def_rw("alternatives", &DecodingFields::alternatives)
        .def_rw("bias", &DecodingFields::bias, nb::arg().none())
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
