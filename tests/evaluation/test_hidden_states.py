"""The hidden states of a text are those of the plain NumPy steps, for every cell and engine."""

import numpy as np
import pytest

import unspool
from tests.engines.variants import engine_or_skip
from tests.network.reference import reference_logits
from unspool._engines import ENGINES
from unspool._evaluation.hidden_states import hidden_states
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer

IDS = np.array([3, 1, 4, 1, 5, 9, 2, 6])


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize("cell", CELLS)
def test_each_row_is_what_the_layers_put_out_after_that_symbol(engine: str, cell: str) -> None:
    config = NetworkConfig(cell=cell, hidden_size=7, num_layers=2, vocab_size=11)
    parameters = initialize(config, 5)
    found = hidden_states(engine_or_skip(engine, config, threads=1), parameters, IDS)
    L, S, H = config.state_shape
    _, state = reference_logits(config, parameters, np.array([[10]]), np.zeros((L, S, 1, H), np.float32))
    for row, symbol in zip(found, IDS, strict=True):
        _, state = reference_logits(config, parameters, np.array([[symbol]]), state)
        np.testing.assert_allclose(row, state[:, 0, 0], atol=1e-5)  # (L, H)
    assert found.dtype == np.float32
    assert found.shape == (len(IDS), L, H)


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    tokenizer = CharTokenizer("abc ")
    network = NetworkConfig(hidden_size=5, vocab_size=tokenizer.vocab_size)
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 0))


def test_a_later_symbol_does_not_change_an_earlier_row(model: unspool.Generator) -> None:
    whole = model.hidden_states("a cab bab")
    np.testing.assert_array_equal(model.hidden_states("a cab"), whole[:5])
    assert model.hidden_states("").shape == (0, 1, 5)


def test_what_cannot_be_read_is_refused(model: unspool.Generator) -> None:
    with pytest.raises(unspool.UnknownSymbolError):
        model.hidden_states("a z")
    assert len(model.hidden_states("a z", unknown="drop")) == 2
    with pytest.raises(unspool.ConfigError, match="text"):
        model.hidden_states(3)  # type: ignore[arg-type]
