"""Long calls that are left: by Ctrl-C, and by whoever waited for work on a thread and waits no more."""

from collections.abc import Callable
from contextvars import ContextVar
from typing import TypeVar

Result = TypeVar("Result")
_is_given_up: ContextVar[Callable[[], bool]] = ContextVar("is_given_up")
PATIENCE = 0.1  # seconds between two looks for a signal that came just before a wait and did not end it


def interruptible(work: Callable[[], Result]) -> Result:
    """Do some work in a thread of its own, and return its result.

    Python runs the handler of a signal between two of its own steps, and only in the main thread; a call of
    LAPACK is one step of many seconds. The main thread only waits here, and so hears a signal at once. If its
    handler raises an error, the work is left to its thread, which ends with it.

    Args:
        work: The work; it must not change anything that is used after an error.

    Example:
        >>> interruptible(lambda: 2 + 3)
        5
    """
    from concurrent.futures import ThreadPoolExecutor, wait  # noqa: PLC0415 - slow to import, and seldom needed

    pool = ThreadPoolExecutor(1)
    working = pool.submit(work)
    try:
        while wait([working], PATIENCE).not_done:
            pass
        return working.result()
    finally:
        pool.shutdown(wait=working.done())


class GivenUpError(Exception):
    """Nobody waits any more for what is being computed."""


def while_wanted(is_given_up: Callable[[], bool], work: Callable[..., Result], *arguments: object) -> Result:
    """Do some work, which `check_wanted` ends in this thread once it is given up, and return its result.

    Args:
        is_given_up: Whether nobody waits for the result any more.
        work: The work.
        *arguments: Its arguments.

    Raises:
        GivenUpError: If it was given up before it was done.
    """
    token = _is_given_up.set(is_given_up)
    try:
        check_wanted()
        return work(*arguments)
    finally:
        _is_given_up.reset(token)


def check_wanted() -> None:
    """Check that somebody waits for the work of this thread; work that nobody can give up is always wanted.

    Raises:
        GivenUpError: If it was given up.
    """
    is_given_up = _is_given_up.get(None)
    if is_given_up is not None and is_given_up():
        raise GivenUpError
