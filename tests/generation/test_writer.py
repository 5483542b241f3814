"""The pace of a writer: no call takes long, and a stop leaves the texts that are finished."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass, field

import numpy as np
import pytest

from unspool import GenerationOptions
from unspool._generation import pace
from unspool._generation.engine_request import EngineRequest
from unspool._generation.writer import generate, stream
from unspool._generation.written import TokenReport, Written

NOTHING = np.zeros(0, np.int32)


@dataclass
class SlowWriter:
    """A writer whose clock goes on by `seconds` for each token; sequence i ends after `lengths(i)` tokens."""

    seconds: float
    lengths: Callable[[int], int]
    now: float = 0.0
    calls: list[float] = field(default_factory=list)
    left: dict[int, int] = field(default_factory=dict)
    added: int = 0

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        ids = range(self.added, self.added + len(request.prompts))
        self.left |= {i: self.lengths(i) for i in ids}
        self.added = ids.stop
        return ids

    def advance(self, steps: int, *, whole: bool = False) -> Written:
        began = self.now
        self.now += self.seconds * sum(min(steps, left) for left in self.left.values())
        self.calls.append(self.now - began)
        over = [i for i, left in self.left.items() if left <= steps]
        self.left = {i: left - steps for i, left in self.left.items() if left > steps}
        tokens = np.array(over, np.int32) + 1
        report = TokenReport(np.arange(len(over) + 1), tokens, np.zeros(len(over), np.float32))
        return Written(np.array(over, np.int64), np.zeros(len(over), np.int32), report)

    def remove(self, sequence: int) -> bool:
        return self.left.pop(sequence, None) is not None

    def __len__(self) -> int:
        return len(self.left)


@pytest.fixture
def paced(monkeypatch: pytest.MonkeyPatch) -> Callable[[SlowWriter], SlowWriter]:
    def prepare(writer: SlowWriter) -> SlowWriter:
        monkeypatch.setattr(pace.time, "perf_counter", lambda: writer.now)
        return writer

    return prepare


def request_of(count: int) -> EngineRequest:
    return EngineRequest([NOTHING] * count, GenerationOptions(seed=0, max_new_tokens=10**6))


@pytest.mark.parametrize("seconds", [1e-7, 1e-5, 4e-4])
def test_a_call_is_short_for_networks_of_every_speed(
    seconds: float, paced: Callable[[SlowWriter], SlowWriter]
) -> None:
    writer = paced(SlowWriter(seconds, lambda _: 10**6))
    generate(writer, request_of(5000), stopped=lambda: writer.now > 2)
    assert max(writer.calls) <= 0.11
    assert np.median(writer.calls) > 0.02  # and not so short that the calls themselves cost time


def test_short_texts_do_not_make_the_calls_of_long_ones_after_them_long(
    paced: Callable[[SlowWriter], SlowWriter],
) -> None:
    writer = paced(SlowWriter(1e-6, lambda i: 3 if i < 20_000 else 10**6))
    generate(writer, request_of(25_000), stopped=lambda: writer.now > 2)
    assert writer.added > 20_000
    assert max(writer.calls) <= 0.4


def test_a_stop_leaves_the_first_texts_that_are_finished(paced: Callable[[SlowWriter], SlowWriter]) -> None:
    writer = paced(SlowWriter(1e-3, lambda i: 10**6 if i == 3 else 1))
    texts = generate(writer, request_of(10), stopped=lambda: True)
    assert [text.ids.tolist() for text in texts] == [[1], [2], [3]]
    assert len(writer) == 0  # the writer can be used again


def test_an_error_leaves_a_writer_that_can_be_used_again(paced: Callable[[SlowWriter], SlowWriter]) -> None:
    writer = paced(SlowWriter(1e-3, lambda _: 10**6))

    def interrupted() -> bool:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        generate(writer, request_of(10), stopped=interrupted)
    assert len(writer) == 0


@pytest.mark.parametrize("seconds", [1e-6, 1e-4, 4e-3])
def test_the_pieces_of_a_stream_are_a_hundredth_of_a_second_apart(
    seconds: float, paced: Callable[[SlowWriter], SlowWriter]
) -> None:
    writer = paced(SlowWriter(seconds, lambda _: 500_001))
    pieces = stream(writer, EngineRequest([NOTHING], GenerationOptions(seed=0, max_new_tokens=1)))
    list(itertools.islice(pieces, 100))
    assert writer.calls[0] == pytest.approx(seconds)  # one token, to show something at once
    assert max(writer.calls) <= 0.0101
    assert np.median(writer.calls) >= 0.0079


def test_a_long_prompt_of_a_stream_is_read_in_short_calls(
    paced: Callable[[SlowWriter], SlowWriter],
) -> None:
    writer = paced(SlowWriter(2e-4, lambda _: 90_001))
    prompt = np.ones(90_000, np.int32)
    options = GenerationOptions(seed=0, max_new_tokens=1)
    assert len(list(stream(writer, EngineRequest([prompt], options)))) == 1
    assert max(writer.calls) <= 0.11
