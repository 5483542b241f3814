"""Ctrl-C as a polite request: the loop leaves the work at hand, and saves before it stops."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

from unspool._kernels.stop import StopFlag


@contextmanager
def stop_on_interrupt() -> Iterator[StopFlag]:
    """Turn the first SIGINT or SIGTERM into a flag, and a second SIGINT into a KeyboardInterrupt.

    The earlier handlers are restored at the end. Outside the main thread Python allows no handlers, and the
    flag is never set.

    Yields:
        The flag, for `train_loop`. It is set as soon as the signal arrives, also during a native call.
    """
    requested, handled = StopFlag(), threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if handled.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        handled.set()
        requested.set()

    if threading.current_thread() is not threading.main_thread():
        yield requested
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        with requested.set_by_signals():
            yield requested
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
