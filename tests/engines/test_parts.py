"""The parts in which an engine computes a window, its threads, and the numbers that it lets through."""

import importlib
import math
from typing import Any

import numpy as np
import pytest

from unspool._engines import ENGINES, cpu, make_engine
from unspool._engines.cpu import CpuEngine
from unspool._engines.encoder_decoder import trimmed
from unspool._engines.native_conditions import native_window, product
from unspool._engines.protocol import Loss, finite_logits, refused_cell
from unspool._errors import ConfigError, NetworkError
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Conditions, Window

CONFIG = NetworkConfig(cell="rnn", hidden_size=2, vocab_size=4)


def steps(engine: CpuEngine, T: int, B: int) -> list[tuple[int, int]]:
    return [(part.start, part.stop) for part in engine._parts((T, B))]


def test_a_window_is_computed_in_parts_of_few_tokens(monkeypatch: pytest.MonkeyPatch) -> None:
    engine = CpuEngine(CONFIG, threads=2)
    assert engine._products == 4 * 2 + 2 * 2 + 2 + 2 * 4 + 4  # input, recurrent, bias, output, its bias
    monkeypatch.setattr(cpu, "FORWARD_ROWS", 6)
    assert steps(engine, 5, 2) == [(0, 3), (3, 6)]
    assert steps(engine, 3, 2) == [(0, 3)]
    assert steps(engine, 2, 7) == [(0, 1), (1, 2)]  # one step at least
    assert steps(engine, 2, 0) == [(0, 6)]
    assert steps(engine, 0, 2) == []
    monkeypatch.setattr(cpu, "CALL_PRODUCTS", 2 * engine._products)
    assert steps(engine, 5, 2) == [(0, 2), (2, 4), (4, 6)]  # two threads of two tokens each


@pytest.mark.parametrize(("lanes", "threads"), [(1, 1), (15, 1), (16, 3), (40, 3)])
def test_few_lanes_are_the_work_of_one_thread(
    monkeypatch: pytest.MonkeyPatch, lanes: int, threads: int
) -> None:
    engine, asked = CpuEngine(CONFIG, threads=3), []
    honest = engine._make_network
    monkeypatch.setattr(engine, "_make_network", lambda count: asked.append(count) or honest(count))
    engine.forward(initialize(CONFIG, 0), lanes=lanes)
    assert asked == [threads]


def test_an_engine_has_the_threads_it_is_given_or_those_of_the_machine(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(cpu, "available_processors", lambda: 5)
    assert [CpuEngine(CONFIG, threads=threads).threads for threads in (None, 2)] == [5, 2]
    pair = make_engine("CPU", NetworkConfig(vocab_size=4, source_vocab_size=5), threads=2, precision="auto")
    inner: Any = pair
    assert (pair.threads, inner.encoder.threads, inner.decoder.threads) == (2, 2, 2)
    assert (inner.encoder.config.symbols, inner.decoder.config.symbols) == (5, 4)
    assert pair.precision == inner.decoder.precision == CpuEngine(CONFIG, precision="auto").precision


def test_an_error_inside_a_package_is_not_taken_for_a_missing_one(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(name: str) -> None:
        raise ModuleNotFoundError("no such part", name="torch.part")

    monkeypatch.setattr(importlib, "import_module", fail)
    for name in ENGINES:
        with pytest.raises(ModuleNotFoundError, match=r"^no such part$"):
            make_engine(name, CONFIG)


def test_a_pair_computes_what_its_decoder_does_and_knows_no_fresh_start() -> None:
    config = NetworkConfig(cell="rnn", hidden_size=2, vocab_size=4, source_vocab_size=5)
    pair: Any = make_engine("cpu", config, threads=1)
    parameters = initialize(config, 0)
    own = {name: array for name, array in parameters.items() if not name.startswith("encoder.")}
    ids, state = np.array([[1], [2]], np.int32), np.full((1, 1, 1, 2), 0.5, np.float32)
    expected = pair.decoder.forward(own, lanes=1)(ids, state)
    for found in (pair.forward(parameters, lanes=1)(ids, state), pair.logits(parameters, ids, state)):
        assert [part.tolist() for part in found] == [part.tolist() for part in expected]
    for ask in (
        pair.forward(parameters, lanes=1),
        lambda *given, **words: pair.logits(parameters, *given, **words),
    ):
        with pytest.raises(ConfigError, match="needs a source"):
            ask(ids, state, reset_id=3)
    with pytest.raises(ConfigError, match="needs a source"):
        pair.initial_state(1, parameters)
    assert pair.initial_state(3).shape == (1, 1, 3, 2)
    window = Window(ids, ids)
    for refused in (window, Window(ids, ids, Conditions(np.zeros((2, 1), np.int32)))):
        with pytest.raises(ConfigError, match="needs a source"):
            pair.token_losses(parameters, refused, state, reset_id=None)


@pytest.mark.parametrize(
    ("symbols", "finite"),
    [([1e30, -1e30], True), ([1.1e30, 0], False), ([0, -1.1e30], False), ([math.nan, 0], False), ([], True)],
)
def test_logits_are_finite_and_far_from_infinite(symbols: list[float], finite: bool) -> None:
    logits = np.array([[-math.inf, *symbols]])
    if finite:
        assert finite_logits(logits) is logits
    else:
        with pytest.raises(NetworkError):
            finite_logits(logits)


def test_a_loss_is_a_mean_of_what_is_counted() -> None:
    assert (Loss(total=6.0, count=4).mean, Loss(total=0.0, count=0).mean) == (1.5, 0.0)


def test_a_cell_that_an_engine_cannot_compute_is_named() -> None:
    assert str(refused_cell("mgu", ["rnn", "gru"], engine="cpu", instead="torch")) == (
        'engine cpu: expected a cell that it can compute (rnn, gru), got mgu; choose engine="torch"'
    )


@pytest.mark.parametrize(
    ("sources", "left"),
    [
        ([[0, 0], [0, 3], [2, 4]], [[0, 3], [2, 4]]),
        ([[1, 0], [0, 3]], [[1, 0], [0, 3]]),
        ([[0, 0], [0, 0], [0, 4]], [[0, 4]]),
    ],
)
def test_rows_of_padding_alone_are_not_read(sources: list[list[int]], left: list[list[int]]) -> None:
    found = trimmed(np.array(sources, np.int32))
    assert found.tolist() == left
    assert found.flags.c_contiguous
    assert trimmed(np.zeros((3, 0), np.int32)).shape == (3, 0)


def test_starts_are_numbered_through_a_window_and_anew_in_each_part() -> None:
    """The reset id is 3; records 2, 0, 1 and 2 start in this order."""
    config = NetworkConfig(cell="rnn", hidden_size=1, vocab_size=4, start_size=0)
    ids = np.array([[3, 1], [2, 3], [3, 3]], np.int32)
    records = np.array([[2, 1], [2, 0], [1, 2]], np.int32)
    states = np.array([10, 20, 30], np.float32).reshape(3, 1, 1, 1)
    window = Window(ids, ids, Conditions(records, states=states))
    made = native_window(config, initialize(config, 0), window, reset_id=3, backward=True)
    assert made is not None
    native = made.native
    assert native.starts is not None
    assert native.start_states is not None
    assert native.start_states_grad is not None
    assert native.starts.tolist() == [[0, -1], [-1, 1], [2, 3]]
    assert native.start_states.ravel().tolist() == [30, 10, 20, 30]
    assert native.start_states_grad.shape == (4, 1, 1, 1)
    assert (made.rows.tolist(), made.num_rows, native.records, native.context_grad) == (
        [2, 0, 1, 2],
        3,
        None,
        None,
    )
    part = made.part(slice(1, 3))
    assert part.starts is not None
    assert part.start_states is not None
    assert part.starts.tolist() == [[-1, 0], [1, 2]]
    assert part.start_states.ravel().tolist() == [10, 20, 30]
    nothing = made.part(slice(3, 3))
    assert nothing.start_states is not None
    assert len(nothing.start_states) == 0
    forward = native_window(config, initialize(config, 0), window, reset_id=3)
    assert forward is not None
    assert forward.native.start_states_grad is None
    assert native_window(CONFIG, initialize(CONFIG, 0), Window(ids, ids), reset_id=3) is None


def test_a_product_is_in_float32_whatever_it_is_of() -> None:
    left, right = np.array([[1, 2]], np.float64), np.array([[3, 5], [4, 6]], np.int64).T
    found = product(left, right)
    assert (found.tolist(), found.dtype) == ([[13, 16]], np.float32)
