// The duties of native code towards the interpreter that calls it: at its lock, and at its end.
#pragma once

#include <Python.h>

namespace unspool {

// Takes the interpreter's lock back.
//
// Where the interpreter has ended meanwhile, CPython (3.11 to 3.13) ends a daemon thread that wants the lock
// back by pthread_exit. That unwinds the stack and would end the whole process at the first function that is
// noexcept, as those of the binding are. So the thread stops here instead, as it does in CPython 3.14.
void take_lock_back(PyThreadState* state);

// Releases the interpreter's lock for its lifetime, so that other Python threads run.
class WithoutLock {
 public:
    WithoutLock() : state_(PyEval_SaveThread()) {}
    WithoutLock(const WithoutLock&) = delete;
    WithoutLock& operator=(const WithoutLock&) = delete;
    ~WithoutLock() { take_lock_back(state_); }

 private:
    PyThreadState* const state_;
};

}  // namespace unspool
