"""A reader that goes on from kept states says what reading the whole text anew says."""

import numpy as np
import pytest

from unspool._engines import make_engine
from unspool._evaluation import reader as module
from unspool._evaluation.reader import TextReader
from unspool._generation.sampling.draw import log_softmax
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

CONFIG = NetworkConfig(cell="gru", hidden_size=7, num_layers=2, vocab_size=11)
PARAMETERS = initialize(CONFIG, 5)
ENGINE = make_engine("cpu", CONFIG, threads=1)


def expected(ids: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Give the log-probabilities of a text's symbols, and the logits after each place, in one run."""
    inputs = np.concatenate([[10], ids]).astype(np.int32)[:, None]
    logits, _ = ENGINE.logits(PARAMETERS, inputs, ENGINE.initial_state(1))
    return log_softmax(logits[:-1, 0])[np.arange(len(ids)), ids], logits[:, 0]


@pytest.mark.parametrize("stride", [1, 3, 4, 64])
def test_any_changes_read_like_the_whole(stride: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "STRIDE", stride)
    random = np.random.default_rng(stride)
    reader, ids = TextReader(ENGINE, PARAMETERS), np.zeros(0, dtype=np.int64)
    for _ in range(60):
        kept = ids[: random.integers(0, len(ids) + 1)]
        ids = np.concatenate([kept, random.integers(1, 10, random.integers(0, 9))])
        logprobs, logits = expected(ids)
        np.testing.assert_allclose(reader.read(ids), logprobs, atol=1e-5)
        for count in {0, len(ids) // 2, len(ids)}:
            np.testing.assert_allclose(reader.logits_after(count), logits[count], atol=1e-5)


def test_a_change_costs_the_symbols_since_the_last_state(monkeypatch: pytest.MonkeyPatch) -> None:
    read: list[int] = []
    engine = make_engine("cpu", CONFIG, threads=1)
    reader = TextReader(engine, PARAMETERS)
    run = engine.logits
    monkeypatch.setattr(
        engine, "logits", lambda p, ids, state: (read.append(len(ids)), run(p, ids, state))[1]
    )
    ids = np.resize(np.arange(1, 10), 1000)
    reader.read(ids)
    assert sum(read) == 1001
    read.clear()
    reader.read(np.append(ids, 3))
    reader.read(ids[:900])
    reader.logits_after(20)
    assert sum(read) <= 3 * module.STRIDE
