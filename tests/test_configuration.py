"""Configurations from JSON and back: strict about keys and types, exact on the round trip."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
import pytest

import unspool
from unspool._configuration import check, from_dict, is_real, is_whole, to_dict
from unspool._errors import ConfigError
from unspool._network.parameters import initialize
from unspool._text.encoding.recipe import EncodingRecipe


@dataclass(frozen=True)
class Inner:
    rate: float = 0.5


@dataclass(frozen=True)
class Outer:
    size: int
    name: str = "a"
    on: bool = True
    limit: float | None = None
    mode: Literal["slow", "fast"] = "slow"
    column: str | int | None = None
    prompts: tuple[str, ...] = ()
    labels: Mapping[str, int] = field(default_factory=dict)
    inner: Inner = Inner()
    maybe: Inner | None = None
    parts: Mapping[str, Inner] | None = None

    def __post_init__(self) -> None:
        check("size", self.size, "a whole number ≥ 1", is_whole(self.size, least=1))


def refuse(values: object) -> str:
    with pytest.raises(ConfigError) as caught:
        from_dict(Outer, values, where="config.json")  # type: ignore[arg-type]
    return str(caught.value)


@pytest.mark.parametrize(
    "config",
    [
        Outer(3),
        Outer(1, "b", False, 2.5, "fast", 7, ("x", "y"), {"a": 1}, Inner(0.1), Inner(0.2)),
        Outer(2, column="title"),
    ],
)
def test_the_round_trip_is_exact(config: Outer) -> None:
    assert from_dict(Outer, to_dict(config), where="here") == config


@dataclass(frozen=True)
class Biased:
    bias: Mapping[str | int, float]


def test_numbers_of_numpy_become_pythons_own() -> None:
    config = from_dict(Outer, {"size": np.int64(2), "limit": np.float32(0.5)}, where="here")
    assert (config, type(config.size), type(config.limit)) == (Outer(2, limit=0.5), int, float)
    assert is_whole(np.uint8(3), least=3)
    assert is_real(np.float16(1))
    assert not is_whole(np.True_, least=0)
    assert not is_whole(np.float64(1), least=0)
    assert to_dict(Outer(np.int64(2), limit=np.float64(0.5)))["size"] == 2  # type: ignore[arg-type]
    assert type(to_dict(Outer(np.int64(2)))["size"]) is int  # type: ignore[arg-type]


def test_keys_that_may_be_numbers_stay_numbers() -> None:
    assert from_dict(Biased, {"bias": {1: 2, "1": 3}}, where="here").bias == {1: 2.0, "1": 3.0}


def test_a_whole_number_stands_for_a_real_one() -> None:
    config = from_dict(Outer, {"size": 1, "limit": 2, "inner": {"rate": 1}}, where="here")
    assert (config.limit, config.inner.rate) == (2.0, 1.0)
    assert isinstance(config.limit, float)
    assert isinstance(config.inner.rate, float)


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"size": 1, "nmae": "x"}, "config.json: unknown key 'nmae'; did you mean 'name'?"),
        ({}, "config.json: key 'size' is missing"),
        ({"size": "1"}, "config.json: size must be a whole number; got '1' (str)"),
        ({"size": 1.0}, "config.json: size must be a whole number; got 1.0 (float)"),
        ({"size": True}, "config.json: size must be a whole number; got True (bool)"),
        ({"size": None}, "config.json: size must be a whole number; got None"),
        ({"size": 0}, "config.json: size must be a whole number ≥ 1; got 0"),
        ({"size": 1, "on": 1}, "on must be true or false; got 1"),
        ({"size": 1, "limit": "x"}, "limit must be a number or null; got 'x'"),
        ({"size": 1, "limit": False}, "limit must be a number or null; got False"),
        ({"size": 1, "mode": "f"}, "mode must be one of 'slow', 'fast'; got 'f'"),
        ({"size": 1, "mode": ["slow"]}, "mode must be one of 'slow', 'fast'; got"),
        ({"size": 1, "column": 1.5}, "column must be a string or a whole number or null; got 1.5"),
        ({"size": 1, "prompts": "abc"}, "prompts must be a list; got 'abc'"),
        ({"size": 1, "prompts": ["a", 2]}, "prompts[1]: expected a string, got 2"),
        ({"size": 1, "labels": []}, "labels must be an object with keys and values; got []"),
        ({"size": 1, "labels": {"a": "b"}}, "labels.a: expected a whole number, got 'b'"),
        ({"size": 1, "inner": 3}, "inner must be an object with keys and values; got 3"),
        ({"size": 1, "inner": {"rat": 1}}, "inner: unknown key 'rat'; did you mean 'rate'?"),
        ({"size": 1, "maybe": {"rate": "x"}}, "maybe: rate must be a number; got 'x'"),
        ({"size": 1, "maybe": 3}, "maybe must be an object with keys and values or null; got 3"),
        ({"size": 1, "parts": 3}, "parts must be an object with keys and values or null; got 3"),
        ({"size": 1, "parts": {"a": 3}}, "parts.a: expected an object with keys and values, got 3"),
        ({"size": 1, "parts": {"a": {"rate": "x"}}}, "parts.a: rate must be a number; got 'x'"),
        ([1], "config.json: expected an object with keys and values, got [1] (list)"),
    ],
)
def test_what_does_not_fit_is_named(values: object, message: str) -> None:
    assert message in refuse(values)


def test_an_unknown_key_brings_the_nearest_known_one() -> None:
    assert refuse({"size": 1, "promts": []}).endswith("did you mean 'prompts'?")


def test_a_long_value_is_shown_short() -> None:
    assert len(refuse({"size": "x" * 10_000})) < 200


def test_only_plain_values_are_written() -> None:
    with pytest.raises(TypeError, match="no plain JSON form"):
        to_dict(Inner(rate={1}))  # type: ignore[arg-type]
    with pytest.raises(TypeError, match="dataclass instance"):
        to_dict(Inner)


def test_names_are_taken_in_any_case_and_stored_in_one() -> None:
    network = unspool.NetworkConfig(cell="LSTM")
    assert network.cell == "lstm"
    assert from_dict(unspool.NetworkConfig, {"cell": "Gru"}, where="config.json").cell == "gru"
    training = unspool.TrainingConfig(optimizer="Adam", schedule="COSINE", engine="CPU", precision="BF16")
    assert training == unspool.TrainingConfig(optimizer="adam", engine="cpu", precision="bf16")
    assert replace(training, schedule="Constant").schedule == "constant"
    assert unspool.SweepConfig(cell=["RNN", "Lstm"]).cell == ("rnn", "lstm")
    assert unspool.GenerationOptions(samplers=["Top_K"]).samplers == ("top_k",)
    assert EncodingRecipe(tokenizer="Word").tokenizer == "word"
    assert unspool.Records.of(["a"], normalization="nfd").normalization == "NFD"
    with pytest.raises(ConfigError, match="cell must be one of rnn, lstm, gru; got 'LSTMs'"):
        unspool.NetworkConfig(cell="LSTMs")


def test_a_model_stores_the_engine_as_the_table_spells_it() -> None:
    tokenizer = unspool.CharTokenizer.fit(["ab"])
    network = unspool.NetworkConfig(hidden_size=2, vocab_size=tokenizer.vocab_size)
    options = {"network": network, "tokenizer": tokenizer, "parameters": initialize(network, 0)}
    assert unspool.Generator(**options, engine="CPU").engine == "cpu"
    with pytest.raises(ConfigError, match="engine must be one of cpu, torch; got 'gpu'"):
        unspool.Generator(**options, engine="gpu")


def test_a_bool_is_not_a_number() -> None:
    assert not is_whole(True, least=0)
    assert not is_real(True)
    assert is_whole(3, least=3)
    assert not is_whole(2, least=3)
    assert is_real(2.5)
    assert is_real(2)
