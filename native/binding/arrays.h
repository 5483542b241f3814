// Arrays of Python as the kernels see them, and the kernels by their names.
#pragma once

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
#include <utility>
#include <vector>

#include "dispatch/kernels.h"

namespace unspool {

namespace nb = nanobind;

template <typename T>
using Array = nb::ndarray<T, nb::c_contig, nb::device::cpu>;
template <typename T>
using Optional = std::optional<Array<T>>;

template <typename T>
T* data_or_null(const Optional<T>& array) {
    return array ? array->data() : nullptr;
}

inline std::vector<float*> pointers(const std::vector<Array<float>>& arrays) {
    std::vector<float*> out;
    for (const auto& array : arrays) out.push_back(array.data());
    return out;
}

inline void check_memory(bool ok) {
    if (!ok) throw std::bad_alloc();
}

constexpr int kMostKernels = 8;  // more than any build has

inline const Kernels& kernels_named(const std::string& name) {
    const Kernels* all[kMostKernels];
    const int count = available_kernels(all, kMostKernels);
    for (int i = 0; i < count; ++i)
        if (name.empty() || name == all[i]->name) return *all[i];
    throw std::invalid_argument("no kernels named " + name);
}

inline std::vector<std::string> kernel_names() {
    const Kernels* all[kMostKernels];
    const int count = available_kernels(all, kMostKernels);
    std::vector<std::string> names;
    for (int i = 0; i < count; ++i) names.emplace_back(all[i]->name);
    return names;
}

}  // namespace unspool
