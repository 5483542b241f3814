"""What a method of a model is not to be given: its name, what it may be, and what it was, word for word."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest

import unspool
from unspool import Constraint, Generator
from unspool._network.parameters import initialize

Call = Callable[[Any], object]


@pytest.fixture(scope="module")
def model() -> Generator:
    tokenizer = unspool.CharTokenizer(["a", "b"])
    network = unspool.NetworkConfig(hidden_size=2, vocab_size=tokenizer.vocab_size)
    return Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 0), threads=1)


A_STRING, STRINGS = "a string", "a list of strings"
WHOLE_FROM_0, WHOLE_FROM_1 = "a whole number ≥ 0", "a whole number ≥ 1"
SYMBOLS = "symbols, or ids from 1 to 3"
TREATMENTS = "error, drop, replace or None"
ONE_TEXT = "left out: a stream yields only text; use generate"
REFUSED: dict[str, tuple[Call, str, str, str]] = {
    "generate": (lambda model: model.generate(7), "prompt", STRINGS, "7"),
    "generate-list": (lambda model: model.generate(["a", 7]), "prompt", STRINGS, "7"),
    "first": (lambda model: model.generate("a", first=-1), "first", WHOLE_FROM_0, "-1"),
    "best-of": (
        lambda model: model.generate("a", n=3, best_of=2), "best_of", "a whole number ≥ n (3), or None", "2"
    ),
    "best-of-first": (
        lambda model: model.generate("a", n=2, best_of=4, first=3),
        "first", "a multiple of n (2) with best_of", "3",
    ),
    "bias-key": (lambda model: model.generate("a", logit_bias={9: 1.0}), "logit_bias", SYMBOLS, "9"),
    "bias-symbols": (
        lambda model: model.generate("a", logit_bias={"ab": 1.0}),
        "logit_bias", "single symbols of the model, or ids", "'ab'",
    ),
    "constraint": (
        lambda model: model.generate("a", constraint=7),
        "constraint", "a Constraint, a list of them, or None", "7",
    ),
    "logprobs": (
        lambda model: model.generate("a", logprobs=9), "logprobs", "a whole number from 1 to 3, or None", "9",
    ),
    "stream": (lambda model: next(model.stream(7)), "prompt", A_STRING, "7"),
    "stream-n": (lambda model: next(model.stream("a", n=2)), "n", "1: a stream is one text", "2"),
    "stream-best": (lambda model: next(model.stream("a", best_of=2)), "best_of", ONE_TEXT, "2"),
    "state": (lambda model: model.generate("a", state=[]), "state", "at least one state", "[]"),
    "enumerate": (lambda model: next(model.enumerate(7, limit=1)), "prompt", A_STRING, "7"),
    "enumerate-n": (
        lambda model: model.beam_search("a", n=3, num_beams=2),
        "n", "a whole number from 1 to num_beams (2)", "3",
    ),
    "score-prompt": (lambda model: model.score(["a"], prompt=7), "prompt", A_STRING, "7"),
    "score-unknown": (lambda model: model.score(["a"], unknown="x"), "unknown", TREATMENTS, "'x'"),
    "next": (
        lambda model: model.next_symbols("a", top=0), "top", f"{WHOLE_FROM_1}, or None", "0",
    ),
    "factor": (
        lambda model: unspool.State(np.zeros((1, 2, 2))) * "x", "factor of a state", "a number", "'x'",
    ),
    "lengths": (
        lambda model: Constraint(min_length=3, max_length=2), "min_length", "at most max_length (2)", "3"
    ),
    "novelty": (
        lambda model: unspool.train(["a"], novelty_index=2), "novelty_index", "true or false", "2"
    ),
    "network": (
        lambda model: unspool.train(["a"], network=2), "network", "a NetworkConfig, or None", "2"
    ),
    "training": (
        lambda model: unspool.train(["a"], training=2), "training", "a TrainingConfig, or None", "2"
    ),
}  # fmt: skip


@pytest.mark.parametrize("call", REFUSED)
def test_what_is_refused_is_named_with_what_it_may_be(model: Generator, call: str) -> None:
    work, name, allowed, got = REFUSED[call]
    with pytest.raises(unspool.ConfigError) as caught:
        work(model)
    what = f"{name} must be {allowed}; got {got}"
    spaced = f"{name}: expected {allowed}, got {got}"
    assert str(caught.value) == (spaced if " " in name else what)


def test_one_string_is_no_list_of_texts(model: Generator) -> None:
    with pytest.raises(unspool.CorpusError) as caught:
        model.score("a")
    assert str(caught.value) == (
        "texts: expected a list of strings, or a file, got one string, 'a', "
        "which is no file; one text: [text]"
    )
