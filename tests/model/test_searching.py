"""Searching with a generator: texts, prompts and probabilities that fit what it generates and scores."""

import math
from typing import get_type_hints

import numpy as np
import pytest

import unspool
from unspool._generation.search.search_options import (
    BeamKeywords,
    BeamOptions,
    EnumerationKeywords,
    EnumerationOptions,
)
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

TEXTS = ["the cat sat", "a dog ran far", "the dog sat"]


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    tokenizer = encode_corpus(Records.of(TEXTS), EncodingRecipe()).tokenizer
    network = unspool.NetworkConfig(hidden_size=12, num_layers=2, vocab_size=tokenizer.vocab_size)
    random = np.random.default_rng(0)
    parameters = {
        name: array + random.normal(0, 0.5, array.shape).astype(np.float32)
        for name, array in initialize(network, 3).items()
    }
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters, threads=2)


FOUR = unspool.Constraint(regex="[cat]{4}")


def test_beams_come_prompt_by_prompt(model: unspool.Generator) -> None:
    found = model.beam_search(["the ", "", "a"], num_beams=4, n=2, max_new_tokens=12)
    assert [text.prompt for text in found] == ["the ", "the ", "", "", "a", "a"]
    for text in found:
        assert text.text == text.prompt + text.continuation
        assert model.tokenizer.decode(text.ids) == text.continuation
        stopped = text.finish_reason == "stop"
        assert len(text.token_logprobs) == len(text.ids) + stopped
        assert text.total_logprob == pytest.approx(text.token_logprobs.sum(), rel=1e-5)
        assert text.probability == pytest.approx(math.exp(text.total_logprob))
    assert found[:2][0].text == model.beam_search("the ", num_beams=4, n=1, max_new_tokens=12)[0].text


def test_what_is_found_has_the_probability_that_it_is_scored_with(model: unspool.Generator) -> None:
    found = list(model.enumerate(min_probability=1e-3, ended_only=True))
    texts = [text for text in found if text.text]
    assert texts
    for text, score in zip(texts, model.score([text.text for text in texts]), strict=True):
        assert text.total_logprob == pytest.approx(score.total_logprob, abs=1e-4)


def test_an_enumeration_is_what_generate_draws(model: unspool.Generator) -> None:
    enumeration = model.enumerate("the ", min_probability=2e-3, max_new_tokens=3)
    shares = {(text.text, text.finish_reason): text.probability for text in enumeration}
    drawn = model.generate("the ", n=20_000, max_new_tokens=3, seed=0)
    counts = dict.fromkeys(shares, 0)
    for text in drawn:
        if (key := (text.text, text.finish_reason)) in counts:
            counts[key] += 1
    assert len(shares) > 20
    squares = sum((counts[key] - 20_000 * p) ** 2 / (20_000 * p) for key, p in shares.items())
    assert squares < len(shares) + 5 * math.sqrt(2 * len(shares))  # chi-square: mean and deviation
    assert sum(counts.values()) / 20_000 == pytest.approx(enumeration.covered, abs=0.02)
    assert enumeration.remaining == 0


def test_a_constraint_is_on_the_whole_text(model: unspool.Generator) -> None:
    enumeration = list(model.enumerate("ca", constraint=FOUR, min_logprob=-100.0))
    assert sorted(text.text for text in enumeration) == sorted(f"ca{x}{y}" for x in "cat" for y in "cat")
    assert sum(math.exp(text.constrained_logprob or 0) for text in enumeration) == pytest.approx(1)
    (best,) = model.beam_search("ca", constraint=FOUR, num_beams=9)
    assert best.text == enumeration[0].text


def test_a_prompt_that_no_accepted_text_begins_with_is_refused(model: unspool.Generator) -> None:
    with pytest.raises(unspool.ConfigError, match="the beginning of a text that meets the constraint"):
        model.beam_search("dog", constraint=FOUR)
    with pytest.raises(unspool.ConfigError, match="the beginning of a text that meets the constraint"):
        model.enumerate("dog", constraint=FOUR, limit=1)
    with pytest.raises(unspool.ConfigError, match=r"max_new_tokens .*at least 4"):
        model.enumerate("", constraint=FOUR, limit=1, max_new_tokens=2)


def test_errors_come_at_the_call(model: unspool.Generator) -> None:
    with pytest.raises(unspool.ConfigError, match="would never end"):
        model.enumerate("the ")
    with pytest.raises(unspool.UnknownSymbolError):
        model.enumerate("zoo", limit=1)
    with pytest.raises(unspool.UnknownSymbolError):
        model.beam_search("zoo")
    with pytest.raises(unspool.ConfigError, match="did you mean 'num_beams'"):
        model.beam_search("the ", num_beam=1)  # type: ignore[call-arg]
    with pytest.raises(unspool.ConfigError, match="prompt must be a string"):
        model.enumerate(["the "], limit=1)  # type: ignore[arg-type]


def test_a_model_can_be_used_between_two_texts(model: unspool.Generator) -> None:
    wanted = [text.text for text in model.enumerate(limit=300, max_new_tokens=6)]
    found = []
    for text in model.enumerate(limit=300, max_new_tokens=6):
        found.append(text.text)
        model.generate("a", max_new_tokens=3)
        model.score(["the cat"])
    assert found == wanted


@pytest.mark.parametrize(
    ("keywords", "options"), [(BeamKeywords, BeamOptions), (EnumerationKeywords, EnumerationOptions)]
)
def test_keywords_are_the_fields_of_the_options(keywords: type, options: type) -> None:
    assert get_type_hints(keywords) == get_type_hints(options)
