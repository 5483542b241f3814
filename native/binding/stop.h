// A request to stop, which a signal makes at once: Python runs its own handlers only between two native
// calls.
#pragma once

#include <signal.h>

#include <atomic>

#include "binding/arrays.h"

namespace unspool {

// Thrown where a call gives up.
struct Stopped {};

// A flag. While it listens, SIGINT and SIGTERM set it from the system's handler, before Python's own one.
class StopFlag {
 public:
    StopFlag() = default;
    StopFlag(const StopFlag&) = delete;
    StopFlag& operator=(const StopFlag&) = delete;
    ~StopFlag() { leave(); }

    void set() { value_.store(true); }
    bool is_set() const { return value_.load(); }

    // Begins to listen to the signals that have a handler of Python.
    void listen() {
        leave();
        heard_by().store(&value_);
        for (int i = 0; i < kSignals; ++i) {
            struct sigaction& before = before_[i];
            listens_[i] = sigaction(kNumbers[i], nullptr, &before) == 0 && !(before.sa_flags & SA_SIGINFO) &&
                          before.sa_handler != SIG_DFL && before.sa_handler != SIG_IGN &&
                          before.sa_handler != hear;
            if (!listens_[i]) continue;
            python().store(before.sa_handler);
            struct sigaction ours = before;
            ours.sa_handler = hear;
            sigaction(kNumbers[i], &ours, nullptr);
        }
    }

    // Ends it: the handlers are those from before.
    void leave() {
        for (int i = 0; i < kSignals; ++i) {
            if (listens_[i]) sigaction(kNumbers[i], &before_[i], nullptr);
            listens_[i] = false;
        }
        std::atomic<bool>* mine = &value_;
        heard_by().compare_exchange_strong(mine, nullptr);
    }

    // The flag at which calls of this thread give up, or null.
    static const std::atomic<bool>*& of_this_thread() {
        static thread_local const std::atomic<bool>* flag = nullptr;
        return flag;
    }

    // Calls of this thread give up once the flag is set.
    void obey() const { of_this_thread() = &value_; }
    static void disobey() { of_this_thread() = nullptr; }

 private:
    using Handler = void (*)(int);

    static constexpr int kSignals = 2;
    static constexpr int kNumbers[kSignals] = {SIGINT, SIGTERM};

    static std::atomic<std::atomic<bool>*>& heard_by() {
        static constinit std::atomic<std::atomic<bool>*> flag{nullptr};
        return flag;
    }
    static std::atomic<Handler>& python() {
        static constinit std::atomic<Handler> handler{nullptr};
        return handler;
    }
    static void hear(int number) {
        if (std::atomic<bool>* flag = heard_by().load()) flag->store(true);
        if (const Handler next = python().load()) next(number);
    }

    std::atomic<bool> value_{false};
    struct sigaction before_[kSignals] = {};
    bool listens_[kSignals] = {};
};

// Gives up if this thread's flag is set.
inline void check_stop() {
    const std::atomic<bool>* flag = StopFlag::of_this_thread();
    if (flag != nullptr && flag->load()) throw Stopped();
}

inline void bind_stop(nb::module_& module) {
    PyObject* const stopped = PyErr_NewException("unspool._native.StoppedError", PyExc_Exception, nullptr);
    module.attr("StoppedError") = nb::borrow(stopped);  // the translator keeps the reference for ever
    nb::register_exception_translator(
        [](const std::exception_ptr& error, void* type) {
            try {
                std::rethrow_exception(error);
            } catch (const Stopped&) {
                PyErr_SetString(static_cast<PyObject*>(type), "a stop was requested");
            }
        },
        stopped);
    nb::class_<StopFlag>(module, "StopFlag")
        .def(nb::init<>())
        .def("set", &StopFlag::set)
        .def("is_set", &StopFlag::is_set)
        .def("listen", &StopFlag::listen)
        .def("leave", &StopFlag::leave)
        .def("obey", &StopFlag::obey)
        .def_static("disobey", &StopFlag::disobey);
}

}  // namespace unspool
