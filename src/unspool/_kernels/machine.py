"""The instruction sets, threads and memory of the machine."""

import os
from functools import lru_cache
from pathlib import Path

from unspool import _native
from unspool._configuration import check, is_whole
from unspool._errors import ConfigError

GROUP_LIMITS = ("/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes")


def kernel_names() -> tuple[str, ...]:
    """Return the instruction sets that this processor and this build have, the best one first."""
    return tuple(_native.kernel_names())


def chosen_kernels() -> str:
    """Return the name of the kernels in use: ``UNSPOOL_KERNELS`` or the best ones.

    Raises:
        ConfigError: If the environment variable names kernels that this machine does not have.
    """
    name = os.environ.get("UNSPOOL_KERNELS") or kernel_names()[0]
    if name not in kernel_names():
        raise ConfigError(
            "environment variable UNSPOOL_KERNELS",
            expected=f"one of {', '.join(kernel_names())} on this processor",
            got=repr(name),
            hint="unset it to take the best ones",
        )
    return name


def default_threads() -> int:
    """Return the number of processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def memory_size() -> int | None:
    """Return the bytes of memory that this process may use at most, or None where the system does not say.

    That is the memory of the machine, or the limit of the control group of the process, which is how a
    container is limited.
    """
    try:
        machine = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # Windows has no sysconf
        return None
    return min([machine, *_group_limits()]) if machine > 0 else None


def _group_limits() -> list[int]:
    """Return the memory limits of the control groups that a container sees as its own."""
    limits = []
    for path in GROUP_LIMITS:
        try:
            limits.append(int(Path(path).read_text("ascii")))
        except (OSError, ValueError):  # no such file, or the word "max"
            continue
    return limits


@lru_cache(maxsize=8)
def thread_team(threads: int) -> _native.ThreadTeam:
    """Return the team of that many threads; later calls return the same team.

    Args:
        threads: Number of threads, ≥ 1.

    Raises:
        ConfigError: If the number is below 1, or the system does not allow that many threads.
    """
    check("threads", threads, "a whole number ≥ 1", is_whole(threads, least=1))
    try:
        return _native.ThreadTeam(threads)
    except RuntimeError as error:
        raise ConfigError(
            "threads", expected="as many as the system allows", got=f"{threads} ({error})"
        ) from None
