"""Ctrl-C as a polite request: the loop finishes its step and saves before it stops."""

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def stop_on_interrupt() -> Iterator[Callable[[], bool]]:
    """Turn the first SIGINT or SIGTERM into a flag, and a second SIGINT into a KeyboardInterrupt.

    The earlier handlers are restored at the end. Outside the main thread Python allows no handlers, and the
    flag is never set.

    Yields:
        A function that returns whether a stop was requested, for `train_loop`.
    """
    requested = threading.Event()

    def note(number: int, frame: FrameType | None) -> None:
        if requested.is_set() and number == signal.SIGINT:
            raise KeyboardInterrupt
        requested.set()

    if threading.current_thread() is not threading.main_thread():
        yield requested.is_set
        return
    before = {number: signal.signal(number, note) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield requested.is_set
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
