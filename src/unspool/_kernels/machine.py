"""The instruction sets and threads of the machine, for the kernels."""

import os
from functools import lru_cache

from unspool import _native
from unspool._errors import ConfigError


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


@lru_cache(maxsize=8)
def thread_team(threads: int) -> _native.ThreadTeam:
    """Return the team of that many threads; later calls return the same team.

    Raises:
        ConfigError: If the system does not allow that many threads.
    """
    try:
        return _native.ThreadTeam(threads)
    except RuntimeError as error:
        raise ConfigError(
            "threads", expected="as many as the system allows", got=f"{threads} ({error})"
        ) from None
