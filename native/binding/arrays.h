// Arrays of Python as the kernels see them, and the kernels by their names.
#pragma once

#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>
#include <nanobind/stl/optional.h>
#include <nanobind/stl/pair.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <cstring>
#include <memory>
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
using AnyArray = nb::ndarray<T, nb::c_contig, nb::device::cpu>;

// An array of Python, taken as it is or refused. By itself nanobind takes an array of another type or order,
// and one that may not be written to, by a copy: what a kernel writes is lost then without a word.
template <typename T>
struct Array : AnyArray<T> {};

template <typename T>
using Optional = std::optional<Array<T>>;

template <typename T>
T* data_or_null(const Optional<T>& array) {
    return array ? array->data() : nullptr;
}

template <typename T>
std::vector<T*> pointers(const std::vector<Array<T>>& arrays) {
    std::vector<T*> out;
    for (const auto& array : arrays) out.push_back(array.data());
    return out;
}

inline void check_memory(bool ok) {
    if (!ok) throw std::bad_alloc();
}

// An array that Python owns after the call.
template <typename T>
class NewArray {
 public:
    explicit NewArray(size_t size) : size_(size), values_(new T[size]()) {}
    T& operator[](size_t at) { return values_[at]; }

    // Appends values; null stands for zeros.
    void append(const T* values, size_t count) {
        if (values != nullptr && count > 0) std::memcpy(values_.get() + filled_, values, sizeof(T) * count);
        filled_ += count;
    }

    nb::ndarray<nb::numpy, T> release() {
        nb::capsule owner(values_.get(), [](void* values) noexcept { delete[] static_cast<T*>(values); });
        return nb::ndarray<nb::numpy, T>(values_.release(), {size_}, owner);
    }

 private:
    size_t size_, filled_ = 0;
    std::unique_ptr<T[]> values_;
};

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

template <typename T>
struct nanobind::detail::type_caster<unspool::Array<T>> {
    using Plain = make_caster<unspool::AnyArray<T>>;
    NB_TYPE_CASTER(unspool::Array<T>, Plain::Name)

    template <typename Flags>
    bool from_python(handle source, Flags flags, cleanup_list* cleanup) noexcept {
        Plain plain;
        const Flags as_it_is = flags & static_cast<Flags>(~static_cast<int>(cast_flags::convert));
        if (!plain.from_python(source, as_it_is, cleanup)) return false;
        value = {std::move(plain.value)};
        return true;
    }

    static handle from_cpp(const unspool::Array<T>& array, rv_policy policy, cleanup_list* cleanup) noexcept {
        return Plain::from_cpp(array, policy, cleanup);
    }
};
