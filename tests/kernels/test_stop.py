"""A native call gives up once the flag is set: in its middle, with any threads, and it leaves no trace."""

import ctypes
import os
import signal
import sys
import threading
import time

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._kernels.precision import PRECISIONS
from unspool._kernels.stop import StopFlag, StoppedError
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window
from unspool._training.interrupts import stop_on_interrupt


class LongStep:
    """A training step of some duration."""

    def __init__(
        self,
        *,
        lanes: int = 16,
        steps: int = 128,
        threads: int = 2,
        precision: str = "float32",
        **network: object,
    ) -> None:
        config = NetworkConfig(**{"hidden_size": 256, "num_layers": 2, "vocab_size": 41, **network})
        self.engine = CpuEngine(config, threads=threads, precision=precision)
        self.parameters = initialize(config, 0)
        ids = np.random.default_rng(0).integers(1, 41, (steps, lanes)).astype(np.int32)
        self.window, self.state = Window(ids, ids), self.engine.initial_state(lanes)

    def __call__(self) -> tuple[float, dict[str, bytes], bytes]:
        loss, gradients, state = self.engine.loss_and_gradients(
            self.parameters, self.window, self.state, reset_id=40
        )
        return loss.total, {name: a.tobytes() for name, a in gradients.items()}, state.tobytes()

    def repeat(self) -> None:
        """Make steps until a stop: whenever it comes, some step is under way."""
        while True:
            self()


@pytest.mark.parametrize("lanes", [1, 24])
@pytest.mark.parametrize("threads", [1, 2, 3])
@pytest.mark.parametrize(
    "network", [{}, {"hidden_size": 200}, {"cell": "gru", "reset_after": False, "embedding_size": 24}]
)
def test_an_abandoned_step_leaves_no_trace(lanes: int, threads: int, network: dict[str, object]) -> None:
    step = LongStep(lanes=lanes, threads=threads, steps=32, **network)
    began = time.perf_counter()
    whole = step()
    seconds = time.perf_counter() - began
    for share in (0.0, 0.2, 0.5, 0.8):
        flag = StopFlag()
        later = threading.Timer(share * seconds, flag.set)
        later.start()
        with pytest.raises(StoppedError), flag.abandoning():
            step.repeat()
        later.join()
        assert not step.state.any()
    assert step() == whole  # outside, the flag means nothing


@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_step_ends_soon_after_a_signal(precision: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    step = LongStep(lanes=32, precision=precision)
    began = time.perf_counter()
    step()
    seconds = time.perf_counter() - began
    for share in (0.2, 0.8):
        sent: list[float] = []

        def interrupt(sent: list[float] = sent) -> None:
            sent.append(time.perf_counter())
            os.kill(os.getpid(), signal.SIGINT)

        later = threading.Timer(share * seconds, interrupt)
        with stop_on_interrupt() as flag:
            later.start()
            with pytest.raises(StoppedError), flag.abandoning():
                step.repeat()
            heard = time.perf_counter() - sent[0]
            later.join()
        assert heard < max(0.1, 0.25 * seconds)


def test_other_calls_give_up_as_well() -> None:
    step, flag = LongStep(steps=2), StopFlag()
    flag.set()
    request = EngineRequest([np.array([40], np.int32)], GenerationOptions(max_new_tokens=3))
    calls = (
        lambda: step.engine.token_losses(step.parameters, step.window, step.state, reset_id=40),
        lambda: step.engine.logits(step.parameters, step.window.ids, step.state),
        lambda: generate(step.engine.writer(step.parameters), request),
    )
    for call in calls:
        with pytest.raises(StoppedError), flag.abandoning():
            call()
        call()


def test_the_handlers_of_the_system_come_back() -> None:
    before = signal.getsignal(signal.SIGINT)
    heard: list[int] = []
    signal.signal(signal.SIGINT, lambda number, frame: heard.append(number))
    try:
        first, second = StopFlag(), StopFlag()
        with first.set_by_signals(), second.set_by_signals():
            os.kill(os.getpid(), signal.SIGINT)
        assert (first(), second(), heard) == (False, True, [signal.SIGINT])
        fresh = StopFlag()
        os.kill(os.getpid(), signal.SIGINT)
        assert (fresh(), len(heard)) == (False, 2)
    finally:
        signal.signal(signal.SIGINT, before)


def handler_of_the_system() -> int | None:
    """Return the address of what the system calls at SIGINT."""
    action = (ctypes.c_void_p * 64)()  # more room than any system's own; the handler comes first
    assert ctypes.CDLL(None).sigaction(signal.SIGINT, None, action) == 0
    return action[0]


@pytest.mark.skipif(sys.platform == "win32", reason="the system has no sigaction")
def test_the_system_calls_what_it_called_before() -> None:
    python = handler_of_the_system()
    for _ in range(2):
        with StopFlag().set_by_signals():
            ours = handler_of_the_system()
            assert ours != python
            with StopFlag().set_by_signals():
                assert handler_of_the_system() == ours
            assert handler_of_the_system() == ours
        assert handler_of_the_system() == python


def test_a_signal_without_a_handler_in_python_is_left_alone() -> None:
    before = signal.signal(signal.SIGTERM, signal.SIG_IGN)
    try:
        flag = StopFlag()
        with flag.set_by_signals():
            os.kill(os.getpid(), signal.SIGTERM)
        assert not flag()
    finally:
        signal.signal(signal.SIGTERM, before)
