// The duties of native code towards the interpreter that calls it: at its lock, and at its end.
#pragma once

#include <Python.h>
#include <unistd.h>

namespace unspool {

// Releases the interpreter's lock for its lifetime, so that other Python threads run.
//
// Where the interpreter has ended meanwhile, CPython (3.11 to 3.13) ends a daemon thread that wants the lock
// back by pthread_exit. That unwinds the stack and would end the whole process at the first function that is
// noexcept, as those of the binding are. So the thread stops here instead, as it does in CPython 3.14.
class WithoutLock {
 public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;
    ~WithoutLock() {
        try {
            PyEval_RestoreThread(state_);
        } catch (...) {  // the unwinding of pthread_exit; it may neither go on nor be swallowed
            for (;;) pause();
        }
    }

 private:
    PyThreadState* const state_;
};

}  // namespace unspool
