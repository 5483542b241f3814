"""What a call leaves out is as the model's generation_config.json says, in Python as everywhere."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.cli.conftest import run
from tests.model.test_writing import lively
from unspool._configuration import to_dict

OWN = {"temperature": 0.0, "max_new_tokens": 7, "bad_words": ["cat"]}


def with_options(**own: Any) -> unspool.Generator:
    """Make a model of characters that has options of its own."""
    return dataclasses.replace(lively("char"), generation_config=own)


def texts(model: unspool.Generator, **options: Any) -> list[str]:
    return [text.text for text in model.generate("the ", n=3, **{"seed": 5, **options})]


def test_what_is_left_out_is_as_the_model_says() -> None:
    plain, own = with_options(), with_options(**OWN)
    assert texts(own) == texts(plain, **OWN) != texts(plain)
    assert texts(own, temperature=1.0) == texts(plain, **OWN | {"temperature": 1.0}) != texts(own)
    assert texts(own, max_tokens=3) == texts(plain, **OWN | {"max_new_tokens": 3})  # by its other name
    assert texts(own, bad_words=None) == texts(plain, **OWN | {"bad_words": None})


def test_whole_options_win_whole() -> None:
    whole = to_dict(unspool.GenerationOptions(max_new_tokens=9))
    assert texts(with_options(**OWN), **whole | {"seed": 5}) == texts(with_options(), max_new_tokens=9)


def test_every_way_of_writing_follows_them() -> None:
    plain, own = with_options(), with_options(**OWN)
    streamed = "".join(own.stream("the ", seed=5))
    assert streamed == own.generate("the ", seed=5)[0].continuation
    assert len(streamed) == OWN["max_new_tokens"]
    collected = [text.text for text in own.collect("the ", n=3, seed=5)]
    assert collected == [text.text for text in plain.collect("the ", n=3, seed=5, **OWN)]
    assert all(len(text.ids) <= 7 for text in own.beam_search("the "))
    assert all(len(text.ids) <= 7 for text in own.enumerate("the ", limit=4))
    assert any(len(text.ids) > 7 for text in plain.beam_search("the ", max_new_tokens=8))


def test_a_stream_needs_none_of_the_options_that_it_cannot_have() -> None:
    own = with_options(logprobs=2, best_of=3, echo=True, max_new_tokens=5)
    assert len("".join(own.stream("the ", seed=5))) == 5
    with pytest.raises(unspool.ConfigError, match="logprobs must be left out"):
        own.stream("the ", logprobs=1)


def test_a_broken_value_is_refused_by_its_file() -> None:
    broken = r"generation_config\.json: temperature must be a finite number ≥ 0"
    with pytest.raises(unspool.ConfigError, match=broken):
        with_options(temperature=-1).generate()
    with pytest.raises(unspool.ConfigError, match=r"generation_config\.json: .*'heat'"):
        with_options(heat=1).generate()


def test_a_folder_keeps_them_and_the_command_agrees(tmp_path: Path) -> None:
    with_options(**OWN).save(tmp_path / "model")
    loaded = unspool.load(tmp_path / "model")
    assert texts(loaded) == texts(with_options(**OWN))
    printed = run(["sample", str(tmp_path / "model"), "the ", "--n", "3", "--seed", "5", "--json"])
    assert [text["text"] for text in json.loads(printed.stdout)] == texts(loaded)
