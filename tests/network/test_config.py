"""The network's configuration: what it refuses, and what it knows about itself."""

import pytest

from unspool._configuration import from_dict, to_dict
from unspool._errors import ConfigError
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig


@pytest.mark.parametrize(
    ("name", "value", "allowed"),
    [
        ("cell", "transformer", f"one of {', '.join(CELLS)}"),
        ("cell", None, "one of"),
        ("hidden_size", 0, "from 1 to 65536"),
        ("hidden_size", 1.5, "from 1 to 65536"),
        ("hidden_size", True, "from 1 to 65536"),
        ("num_layers", -1, "from 1 to 1024"),
        ("embedding_size", 0, "or None"),
        ("dropout", 1.0, r"\[0, 1\)"),
        ("dropout", -0.1, r"\[0, 1\)"),
        ("dropout", float("nan"), r"\[0, 1\)"),
        ("input_dropout", 1.0, r"\[0, 1\)"),
        ("recurrent_dropout", -0.1, r"\[0, 1\)"),
        ("reset_after", 1, "true or false"),
        ("residual", 1, "true or false"),
        ("tied_output", None, "true or false"),
        ("vocab_size", 1, "≥ 2"),
    ],
)
def test_a_value_out_of_range_is_named_with_its_range(name: str, value: object, allowed: str) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be .*{allowed}.*; got {value!r}"):
        NetworkConfig(**{name: value})  # type: ignore[arg-type]


def test_json_and_back_is_the_same() -> None:
    config = NetworkConfig(
        cell="gru",
        num_layers=3,
        hidden_size=16,
        embedding_size=16,
        dropout=0.25,
        input_dropout=0.1,
        recurrent_dropout=0.5,
        reset_after=False,
        residual=True,
        tied_output=True,
    )
    assert from_dict(NetworkConfig, to_dict(config), where="config.json") == config


@pytest.mark.parametrize("embedding_size", [None, 8])
def test_a_tied_output_needs_an_embedding_as_wide_as_the_network(embedding_size: int | None) -> None:
    with pytest.raises(ConfigError, match=r"embedding_size must be hidden_size \(16\) with tied_output"):
        NetworkConfig(hidden_size=16, embedding_size=embedding_size, tied_output=True)


@pytest.mark.parametrize("cell", CELLS)
def test_the_state_has_the_cells_rows(cell: str) -> None:
    config = NetworkConfig(cell=cell, hidden_size=9, num_layers=4)
    assert config.state_shape == (4, 2 if cell == "lstm" else 1, 9)
    assert config.kind is CELLS[cell]


def test_symbols_are_known_once_the_vocabulary_is() -> None:
    assert NetworkConfig(vocab_size=84).symbols == 84
    with pytest.raises(ConfigError, match="a tokenizer fixes it"):
        NetworkConfig().symbols  # noqa: B018  (reading it is what fails)
