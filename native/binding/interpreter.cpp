// Compiled without exceptions: pthread_exit then comes to the handler below by a jump, before it asks any
// frame of this module how to unwind. The C++ runtime of a module may be its own copy, which does not know
// the unwinder that pthread_exit uses.
#include "binding/interpreter.h"

#if !defined(_WIN32)  // there a thread ends without unwinding
#include <pthread.h>
#include <unistd.h>
#endif

namespace unspool {

#if defined(_WIN32)
void take_lock_back(PyThreadState* state) { PyEval_RestoreThread(state); }
#else
static void stop_for_ever(void*) {
    for (;;) pause();
}

[[gnu::noinline]] void take_lock_back(PyThreadState* state) {
    pthread_cleanup_push(stop_for_ever, nullptr);
    PyEval_RestoreThread(state);
    pthread_cleanup_pop(0);
}
#endif

}  // namespace unspool
