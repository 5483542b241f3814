// Tables of counts as Python sees them: made from ids, and mixed into logits.
#pragma once

#include <type_traits>

#include "binding/network_binding.h"
#include "text/adaptive.h"
#include "text/count.h"

namespace unspool {

// The arrays of a table of counts, from Python.
struct CountArrays {
    Array<const uint32_t> first_child, first_entry;
    Array<const uint16_t> symbols, tokens, counts;
    Array<const float> discounts, weights;

    CountTable view() const {
        return {static_cast<int>(discounts.shape(0)) - 1,
                first_child.data(),
                first_entry.data(),
                symbols.data(),
                tokens.data(),
                counts.data(),
                discounts.data(),
                weights.data()};
    }
};

template <typename T>
nb::ndarray<nb::numpy, T> as_array(const std::vector<T>& values) {
    NewArray<T> array(values.size());
    array.append(values.data(), values.size());
    return array.release();
}

// Returns the arrays of a table; None if they would have too many bytes.
template <typename Id>
std::optional<nb::dict> count(Array<const Id> ids, int vocab, int order, int end_id, int least,
                              int64_t most_bytes) {
    Counter counter;
    bool ok;
    {
        WithoutLock unlocked;
        ok = counter.count(ids.data(), static_cast<int64_t>(ids.size()), vocab, order, end_id, least,
                           most_bytes, check_stop);
    }
    if (!ok) return std::nullopt;
    nb::dict out;
    out["first_child"] = as_array(counter.first_child);
    out["first_entry"] = as_array(counter.first_entry);
    out["symbols"] = as_array(counter.symbols);
    out["tokens"] = as_array(counter.tokens);
    out["counts"] = as_array(counter.counts);
    out["discounts"] = as_array(counter.discounts);
    return out;
}

inline void mix(const std::string& kernels, ThreadTeam& team, const CountArrays& table,
                Array<const int32_t> contexts, Optional<const int32_t> targets, Array<float> logits,
                Optional<float> losses, Array<int32_t> used) {
    WithoutLock unlocked;
    ThreadTeam::Turn turn(team);
    check_memory(kernels_named(kernels).mix(
        turn.team(), table.view(), static_cast<int>(logits.shape(1)), static_cast<int64_t>(logits.shape(0)),
        contexts.data(), data_or_null(targets), logits.data(), data_or_null(losses), used.data()));
}

inline void bind_counts(nb::module_& module) {
    nb::class_<CountArrays>(module, "CountTable")
        .def(
            "__init__",
            [](CountArrays* self, Array<const uint32_t> first_child, Array<const uint32_t> first_entry,
               Array<const uint16_t> symbols, Array<const uint16_t> tokens, Array<const uint16_t> counts,
               Array<const float> discounts, Array<const float> weights) {
                new (self) CountArrays{first_child, first_entry, symbols, tokens, counts, discounts, weights};
            },
            nb::kw_only(), nb::arg("first_child"), nb::arg("first_entry"), nb::arg("symbols"),
            nb::arg("tokens"), nb::arg("counts"), nb::arg("discounts"), nb::arg("weights"));
    nb::class_<AdaptiveCounts>(module, "AdaptiveCounts")
        .def(nb::init<int32_t>())
        .def("adapt",
             [](AdaptiveCounts& self, Array<const int32_t> ids, Array<const float> nats, Array<float> out) {
                 WithoutLock unlocked;
                 self.adapt(ids.data(), nats.data(), static_cast<int64_t>(ids.size()), out.data());
             });
    module.def("count", &count<uint8_t>);
    module.def("count", &count<uint16_t>);
    module.def("count", &count<uint32_t>);
    module.def("mix_counts", &mix, nb::arg(), nb::arg(), nb::arg(), nb::arg(), nb::arg().none(), nb::arg(),
               nb::arg().none(), nb::arg());
}

}  // namespace unspool
