"""Ctrl-C leaves a call that hears no signal, and the call ends by itself."""

import os
import signal
import threading
from collections.abc import Callable

import numpy as np
import pytest

from unspool._interruptible import GivenUpError, check_wanted, interruptible, while_wanted
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize


class Deaf:
    """Work that lasts until it is let go, whatever signals come; Ctrl-C is pressed once it has begun."""

    def __init__(self) -> None:
        self.working, self.free, self.over = (threading.Event() for _ in range(3))

    def __call__(self, *arguments: object) -> None:
        self.working.set()
        self.free.wait(60)
        self.over.set()

    def press(self) -> None:
        if self.working.wait(60):
            os.kill(os.getpid(), signal.SIGINT)

    def is_left_by(self, call: Callable[[], object]) -> bool:
        """Whether Ctrl-C ends a call while the work in it still goes on."""
        pressing = threading.Thread(target=self.press)
        pressing.start()
        with pytest.raises(KeyboardInterrupt):
            call()
        left = not self.over.is_set()
        pressing.join()
        self.free.set()
        return left and self.over.wait(60)


def test_the_result_comes_back_and_no_thread_is_left() -> None:
    threads = threading.active_count()
    assert interruptible(lambda: 2 + 3) == 5
    assert threading.active_count() == threads


def test_an_error_comes_back() -> None:
    with pytest.raises(ZeroDivisionError):
        interruptible(lambda: 1 // 0)


def test_work_that_hears_nothing_is_left() -> None:
    deaf = Deaf()
    assert deaf.is_left_by(lambda: interruptible(deaf))


def test_first_values_are_left(monkeypatch: pytest.MonkeyPatch) -> None:
    deaf = Deaf()
    monkeypatch.setattr(np.linalg, "qr", deaf)
    assert deaf.is_left_by(lambda: initialize(NetworkConfig(hidden_size=4, vocab_size=5), 0))


def test_work_that_nobody_waits_for_ends_where_it_looks() -> None:
    answers = iter((False, False, True))
    done: list[int] = []

    def work(step: int) -> None:
        while True:
            check_wanted()
            done.append(step)

    with pytest.raises(GivenUpError):
        while_wanted(lambda: next(answers), work, 7)
    assert done == [7]  # the first look comes before the work
    check_wanted()  # nobody can give up what comes after it


def test_work_that_is_waited_for_brings_its_result() -> None:
    assert while_wanted(lambda: False, pow, 2, 5) == 32
