"""What steers a network, worked by hand: what does not fit is named, what is folded into parameters."""

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._network.conditions import (
    check_conditions,
    context_gates,
    fresh_state,
    no_source,
    records_of,
    schema_of,
    start_states,
    steered_by,
    with_context,
    with_first_state,
    with_start,
)
from unspool._network.config import DROPOUTS, VARIANTS, NetworkConfig
from unspool._text.context import Attribute, ContextSchema
from unspool._text.streams.lanes import Conditions

PLAIN = NetworkConfig(cell="rnn", hidden_size=2, num_layers=1, vocab_size=4)  # a state has (1, 1, 2) numbers
STEERED = replace(PLAIN, context_size=3, start_size=2)
PARAMETERS: dict[str, np.ndarray] = {
    "layers.0.bias": np.array([1, 2], np.float32),
    "context.kernel": np.array([[1, 0], [0, 10], [100, 0]], np.float32),
    "start.bias": np.array([5, 6], np.float32),
    "start.kernel": np.array([[1, 2], [3, 4]], np.float32),
}
RECORDS = np.array([[0, 1]], np.int32)


def conditions(**arrays: Any) -> Conditions:
    return Conditions(**{"records": RECORDS, **arrays})


@pytest.mark.parametrize(
    ("network", "given", "message"),
    [
        (STEERED, {"records": RECORDS.T, "context": np.zeros((2, 3))},
         "conditions.records: expected shape (1, 2), got shape (2, 1)"),
        (STEERED, {"context": np.zeros((2, 2))},
         "conditions.context: expected shape (2, 3), got shape (2, 2)"),
        (PLAIN, {"context": np.zeros((2, 3))},
         "conditions.context: expected None: the network was made without it, got shape (2, 3)"),
        (STEERED, {"starts": np.zeros((2, 3))},
         "conditions.starts: expected shape (2, 2), got shape (2, 3)"),
        (PLAIN, {"starts": np.zeros((2, 2))},
         "conditions.starts: expected None: the network was made without it, got shape (2, 2)"),
        (replace(PLAIN, start_size=0), {"starts": np.zeros((2, 2))},
         "conditions.starts: expected None: the network was made without it, got shape (2, 2)"),
        (PLAIN, {"states": np.zeros((2, 1, 1, 3))},
         "conditions.states: expected shape (2, 1, 1, 2), got shape (2, 1, 1, 3)"),
        (PLAIN, {"sources": np.zeros((4, 2))},
         "conditions.sources: expected None: the network was made without it, got shape (4, 2)"),
        (STEERED, {"context": np.zeros((1, 3))},
         "conditions.records: expected rows from 0 to 0, got 0 to 1"),
        (STEERED, {"records": RECORDS - 1, "context": np.zeros((1, 3))},
         "conditions.records: expected rows from 0 to 0, got -1 to 0"),
    ],
)  # fmt: skip
def test_conditions_that_do_not_fit_are_named(
    network: NetworkConfig, given: dict[str, Any], message: str
) -> None:
    with pytest.raises(ConfigError) as caught:
        check_conditions(network, conditions(**given), (1, 2))
    assert str(caught.value) == message


def test_conditions_that_fit() -> None:
    fitting = {"context": np.zeros((2, 3)), "starts": np.zeros((2, 2)), "states": np.zeros((2, 1, 1, 2))}
    check_conditions(STEERED, conditions(**fitting), (1, 2))
    check_conditions(PLAIN, None, (1, 2))
    nothing = Conditions(np.zeros((0, 2), np.int32), context=np.zeros((1, 3), np.float32))
    check_conditions(STEERED, nothing, (0, 2))
    assert [each.num_rows for each in (conditions(), conditions(states=np.zeros((3, 1, 1, 2))))] == [1, 3]
    assert conditions(sources=np.zeros((4, 5), np.int32), context=np.zeros((2, 3))).num_rows == 5


@pytest.mark.parametrize(
    ("network", "schema", "document", "sizes"),
    [
        (PLAIN, None, False, (None, None)),
        (PLAIN, None, True, (None, None)),
        (PLAIN, (2, 7), False, (2, 7)),
        (PLAIN, (2, None), True, (2, None)),
        (replace(PLAIN, context_size=2, start_size=7), (2, 7), False, (2, 7)),
        (replace(PLAIN, start_size=0), None, False, (None, 0)),
        (replace(PLAIN, start_size=0), (2, None), False, (2, 0)),
        (replace(PLAIN, context_size=3), (2, None), False,
         "context_size must be 2, as in the records, or None; "
         "got 3"),
        (replace(PLAIN, context_size=3), None, False,
         "context_size must be None: the records have none; got 3"),
        (replace(PLAIN, start_size=3), (2, None), False,
         "start_size must be None: the records have none; got 3"),
        (replace(PLAIN, start_size=0), (2, 7), False,
         "start_size must be 7, as in the records, or None; got 0"),
        (PLAIN, (2, 7), True, "vectors and start_size do not work with one document; read a text per record"),
        (replace(PLAIN, start_size=0), None, True,
         "vectors and start_size do not work with one document; read a text per record"),
    ],
)  # fmt: skip
def test_a_network_gets_room_for_what_is_known_of_the_records(
    network: NetworkConfig, schema: tuple[int, int | None] | None, document: bool, sizes: Any
) -> None:
    number = Attribute("n", mean=0.0, deviation=1.0)  # two columns
    known = None if schema is None else ContextSchema((number,), schema[1])
    if isinstance(sizes, str):
        with pytest.raises(ConfigError) as caught:
            steered_by(network, known, document=document)
        assert str(caught.value) == sizes
    else:
        steered = steered_by(network, known, document=document)
        assert steered == replace(network, context_size=sizes[0], start_size=sizes[1])


def test_the_schema_of_a_model_is_read_strictly() -> None:
    assert schema_of({}) is schema_of({"context": None}) is None
    stored = {"attributes": [{"name": "l", "values": ["x"], "counts": [3]}], "vector_size": 2}
    assert schema_of({"context": stored}) == ContextSchema((Attribute("l", ("x",), (3,)),), 2)
    with pytest.raises(ConfigError, match=r"^config\.json: data: context: unknown key 'a'"):
        schema_of({"context": {"a": 1}})


def test_a_context_and_a_start_are_folded_into_biases() -> None:
    steered, network = with_context(PARAMETERS, STEERED, np.array([1, 2, 3], np.float32))
    assert network == replace(STEERED, context_size=None)
    assert steered["layers.0.bias"].tolist() == [1 + 1 + 300, 2 + 20]
    assert set(steered) == set(PARAMETERS) - {"context.kernel"}
    started, network = with_start(PARAMETERS, STEERED, np.array([10, 100], np.float32))
    assert network == replace(STEERED, start_size=0)
    assert started["start.bias"].tolist() == [5 + 10 + 300, 6 + 20 + 400]
    assert set(started) == set(PARAMETERS) - {"start.kernel"}
    both = {**PARAMETERS, "encoder.layers.0.bias": np.zeros(2, np.float32)}
    pairs = replace(PLAIN, source_vocab_size=5)
    known, network = with_first_state(both, pairs, np.array([[[7, 8]]], np.float64))
    assert network == replace(PLAIN, start_size=0)
    assert (known["start.bias"].tolist(), known["start.bias"].dtype) == ([7, 8], np.float32)
    assert set(known) == set(PARAMETERS)
    for array in (steered["layers.0.bias"], started["start.bias"]):
        assert array.dtype == np.float32


@pytest.mark.parametrize(
    ("fold", "network", "size", "message"),
    [
        (with_context, STEERED, 2, "context must be shape (3,); got shape (2,)"),
        (with_context, PLAIN, 2, "context must be None: the network was made without it; got shape (2,)"),
        (with_start, STEERED, 3, "vector must be shape (2,); got shape (3,)"),
        (with_start, replace(PLAIN, start_size=0), 3,
         "vector must be None: the network was made without it; got shape (3,)"),
    ],
)  # fmt: skip
def test_what_cannot_be_folded_is_named(fold: Any, network: NetworkConfig, size: int, message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        fold(PARAMETERS, network, np.zeros(size, np.float32))
    assert str(caught.value) == message


def test_first_states_worked_by_hand() -> None:
    starts = conditions(starts=np.array([[1, 0], [0, 2]], np.float32))
    assert start_states(STEERED, PARAMETERS, starts).tolist() == [[[[6, 8]]], [[[11, 14]]]]
    assert start_states(STEERED, PARAMETERS, None).tolist() == [[[[5, 6]]]]
    context = conditions(context=np.array([[1, 1, 0], [0, 0, 1]], np.float32))
    assert start_states(STEERED, PARAMETERS, context).tolist() == [[[[5, 6]]]] * 2
    assert start_states(PLAIN, PARAMETERS, context) is None
    given = np.ones((2, 1, 1, 2), np.float32)
    assert start_states(PLAIN, PARAMETERS, conditions(states=given)) is given
    assert context_gates(PARAMETERS, context).tolist() == [[1, 10], [100, 0]]
    assert context_gates(PARAMETERS, None) is context_gates(PARAMETERS, starts) is None
    states = fresh_state(STEERED, PARAMETERS, 3)
    assert (states.tolist(), states.dtype) == ([[[[5, 6]] * 3]], np.float32)
    for state in (fresh_state(STEERED, None, 1), fresh_state(PLAIN, PARAMETERS, 1)):
        assert state.tolist() == [[[[0, 0]]]]
    assert records_of(None, (2, 3)).tolist() == [[0] * 3] * 2
    assert records_of(starts, (1, 2)) is RECORDS


def test_a_missing_source_is_asked_for() -> None:
    assert str(no_source()) == (
        "the model was trained on pairs and needs a source; "
        "give one: --source TEXT, or in Python source=..., or model.conditioned_on(source=...)"
    )


@pytest.mark.parametrize(
    ("name", "fits", "not_more"),
    [
        ("hidden_size", (1, 65_536), (0, 65_537)),
        ("embedding_size", (None, 1, 65_536), (0, 65_537)),
        ("num_layers", (1, 1024), (0, 1025)),
        ("context_size", (None, 1), (0,)),
        ("start_size", (None, 0), (-1,)),
        ("vocab_size", (None, 2), (1,)),
        ("source_vocab_size", (None, 2), (1,)),
        ("dropout", (0, 0.999), (1, -0.001)),
    ],
)
def test_sizes_have_their_limits(name: str, fits: tuple[Any, ...], not_more: tuple[Any, ...]) -> None:
    for value in fits:
        assert getattr(NetworkConfig(**{name: value}), name) == value
    for value in not_more:
        with pytest.raises(ConfigError, match=rf"^{name} must be "):
            NetworkConfig(**{name: value})


def test_the_networks_within_a_network() -> None:
    network = NetworkConfig(
        cell="gru", hidden_size=3, embedding_size=3, num_layers=2, residual=True, tied_output=True,
        dropout=0.5, input_dropout=0.25, recurrent_dropout=0.125, reset_after=False, context_size=4,
        vocab_size=7, source_vocab_size=9,
    )  # fmt: skip
    encoder = replace(network, vocab_size=9, source_vocab_size=None, context_size=None, dropout=0.0)
    assert network.encoder == encoder
    assert encoder.encoder is None
    assert network.without_encoder() == replace(network, source_vocab_size=None)
    assert network.without_context() == replace(network, context_size=None)
    assert NetworkConfig(start_size=3).without_start().start_size == 0
    assert (VARIANTS, DROPOUTS) == (
        ("residual", "tied_output"), ("dropout", "input_dropout", "recurrent_dropout"),
    )  # fmt: skip
    with pytest.raises(ConfigError) as caught:
        NetworkConfig(start_size=0, source_vocab_size=9)
    assert str(caught.value) == (
        "start_size must be None with source_vocab_size: both set the first state; got 0"
    )
    with pytest.raises(ConfigError) as caught:
        NetworkConfig(hidden_size=16, embedding_size=8, tied_output=True)
    assert str(caught.value) == "embedding_size must be hidden_size (16) with tied_output; got 8"
    with pytest.raises(
        ConfigError, match=r"^vocab_size must be a whole number: a tokenizer fixes it; got None$"
    ):
        _ = NetworkConfig().symbols
