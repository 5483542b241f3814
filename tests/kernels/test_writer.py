"""The face of the native writer refuses what the loop would take for something else."""

import threading
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._kernels.writer import Automaton, NativeWriter
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

CONFIG = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=6)
AUTOMATON = Automaton(
    classes=np.zeros(6, np.int32), transitions=np.zeros((1, 1), np.int32), distance=np.zeros(1, np.int32)
)


def writer(parameters: Any = None) -> NativeWriter:
    engine = CpuEngine(CONFIG, threads=1)
    return NativeWriter(engine._network, initialize(CONFIG, 0) if parameters is None else parameters)


def write(**changes: Any) -> dict[str, Any]:
    what: dict[str, Any] = {
        "prompts": [np.array([1], np.int32)],
        "keys": np.zeros(1, np.uint64),
        "start": None,
        "max_new_tokens": 3,
        "end_id": 5,
        "guide": AUTOMATON,
        "guide_states": np.zeros(1, np.int32),
        "stop": AUTOMATON,
    }
    writing = writer()
    writing.add(**{**what, **changes})
    return writing.advance(9)


def test_what_fits_runs() -> None:
    assert write()["finish"].tolist() == [1]
    assert write(prompts=[])["ids"].tolist() == []
    assert write(alternatives=5)["widths"].tolist() == [5]
    assert write(penalties=[("dry_multiplier", [1, 2, 1, 0, 1, 3, 2, 4, 1])])["finish"].tolist() == [1]


@pytest.mark.parametrize(
    "changes",
    [
        {"prompts": [np.empty(0, np.int32)]},
        {"prompts": [np.array([6], np.int32)]},
        {"prompts": [np.array([1], np.int64)]},
        {"prompts": [np.array([-1], np.int32)]},
        {"keys": np.zeros(2, np.uint64)},
        {"start": np.zeros((1, 1, 1, 5), np.float32)},
        {"start": np.zeros((2, 1, 1, 4), np.float32)},
        {"first_bias": np.zeros(5, np.float32)},
        {"guide_states": None},
        {"guide_states": np.ones(1, np.int32)},
        {"alternatives": 6},
        {"alternatives": 0},
        {"end_id": 6},
        {"end_id": -1},
        {"penalties": [("dry_multiplier", [1, 2, 1, 0, 2, 3])]},  # a breaker of two ids, and one is there
        {"penalties": [("dry_multiplier", [1, 2, 1, 0, -1, 3])]},
    ],
    ids=str,
)
def test_sequences_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        write(**changes)


@pytest.mark.parametrize(
    "changes",
    [
        {"classes": np.ones(6, np.int32)},
        {"classes": np.zeros(5, np.int32)},
        {"transitions": np.ones((1, 1), np.int32)},
        {"transitions": np.zeros((1, 1), np.int64)},
        {"distance": np.zeros(2, np.int32)},
        {"start": 1},
    ],
    ids=str,
)
def test_automata_that_do_not_fit_are_refused(changes: dict[str, Any]) -> None:
    with pytest.raises(ValueError, match="expected"):
        write(guide=replace(AUTOMATON, **changes))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"penalties": [("logit_bias", [6, 1.0])]}, "logit_bias: expected a number from 0 to 5"),
        ({"penalties": [("min_tokens", [])]}, "min_tokens: expected numbers"),
        ({"samplers": [("temperature", [5])]}, "temperature: expected numbers"),
        ({"samplers": [("xtc_probability", [0.5])]}, "xtc_probability: expected numbers"),
        ({"penalties": [("dry_multiplier", [0.5, 1.75, 2])]}, "dry_multiplier: expected numbers"),
        ({"penalties": [("logit_bias", [3])]}, "logit_bias: expected numbers, at least 2"),
        ({"samplers": [("top_q", [0.5])]}, "no stage named top_q"),
        ({"penalties": [("top_p", [0.5])]}, "no stage named top_p"),
    ],
    ids=str,
)
def test_stages_that_do_not_fit_are_refused(changes: dict[str, Any], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        write(**changes)


MOST = 2147483647.0


@pytest.mark.parametrize(
    ("kind", "name", "more", "least"),
    [
        ("samplers", "temperature", [0.5], 1.0),
        ("samplers", "top_k", [], 1.0),
        ("penalties", "no_repeat_ngram_size", [], 1.0),
    ],
)
def test_the_first_number_of_a_stage_has_limits(
    kind: str, name: str, more: list[float], least: float
) -> None:
    for first in (least, MOST):
        assert write(**{kind: [(name, [first, *more])]})["ids"].tolist() == [0]
    for first in (np.nextafter(least, 0), np.nextafter(MOST, np.inf), np.nan):
        with pytest.raises(ValueError, match=f"{name}: expected a first number from 1"):
            write(**{kind: [(name, [first, *more])]})


@pytest.mark.parametrize("V", [3, 8, 17])
@pytest.mark.parametrize("echo", [False, True])
def test_logits_overflow_above_a_limit(V: int, echo: bool) -> None:
    """The logits are the bias alone; each text reads a token after its first one, and draws two."""
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=V)
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    network = CpuEngine(config, threads=1)._network
    limit = np.float32(1e30)
    above = np.nextafter(limit, np.float32(np.inf))
    for token in {1, V // 2, V - 1}:
        for logit, finish in ((limit, 0), (-limit, 0), (above, 4), (-above, 4), (np.nan, 4), (-np.inf, 4)):
            parameters["output.bias"] = np.zeros(V, np.float32)
            parameters["output.bias"][token] = logit
            writing = NativeWriter(network, parameters)
            writing.add(
                prompts=[np.array([1, 2], np.int32)], keys=np.zeros(1, np.uint64), start=None,
                max_new_tokens=2, end_id=None, echo=echo,
            )  # fmt: skip
            news = writing.advance(9)
            assert news["finish"].tolist() == [finish]
            assert not echo or news["echo"]["offsets"].tolist() == [0, int(finish == 0)]


def test_a_long_repetition_is_penalized_by_a_finite_number() -> None:
    """Symbol 3 alone may be drawn: 10^30 · 10^8 is finite, and what is more than that ends no text."""
    never = [number for token in (1, 2, 4, 5) for number in (token, -np.inf)]
    writing = writer()
    writing.add(
        prompts=[np.array([1], np.int32)], keys=np.zeros(1, np.uint64), start=None, max_new_tokens=70,
        end_id=None, penalties=[("logit_bias", never), ("dry_multiplier", [1e8, 10.0, 1, 0])],
    )  # fmt: skip
    news = writing.advance(99)
    assert (news["finish"].tolist(), news["drawn"]["tokens"].tolist()) == ([0], [3] * 70)


@pytest.mark.parametrize("eta", [0.25, 1.0])
def test_mirostat_follows_the_surprise_of_what_was_drawn(eta: float) -> None:
    """No token has more surprise than the limit allows, which each drawn one moves; all others occur."""
    config = NetworkConfig(cell="rnn", hidden_size=4, vocab_size=5)
    shares, tau = [1 / 8, 1 / 2, 1 / 4, 1 / 8], 1.01
    parameters = {name: np.zeros_like(values) for name, values in initialize(config, 0).items()}
    parameters["output.bias"] = np.log([1, *shares]).astype(np.float32)
    writing = NativeWriter(CpuEngine(config, threads=1)._network, parameters)
    writing.add(
        prompts=[np.array([1], np.int32)] * 8, keys=np.arange(8, dtype=np.uint64), start=None,
        max_new_tokens=50, end_id=None, samplers=[("mirostat_tau", [tau, eta])],
    )  # fmt: skip
    seen: dict[tuple[int, ...], set[int]] = {}
    for text in np.split(writing.advance(99)["drawn"]["tokens"], 8):
        limit = 2 * tau
        for token in text.tolist():
            left = tuple(i for i, share in enumerate(shares, 1) if share == 1 / 2 or -np.log2(share) <= limit)
            assert token in left
            seen.setdefault(left, set()).add(token)
            among = shares[token - 1] / sum(shares[i - 1] for i in left)
            limit -= eta * (-np.log2(among) - tau)
    assert {left: set(left) for left in seen} == seen
    assert len(seen) == 3


def test_what_a_writer_is_asked_is_checked() -> None:
    with pytest.raises(ValueError, match="steps: expected a number from 1"):
        writer().advance(0)
    with pytest.raises(ValueError, match=r"output\.bias: expected"):
        writer({**initialize(CONFIG, 0), "output.bias": np.zeros(5, np.float32)})


def test_one_thread_at_a_time_drives_a_writer() -> None:
    writing, refused = writer(), []
    writing.add(
        prompts=[np.array([1], np.int32)] * 200,
        keys=np.zeros(200, np.uint64),
        start=None,
        max_new_tokens=100_000,
        end_id=None,
    )
    first = threading.Thread(target=writing.advance, args=(50_000,))
    first.start()
    while first.is_alive():
        try:
            writing.remove(-1)
        except RuntimeError as error:
            refused.append(str(error))
    first.join()
    assert set(refused) == {"a writer is driven by one thread at a time"}
    assert not writing.remove(-1)
