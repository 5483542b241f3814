"""Long calls into other libraries, which Ctrl-C leaves at once."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor, wait
from typing import TypeVar

Result = TypeVar("Result")
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
    pool = ThreadPoolExecutor(1)
    working = pool.submit(work)
    try:
        while wait([working], PATIENCE).not_done:
            pass
        return working.result()
    finally:
        pool.shutdown(wait=working.done())
