"""A request to stop that a running native call hears, within milliseconds."""

from collections.abc import Iterator
from contextlib import contextmanager

from unspool import _native

StoppedError = _native.StoppedError


class StopFlag:
    """A flag that makes native calls give up once it is set.

    Python runs the handler of a signal only between two native calls, and one step of a large network takes
    seconds. So the flag is set by the handler of the system, and the kernels read it.

    Example:
        >>> flag = StopFlag()
        >>> flag()
        False
    """

    def __init__(self) -> None:
        self._native = _native.StopFlag()

    def __call__(self) -> bool:
        """Return whether the flag is set."""
        return self._native.is_set()

    def set(self) -> None:
        """Set the flag."""
        self._native.set()

    @contextmanager
    def set_by_signals(self) -> Iterator[None]:
        """Make SIGINT and SIGTERM set the flag as soon as they arrive; their handlers in Python run as well.

        It has no effect on a signal without a handler in Python. Where two flags do this, the later one has
        the signals.
        """
        self._native.listen()
        try:
            yield
        finally:
            self._native.leave()

    @contextmanager
    def abandoning(self) -> Iterator[None]:
        """Make the native calls of this thread give up with a StoppedError once the flag is set.

        The results of an abandoned call are lost: everything that it writes to holds other values then.
        """
        self._native.obey()
        try:
            yield
        finally:
            self._native.disobey()
