"""Options out of their range are refused by name; other libraries' names are understood."""

import math
from dataclasses import fields
from pathlib import Path
from typing import get_type_hints

import numpy as np
import pytest

from unspool._cli.flags.shared import SAMPLING
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import (
    ALIASES,
    ROWS,
    SAMPLERS,
    GenerationKeywords,
    GenerationOptions,
    N,
    StageRow,
)
from unspool._generation.options.keywords import generation_options

DOCUMENTATION = Path(__file__).parents[3] / "docs" / "generation.md"
COUNTS = ("top_k", "temperature_steps", "penalty_last_n", "no_repeat_ngram_size", "best_of", "logprobs")


@pytest.mark.parametrize(
    ("name", "value"),
    [
        *(("temperature", value) for value in (-0.1, math.nan, math.inf, "hot", (), (1, -1), (1, "x"), None)),
        *((name, value) for name in COUNTS for value in (0, -1, 2.5, True, "3", 2**31)),
        *((name, value) for name in ("top_p", "typical_p") for value in (0.0, 1.1, math.nan, "x")),
        ("min_p", -0.1), ("min_p", 1.5),
        ("repetition_penalty", 0), ("repetition_penalty", 101), ("repetition_penalty", math.nan),
        ("presence_penalty", 1e7), ("frequency_penalty", -math.inf),
        ("logit_bias", {1: math.inf}), ("logit_bias", {1: math.nan}), ("logit_bias", {-1: 1}),
        ("logit_bias", {1.5: 1}), ("logit_bias", [1]), ("logit_bias", {"a": "b"}),
        ("bad_words", ""), ("bad_words", ["a", ""]), ("bad_words", [1]), ("stop", [""]), ("stop", 3),
        ("include_stop", 1), ("echo", "yes"),
        ("min_tokens", -1), ("min_tokens", 201),
        ("max_new_tokens", 0), ("max_new_tokens", 2**31),
        ("samplers", ["top_q"]), ("samplers", ["top_k", "top_k"]), ("samplers", 3),
        ("seed", -1), ("seed", 2**64), ("seed", True),
    ],
)  # fmt: skip
def test_a_value_out_of_range_is_refused_by_name(name: str, value: object) -> None:
    with pytest.raises(ConfigError, match=f"{name} must be"):
        GenerationOptions(**{name: value})  # type: ignore[arg-type]


def test_the_ends_of_the_ranges_are_allowed() -> None:
    options = GenerationOptions(temperature=0, top_k=1, top_p=1, min_p=1, max_new_tokens=1, seed=2**64 - 1)
    assert options.temperature == 0
    assert GenerationOptions(min_tokens=200, logit_bias={"a": -math.inf}, samplers=()).sampler_names == ()


@pytest.mark.parametrize("name", ROWS)
def test_the_sample_and_the_neutral_value_of_a_row_are_in_its_range(name: str) -> None:
    row = ROWS[name]
    options = GenerationOptions(**{**(row.beside or {}), name: row.sample})  # type: ignore[arg-type]
    assert getattr(options, name) != GenerationOptions.__dataclass_fields__[name].default
    if isinstance(row, StageRow):
        assert options.turns_on(name)
        assert row.range.holds(row.neutral)
        assert not GenerationOptions(**{name: row.neutral}).turns_on(name)
        assert not GenerationOptions().turns_on(name)


def test_every_option_has_its_row() -> None:
    assert list(ROWS) == [field.name for field in fields(GenerationOptions)]


def test_the_keyword_arguments_are_the_fields_and_their_aliases() -> None:
    hints = get_type_hints(GenerationOptions)
    hints |= {name: hints[name] | None for name, row in ROWS.items() if row.none_means is not None}
    kinds = hints | {"n": int}
    aliases = {alias: kinds[name] for alias, name in ALIASES.items()}
    assert get_type_hints(GenerationKeywords) == hints | aliases


def test_none_writes_a_text_to_its_end() -> None:
    assert generation_options({"max_new_tokens": None}).max_new_tokens == 1_000_000
    assert generation_options({"max_tokens": None, "top_k": None}).max_new_tokens == 1_000_000


def table_of_options() -> str:
    """Return the table of options as docs/generation.md shows it."""
    lines = ["| option | also accepted | default | what it may be | what it does |", "|---|---|---|---|---|"]
    for flag in SAMPLING.flags:
        row, aliases = ROWS.get(flag.name, N), ", ".join(f"`{alias}`" for alias in flag.aliases)
        words, does = row.range.fill(row.range.words), row.range.fill(row.help).replace("With --json: ", "")
        lines.append(f"| `{flag.name}` | {aliases} | {flag.default or 'none'} | {words} | {does} |")
    return "\n".join(lines) + "\n"


def test_the_documentation_has_every_option() -> None:
    page = DOCUMENTATION.read_text("utf-8")
    start = page.index("| option |")
    assert page[start : page.index("\n\n", start) + 1] == table_of_options()
    assert f"the samplers: {', '.join(f'`{name}`' for name in SAMPLERS)}, in this order" in page


def test_other_names_are_understood() -> None:
    options = generation_options({"max_tokens": 5, "temp": 0.5, "typ_p": 0.9, "stop_strings": "x"})
    assert options == GenerationOptions(max_new_tokens=5, temperature=0.5, typical_p=0.9, stop=("x",))


@pytest.mark.parametrize("names", [("temp", "temperature"), ("max_tokens", "n_predict")])
def test_two_names_for_one_thing_are_refused(names: tuple[str, str]) -> None:
    with pytest.raises(
        ConfigError, match=f"{names[0]} and {names[1]} are two names of one option: expected one of them"
    ):
        generation_options(dict.fromkeys(names, 1))


def test_an_unknown_name_is_answered_with_the_nearest() -> None:
    with pytest.raises(ConfigError, match=r"unknown option 'temprature'; did you mean 'temperature'"):
        generation_options({"temprature": 1})


def test_numbers_of_numpy_are_welcome() -> None:
    options = generation_options(
        {"top_k": np.int64(3), "top_p": np.float32(0.5), "temp": np.array([1, 0.5, 0]), "seed": np.uint8(7)}
    )  # fmt: skip
    assert options == GenerationOptions(top_k=3, top_p=0.5, temperature=(1.0, 0.5, 0.0), seed=7)
    assert GenerationOptions(top_k=np.int32(2), min_p=np.float64(0.1), temperature=np.ones(2)).top_k == 2
    with pytest.raises(ConfigError):
        GenerationOptions(top_k=np.True_)  # type: ignore[arg-type]


def test_ids_and_spellings_stay_apart() -> None:
    assert generation_options({"logit_bias": {5: 1, "5": 2, np.int64(6): 3}}).logit_bias == {
        5: 1,
        "5": 2,
        6: 3,
    }


def test_one_string_is_one_string() -> None:
    assert GenerationOptions(stop="ab", bad_words=["x", "y"]).stop == ("ab",)


@pytest.mark.parametrize(
    ("place", "wanted"), [(0, 1.0), (1, 0.8), (5, 0.0), (6, 0.4), (10, 2.0), (11, 2.0), (10**9, 2.0)]
)
def test_a_temperature_runs_along_a_schedule(place: int, wanted: float) -> None:
    options = GenerationOptions(temperature=(1, 0, 2), temperature_steps=10)
    assert options.temperature_at(place) == pytest.approx(wanted)
    assert GenerationOptions(temperature=0.3).temperature_at(place) == 0.3
    assert GenerationOptions(temperature=(0.5,)).temperature_at(place) == 0.5


def test_steps_without_a_schedule_are_refused() -> None:
    with pytest.raises(ConfigError, match="temperature_steps"):
        GenerationOptions(temperature_steps=10)


def test_a_sampler_that_is_left_out_must_be_off() -> None:
    options = GenerationOptions(samplers=("top_p", "temp"), top_p=0.5, temperature=0.7)
    assert options.sampler_names == ("top_p", "temperature")
    for left_out in ({"top_k": 1}, {"temperature": 0.5}):
        with pytest.raises(ConfigError, match=r"samplers must be .* too, or these off"):
            GenerationOptions(samplers=("top_p",), **left_out)  # type: ignore[arg-type]
