// A request to stop, which a signal makes at once: Python runs its own handlers only between two native
// calls.
#pragma once

#include <signal.h>

#include <atomic>

#include "binding/arrays.h"

namespace unspool {

// Thrown where a call gives up.
struct Stopped {};

using SignalHandler = void (*)(int);

// The handler of a signal, which can be replaced for a while.
class HandledSignal {
 public:
    // Puts `ours` in the place of a handler of Python, which is stored first: a signal may come at any time.
    // Nothing is done where Python has none, or where ours is there already.
    void replace(int number, SignalHandler ours, std::atomic<SignalHandler>& python) {
        const SignalHandler before = read(number);
        if (before == SIG_DFL || before == SIG_IGN || before == SIG_ERR || before == ours) return;
        python.store(before);
        set(number, ours);
        number_ = number;
    }

    // Puts back what was replaced, if anything was.
    void restore() {
        if (number_ != 0) put_back();
        number_ = 0;
    }

 private:
#if defined(_WIN32)  // it forgets a handler when it calls it, and Python's puts itself back
    SignalHandler read(int number) { return before_ = signal(number, SIG_GET); }
    void set(int number, SignalHandler ours) { signal(number, ours); }
    void put_back() { signal(number_, before_); }

    SignalHandler before_ = SIG_DFL;
#else
    SignalHandler read(int number) {
        if (sigaction(number, nullptr, &before_) != 0 || (before_.sa_flags & SA_SIGINFO)) return SIG_ERR;
        return before_.sa_handler;
    }
    void set(int number, SignalHandler ours) {
        struct sigaction replacing = before_;
        replacing.sa_handler = ours;
        sigaction(number, &replacing, nullptr);
    }
    void put_back() { sigaction(number_, &before_, nullptr); }

    struct sigaction before_ = {};
#endif
    int number_ = 0;  // 0: nothing is replaced
};

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
        for (int i = 0; i < kSignals; ++i) signals_[i].replace(kNumbers[i], hear, python());
    }

    // Ends it: the handlers are those from before.
    void leave() {
        for (HandledSignal& each : signals_) each.restore();
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
    static constexpr int kSignals = 2;
    static constexpr int kNumbers[kSignals] = {SIGINT, SIGTERM};

    static std::atomic<std::atomic<bool>*>& heard_by() {
        static constinit std::atomic<std::atomic<bool>*> flag{nullptr};
        return flag;
    }
    static std::atomic<SignalHandler>& python() {
        static constinit std::atomic<SignalHandler> handler{nullptr};
        return handler;
    }
    static void hear(int number) {
        if (std::atomic<bool>* flag = heard_by().load()) flag->store(true);
        if (const SignalHandler next = python().load()) next(number);
    }

    std::atomic<bool> value_{false};
    HandledSignal signals_[kSignals];
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
