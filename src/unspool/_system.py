"""What unspool asks of the operating system where systems differ: no other module knows which one it is.

A function looks for what it needs, and not for the name of a system, wherever that can be done: a system
without it gets the portable way.
"""

import errno
import os
import signal
import sys
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:
    from mmap import mmap
    from socket import socket

GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")
OPEN_FILES = Path("/proc/self/fd")  # where Linux lets a file be named that has no name
PROCESSOR = Path("/proc/cpuinfo")

BINARY: int = getattr(os, "O_BINARY", 0)  # otherwise Windows changes line ends
NO_WAIT: int = getattr(os, "O_NONBLOCK", 0)
READ = os.O_RDONLY | BINARY | NO_WAIT | getattr(os, "O_NOCTTY", 0)
APPEND = os.O_RDWR | os.O_APPEND | os.O_CREAT | BINARY
FOLDER: int | None = getattr(os, "O_DIRECTORY", None)  # None: a folder cannot be opened, as on Windows
WINDOWS = os.name == "nt"
EXCHANGE = 2  # the flag of `renameat2` on Linux, and of `renamex_np` on macOS
LOCK_FILE = ".lock.000000000000.tmp"  # a name as `_storage` has for what is no content of a folder

READING = threading.Lock()  # a descriptor has one place, which all threads share
SECONDS_BETWEEN = 0.001  # two looks at a lock that another process has
MOST_TRIES, PAUSE = 50, 0.02  # of replacing a file that somebody has open; seconds between two


def available_processors() -> int:
    """Return the number of processors that this process may use."""
    allowed = getattr(os, "sched_getaffinity", None)
    return len(allowed(0)) if allowed is not None else os.cpu_count() or 1


def memory_size() -> int | None:
    """Return the bytes of memory that this process may use at most, or None where the system does not say.

    That is the memory of the machine, or the limit of the control group of the process, which is how a
    container is limited.
    """
    ask = getattr(os, "sysconf", None)
    if ask is None:
        return None
    try:
        machine: int = ask("SC_PHYS_PAGES") * ask("SC_PAGE_SIZE")
    except (OSError, ValueError):
        return None
    return min([machine, *_group_limits()]) if machine > 0 else None


def _group_limits() -> list[int]:
    """Return the memory limits of the control groups that a container sees as its own."""
    limits = []
    for path in GROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_bytes()))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return limits


def processor_words() -> list[str]:
    """Return the system's description of the first processor, in lines; empty if there is none."""
    if not PROCESSOR.exists():
        return []
    return PROCESSOR.read_bytes().decode("utf-8", "replace").split("\n\n")[0].splitlines()


def load_average() -> float | None:
    """Return how many processes ran or waited in the last minute, or None where the system does not count."""
    average = getattr(os, "getloadavg", None)
    return None if average is None else float(average()[0])


def others_may_read(descriptor: int) -> bool:
    """Return whether any user may read an open file, not only its owner and their group.

    It is False where files have no such modes.
    """
    return not WINDOWS and bool(os.fstat(descriptor).st_mode & 0o007)


def allow_open_files(count: int) -> int:
    """Allow this process more open files and connections, and return how many it may have.

    Args:
        count: The number that it would like.
    """
    if sys.platform == "win32":
        return count  # it has no such limit
    import resource  # Windows has none

    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = count if hard == resource.RLIM_INFINITY else min(count, hard)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        return most
    return count if soft == resource.RLIM_INFINITY else soft


def take_freed_port(listener: "socket") -> None:
    """Allow a socket a port whose last server has just ended; on Windows it would take one in use."""
    from socket import SO_REUSEADDR, SOL_SOCKET

    if not WINDOWS:
        listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)


def lock(descriptor: int, *, wait: bool) -> bool:
    """Lock an open file or folder against other processes; the lock ends with the process or the descriptor.

    Args:
        descriptor: The descriptor.
        wait: Whether to wait while another process has the lock.

    Returns:
        Whether it is locked; if not, another process has locked it.

    Raises:
        OSError: If the file system has no locks.
    """
    from filelock import lock_descriptor  # it takes longer to import than all of the core

    return lock_descriptor(descriptor, blocking=wait, poll_interval=SECONDS_BETWEEN)


def lock_to_append(descriptor: int) -> bool:
    """Wait until no other process appends to a file, and return whether it is locked.

    On Windows nobody could read a locked file, so that it is not locked there.
    """
    try:
        return not WINDOWS and lock(descriptor, wait=True)
    except OSError:
        return False


def open_folder_to_lock(folder: Path) -> int:
    """Open what is locked in place of a folder: itself, or a file in it that goes when it is closed.

    Raises:
        OSError: If it cannot be opened.
    """
    if FOLDER is not None:
        return os.open(folder, os.O_RDONLY | FOLDER)
    temporary = getattr(os, "O_TEMPORARY", 0)  # Windows removes the file at the end, also of a killed process
    return os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT | temporary, 0o666)


def sync_folder(folder: Path) -> None:
    """Force a folder's list of names to the disk, so that a new name survives a power cut.

    Windows opens no folder, and keeps such lists in a journal of its own.
    """
    if FOLDER is None:
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def remove_open(file: IO[bytes], path: Path) -> None:
    """Remove a file that this process has open; Windows does so only when it is closed.

    Raises:
        OSError: If it cannot be removed, on Windows also because another process has it open.
    """
    if WINDOWS:
        file.close()
    path.unlink()


def replace(source: Path, target: Path) -> None:
    """Rename a file to the name of another one, which goes.

    Windows refuses that while somebody reads the other one, so that it is tried for a second.

    Raises:
        OSError: If it is refused.
    """
    for _ in range(MOST_TRIES if WINDOWS else 0):
        with suppress(PermissionError):
            source.replace(target)
            return
        time.sleep(PAUSE)
    source.replace(target)


def exchange(first: Path, second: Path) -> bool:
    """Exchange the names of two files or folders in one step.

    Returns:
        Whether that was done: not every system and not every file system can do it.
    """
    import ctypes  # slow to import, and for a few calls only

    names = os.fsencode(first.absolute()), os.fsencode(second.absolute())
    for function, arguments in (("renameat2", (-1, names[0], -1, names[1])), ("renamex_np", names)):
        with suppress(AttributeError, OSError, TypeError):  # Windows has no library of all symbols
            call = getattr(ctypes.CDLL(None), function)
            return bool(call(*arguments, ctypes.c_uint(EXCHANGE)) == 0)
    return False


def unnamed_file() -> IO[bytes]:
    """Open a temporary file without a name, one that may get a name later where the system has such files."""
    import tempfile

    unnamed = getattr(os, "O_TMPFILE", None)
    if unnamed is not None and OPEN_FILES.exists():
        with suppress(OSError):  # the folder's disk has none
            return os.fdopen(os.open(tempfile.gettempdir(), unnamed | os.O_RDWR, 0o600), "w+b")
    return tempfile.TemporaryFile(prefix="unspool-")


def link_open_file(descriptor: int, path: Path) -> bool:
    """Add a name to an open file.

    Returns:
        Whether that was done: some systems cannot, and none can where the name lies on another disk.
    """
    try:
        folder = os.open(OPEN_FILES, os.O_RDONLY)
    except OSError:
        return False
    try:  # without the folder Python 3.11 would name the link in it, not the file
        os.link(str(descriptor), path, src_dir_fd=folder, follow_symlinks=True)
    except OSError:
        return False
    finally:
        os.close(folder)
    return True


def read_at(descriptor: int, place: int, size: int) -> bytes:
    """Read bytes of a file at a place; any number of threads may do so.

    Args:
        descriptor: The descriptor of the file.
        place: The byte to begin at.
        size: Number of bytes.
    """
    read = getattr(os, "pread", None)
    if read is not None:
        return bytes(read(descriptor, size, place))
    with READING:
        os.lseek(descriptor, place, os.SEEK_SET)
        return os.read(descriptor, size)


def mapped_bytes(file: IO[bytes]) -> "mmap | bytes":
    """Return the bytes of a file, mapped into memory; Windows could not replace a mapped file: it reads."""
    if WINDOWS:
        file.seek(0)
        return file.read()
    from mmap import ACCESS_READ, mmap

    return mmap(file.fileno(), 0, access=ACCESS_READ)


def release_pages(mapped: "mmap") -> None:
    """Release the memory that reading a mapped file has filled, where the system can do so."""
    if sys.platform != "win32":
        from mmap import MADV_DONTNEED

        mapped.madvise(MADV_DONTNEED)


def relative_path(path: str, folder: Path) -> str:
    """Return a path as it is seen from a folder, with ``/`` between its names.

    On Windows none leads from one drive to another: then the path is a whole one.
    """
    try:
        return os.path.relpath(path, folder).replace(os.sep, "/")
    except ValueError:
        return str(Path(path).absolute())


def is_closed_pipe(error: OSError) -> bool:
    """Return whether an error of writing to a stream says that nobody reads it any more."""
    nameless = error.filename is None and error.errno == errno.EINVAL  # the words of Windows for it
    return isinstance(error, BrokenPipeError) or (WINDOWS and nameless)


def stream_settings(*, terminal: bool) -> Mapping[str, Any]:
    """Return what a standard stream needs to write a text unchanged.

    Windows would write to a file or a pipe in the encoding of its region, with other line ends.

    Args:
        terminal: Whether the stream is a terminal, which knows its own encoding.
    """
    return {"encoding": "utf-8", "newline": "\n"} if WINDOWS and not terminal else {}


def apart() -> dict[str, Any]:
    """Return the options of a process that Ctrl-C does not reach."""
    if sys.platform == "win32":
        from subprocess import CREATE_NEW_PROCESS_GROUP

        return {"creationflags": CREATE_NEW_PROCESS_GROUP}
    return {"process_group": 0}


def on_its_own() -> dict[str, Any]:
    """Return the options of a process that goes on when this one and its terminal are gone."""
    return apart() if WINDOWS else {"start_new_session": True}


def interrupt(process: int) -> None:
    """Interrupt a process as Ctrl-C does.

    Args:
        process: Its number.

    Raises:
        ProcessLookupError: If there is none.
    """
    os.kill(process, getattr(signal, "CTRL_BREAK_EVENT", signal.SIGINT))


def inheriting(connection: Any) -> dict[str, Any]:
    """Return the options of a process that inherits a connection."""
    number = connection.fileno()
    if sys.platform == "win32":
        from subprocess import STARTUPINFO

        os.set_handle_inheritable(number, True)
        return {"startupinfo": STARTUPINFO(lpAttributeList={"handle_list": [number]})}
    return {"pass_fds": [number]}


def inherited_connection(number: int) -> Any:
    """Return the end of a connection that this process has inherited.

    Args:
        number: What `Connection.fileno` gave in the parent.
    """
    if sys.platform == "win32":
        from multiprocessing.connection import PipeConnection

        return PipeConnection(number)
    from multiprocessing.connection import Connection

    return Connection(number)


def limit_resources(*, seconds: int, memory: int) -> None:
    """Limit what this process may take from now on, where the system can do that.

    Args:
        seconds: Time of a processor.
        memory: Bytes of addresses.
    """
    if sys.platform == "win32":
        return
    import resource  # Windows has none

    limits = {"RLIMIT_CPU": seconds, "RLIMIT_AS": memory, "RLIMIT_CORE": 0}
    for name, most in limits.items():
        with suppress(AttributeError, OSError, ValueError):
            resource.setrlimit(getattr(resource, name), (most, most))
