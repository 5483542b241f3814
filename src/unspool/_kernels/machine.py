"""The instruction sets of the machine, and its teams of threads."""

import os
from functools import lru_cache

from unspool import _native
from unspool._configuration import check, is_whole
from unspool._errors import ConfigError
from unspool._system import available_processors

MOST_ON_A_PROCESSOR = 4  # threads


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


def thread_team(threads: int) -> _native.ThreadTeam:
    """Return the team of that many threads, or of as many as are of use; later calls return the same team.

    Args:
        threads: Number of threads, ≥ 1.

    Raises:
        ConfigError: If the number is below 1, or the system does not allow that many threads.
    """
    check("threads", threads, "a whole number ≥ 1", is_whole(threads, least=1))
    return _team(useful_threads(threads))


def useful_threads(threads: int) -> int:
    """Return how many threads to use where so many are asked for.

    What is computed does not depend on it, and threads that share a step meet several times in it: where
    many of them have one processor, a step is nothing but waiting.
    """
    return min(threads, MOST_ON_A_PROCESSOR * available_processors())


@lru_cache(maxsize=8)
def _team(threads: int) -> _native.ThreadTeam:
    try:
        return _native.ThreadTeam(threads)
    except RuntimeError as error:
        raise ConfigError(
            "threads", expected="as many as the system allows", got=f"{threads} ({error})"
        ) from None
