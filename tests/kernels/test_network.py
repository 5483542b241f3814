"""The memory of a native network: the least that it may be, what it has loaded, and the writers beside it."""

from typing import Any

import numpy as np
import pytest

from unspool import _native
from unspool._engines.cpu import CpuEngine
from unspool._kernels.machine import chosen_kernels, thread_team
from unspool._kernels.writer import NativeWriter
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

LEAST = {"cell": 0, "vocab_size": 2, "embedding_size": 0, "hidden_size": 1, "num_layers": 1}
CONFIG = NetworkConfig(cell="gru", hidden_size=9, num_layers=2, vocab_size=11)
IDS = np.array([[3], [1], [10], [4]], np.int32)


def network(
    *,
    cell: int,
    vocab_size: int,
    embedding_size: int,
    hidden_size: int,
    num_layers: int,
    precisions: tuple[int, int] = (0, 0),
) -> Any:
    return _native.Network(
        thread_team(1), chosen_kernels(), cell, False, vocab_size, embedding_size, hidden_size, num_layers,
        False, *precisions,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("change", "match"),
    [
        *(({"cell": cell}, "the number of a cell") for cell in (-1, 3)),
        *(({name: LEAST[name] - 1}, "expected two tokens, one unit") for name in LEAST if name != "cell"),
        *(({"precisions": pair}, "that has kernels") for pair in ((-1, 0), (2, 0), (0, -1), (0, 3))),
    ],
    ids=str,
)
def test_a_network_has_a_least_size(change: dict[str, Any], match: str) -> None:
    for cell in range(3):
        network(**{**LEAST, "cell": cell})
    for precisions in ((0, 0), (1, 1), (0, 2)):
        network(**LEAST, precisions=precisions)
    with pytest.raises(ValueError, match=match):
        network(**{**LEAST, **change})


def test_the_least_network_computes_what_is_worked_by_hand() -> None:
    parameters = [
        np.array(values, np.float32) for values in ([[0.1], [0.2]], [[0.3]], [0.4], [[5, 6]], [7, 8])
    ]
    out, state = np.empty((2, 1, 2), np.float32), np.full((1, 1, 1, 1), 0.5, np.float32)
    ids = np.ones((2, 1), np.int32)
    network(**LEAST).logits(parameters, ids, -1, state, out, _native.Conditions())
    first = np.tanh(0.2 + 0.3 * 0.5 + 0.4)
    second = np.tanh(0.2 + 0.3 * first + 0.4)
    np.testing.assert_allclose(out[:, 0, 1], [6 * first + 8, 6 * second + 8], rtol=1e-6)
    assert np.isneginf(out[:, 0, 0]).all()
    np.testing.assert_allclose(state, second, rtol=1e-6)


def test_what_is_loaded_stays_until_something_else_is_loaded() -> None:
    native = CpuEngine(CONFIG, threads=2)._network
    first, second = initialize(CONFIG, 1), initialize(CONFIG, 2)

    def logits(parameters: Any) -> bytes:
        return native.logits(parameters, IDS, np.zeros((2, 1, 1, 9), np.float32), reset_id=None).tobytes()

    with pytest.raises(RuntimeError, match="expected some here or by load"):
        logits(None)
    one, two = logits(first), logits(second)
    assert one != two
    native.load(first)
    assert (logits(None), logits(second), logits(None), logits(None)) == (one, two, one, one)
    native.step(second, IDS, IDS, np.zeros((2, 1, 1, 9), np.float32), reset_id=None)
    assert logits(None) == one
    native.load(second)
    assert (logits(None), logits(first), logits(None)) == (two, one, two)


def written(writing: NativeWriter, *, threads: int) -> list[int]:
    """Write texts without an end, as many as make each thread take some."""
    writing.add(
        prompts=[np.array([10], np.int32)] * threads, keys=np.arange(threads, dtype=np.uint64), start=None,
        max_new_tokens=20, end_id=None,
    )  # fmt: skip
    tokens: list[int] = writing.advance(99)["drawn"]["tokens"].tolist()
    return tokens


@pytest.mark.parametrize("threads", [1, 3])
def test_writers_of_a_network_do_not_meet(threads: int) -> None:
    """One after the other they use the same memory, and side by side each has its own."""
    sets = [initialize(CONFIG, seed) for seed in (1, 2)]
    alone = [
        written(NativeWriter(CpuEngine(CONFIG, threads=threads)._network, each), threads=threads)
        for each in sets
    ]
    assert alone[0] != alone[1]
    native = CpuEngine(CONFIG, threads=threads)._network
    for _ in range(2):
        beside = [NativeWriter(native, each) for each in sets]
        for writing, expected in zip(beside, alone, strict=True):
            assert written(writing, threads=threads) == expected
        assert written(beside[0], threads=threads) == alone[0]
        del beside, writing
        assert written(NativeWriter(native, sets[1]), threads=threads) == alone[1]
