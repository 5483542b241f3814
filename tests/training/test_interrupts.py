import os
import signal
import threading

import pytest

from unspool._training.interrupts import stop_on_interrupt


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_raises_the_flag_and_nothing_else(number: signal.Signals) -> None:
    before = signal.getsignal(number)
    with stop_on_interrupt() as stop_requested:
        assert not stop_requested()
        os.kill(os.getpid(), number)
        assert stop_requested()
    assert signal.getsignal(number) is before


def test_a_second_interrupt_is_immediate() -> None:
    with stop_on_interrupt():
        os.kill(os.getpid(), signal.SIGINT)
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGINT) is signal.default_int_handler


def test_another_thread_just_never_stops() -> None:
    seen: list[bool] = []

    def work() -> None:
        with stop_on_interrupt() as stop_requested:
            seen.append(stop_requested())

    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [False]
