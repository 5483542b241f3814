// Stands between a process and the system (LD_PRELOAD): it counts the calls that change or open what lies
// below one folder, and lets a chosen one fail, be done in part, or be the last thing that the process does.
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { kHalf = -1, kKill = -2, kMostNames = 1 << 14 };

static char folder[4096];
static size_t folder_length;
static atomic_long calls;
static long turn = -1, turns_that_fail;
static int fault;
static const char* names[kMostNames];

void failing_watch(const char* path) {
    snprintf(folder, sizeof folder, "%s", path);
    folder_length = strlen(folder);
}

// The calls from number `first` fail, `count` of them, by `what`: an error's number, kHalf or kKill.
void failing_arm(long first, long count, int what) {
    calls = 0;
    turn = first;
    turns_that_fail = count;
    fault = what;
}

long failing_calls(void) { return calls; }

const char* failing_name(long number) { return number < kMostNames ? names[number] : "?"; }

static int is_below(const char* path) {
    return folder_length && path && !strncmp(path, folder, folder_length) &&
           (path[folder_length] == '/' || path[folder_length] == 0 || path[folder_length] == ' ');
}

static int file_is_below(int descriptor) {
    char link[64], path[4096];
    if (!folder_length) return 0;
    snprintf(link, sizeof link, "/proc/self/fd/%d", descriptor);
    const ssize_t length = readlink(link, path, sizeof path - 1);
    if (length < 0) return 0;
    path[length] = 0;
    return is_below(path);
}

// Counts a call; returns 0, kHalf, or the number of the error with which it fails.
static int next(const char* name) {
    const long number = atomic_fetch_add(&calls, 1);
    if (number < kMostNames) names[number] = name;
    if (turn < 0 || number < turn || number >= turn + turns_that_fail) return 0;
    if (fault == kKill) kill(getpid(), SIGKILL);
    return fault;
}

#define REAL(name) ((__typeof__(&name))dlsym(RTLD_NEXT, #name))

// A call that is done as a whole or fails.
#define WHOLE(result, name, parameters, arguments, below)          \
    result name parameters {                                       \
        if (below) {                                               \
            const int error = next(#name);                         \
            if (error) return errno = error > 0 ? error : EIO, -1; \
        }                                                          \
        return REAL(name) arguments;                               \
    }

// A call that may be done in part.
#define IN_PARTS(name, parameters, arguments)          \
    ssize_t name parameters {                          \
        if (file_is_below(descriptor)) {               \
            const int error = next(#name);             \
            if (error > 0) return errno = error, -1;   \
            if (error == kHalf && size > 1) size /= 2; \
        }                                              \
        return REAL(name) arguments;                   \
    }

#define OPENING(name, parameters, arguments, below)                                   \
    int name parameters {                                                             \
        va_list rest;                                                                 \
        va_start(rest, flags);                                                        \
        const mode_t mode = flags & (O_CREAT | O_TMPFILE) ? va_arg(rest, mode_t) : 0; \
        va_end(rest);                                                                 \
        if (below) {                                                                  \
            const int error = next(#name);                                            \
            if (error) return errno = error > 0 ? error : EIO, -1;                    \
        }                                                                             \
        return REAL(name) arguments;                                                  \
    }

// A call that waits for the disk; none does here, since the power stays on.
#define SYNCING(name)                                                  \
    int name(int descriptor) {                                         \
        if (!file_is_below(descriptor)) return REAL(name)(descriptor); \
        const int error = next(#name);                                 \
        return error ? (errno = error > 0 ? error : EIO, -1) : 0;      \
    }

OPENING(open, (const char* path, int flags, ...), (path, flags, mode), is_below(path))
OPENING(open64, (const char* path, int flags, ...), (path, flags, mode), is_below(path))
OPENING(openat, (int at, const char* path, int flags, ...), (at, path, flags, mode), is_below(path))
OPENING(openat64, (int at, const char* path, int flags, ...), (at, path, flags, mode), is_below(path))
IN_PARTS(write, (int descriptor, const void* data, size_t size), (descriptor, data, size))
IN_PARTS(pwrite, (int descriptor, const void* data, size_t size, off_t at), (descriptor, data, size, at))
IN_PARTS(pwrite64, (int descriptor, const void* data, size_t size, off64_t at), (descriptor, data, size, at))
SYNCING(fsync)
SYNCING(fdatasync)
WHOLE(int, ftruncate, (int descriptor, off_t size), (descriptor, size), file_is_below(descriptor))
WHOLE(int, ftruncate64, (int descriptor, off64_t size), (descriptor, size), file_is_below(descriptor))
WHOLE(int, truncate, (const char* path, off_t size), (path, size), is_below(path))
WHOLE(int, truncate64, (const char* path, off64_t size), (path, size), is_below(path))
WHOLE(int, rename, (const char* from, const char* to), (from, to), is_below(to))
WHOLE(int, renameat, (int at, const char* from, int below, const char* to), (at, from, below, to),
      is_below(to))
WHOLE(int, renameat2, (int at, const char* from, int below, const char* to, unsigned flags),
      (at, from, below, to, flags), is_below(to))
WHOLE(int, link, (const char* from, const char* to), (from, to), is_below(to))
WHOLE(int, linkat, (int at, const char* from, int below, const char* to, int flags),
      (at, from, below, to, flags), is_below(to))
WHOLE(int, mkdir, (const char* path, mode_t mode), (path, mode), is_below(path))
WHOLE(int, unlink, (const char* path), (path), is_below(path))
WHOLE(int, unlinkat, (int at, const char* path, int flags), (at, path, flags), file_is_below(at))
WHOLE(int, rmdir, (const char* path), (path), is_below(path))
