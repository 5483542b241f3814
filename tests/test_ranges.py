"""What every range says in words is what it allows, to the last number."""

import math
import re
from collections.abc import Iterator

import pytest

import unspool
from unspool._configuration import Allowed, rows_of
from unspool._generation.selecting.selection import Selection
from unspool._serving.limits import Limits
from unspool._sweeping.sweep_config import SweepConfig

NUMBER = r"(-?\d+(?:\.\d+)?)"
MOST = 2**31 - 1
# The least and the greatest number of each option; a bracket that is round leaves its number out.
BOUNDS = f"""
Limits max_concurrent max_connections max_prompt max_tokens max_texts max_pattern [1 {MOST}]
Limits max_trainings [1 {MOST}]
Limits max_queue [0 {MOST}]
Limits max_memory max_body max_upload max_headers max_buffer max_read_memory [1024 {2**40}]
Limits max_levels [1 100]
Limits compile_seconds header_seconds body_seconds write_seconds idle_seconds text_seconds (0 86400]
Limits stop_seconds read_seconds (0 86400]
GenerationOptions temperature_steps top_k penalty_last_n no_repeat_ngram_size dry_allowed_length [1 {MOST}]
GenerationOptions dry_penalty_last_n max_new_tokens best_of logprobs [1 {MOST}]
GenerationOptions seed [0 {2**64 - 1}]
GenerationOptions min_tokens [0 inf)
GenerationOptions top_n_sigma (0 100]
GenerationOptions mirostat_tau (0 1000]
GenerationOptions top_p typical_p (0 1]
GenerationOptions min_p xtc_probability xtc_threshold mirostat_eta [0 1]
GenerationOptions epsilon_cutoff eta_cutoff [0 1)
GenerationOptions repetition_penalty [0.01 100]
GenerationOptions presence_penalty frequency_penalty [-1000000 1000000]
GenerationOptions dry_multiplier [0 1000000]
GenerationOptions dry_base [1 100]
Constraint min_length max_length [0 100000]
TrainingConfig batch_size sequence_length [1 1048576]
TrainingConfig epochs max_validation_symbols patience threads [1 inf)
TrainingConfig minutes learning_rate epsilon clip_norm (0 inf)
TrainingConfig weight_decay checkpoint_seconds [0 inf)
TrainingConfig warmup_fraction beta1 beta2 rho momentum context_dropout [0 1)
TrainingConfig floor_fraction state_reset [0 1]
TrainingConfig ema validation_fraction (0 1)
NetworkConfig hidden_size embedding_size [1 65536]
NetworkConfig num_layers [1 1024]
NetworkConfig dropout input_dropout recurrent_dropout [0 1)
NetworkConfig context_size [1 inf)
NetworkConfig start_size [0 inf)
NetworkConfig vocab_size source_vocab_size [2 inf)
SweepConfig seeds trials finalists evaluations [1 100000]
SweepConfig minutes_per_trial (0 inf)
SweepConfig symbols_per_trial [1 inf)
Selection max_attempts [1 inf)
"""
CONFIGS: tuple[type, ...] = (
    unspool.GenerationOptions, unspool.Constraint, unspool.TrainingConfig, unspool.NetworkConfig, SweepConfig,
    Selection, Limits,
)  # fmt: skip
RANGES = {
    f"{cls.__name__} {name}": row.range
    for cls in CONFIGS
    for name, row in rows_of(cls).items()
    if re.match(r"a (whole )?number\b(?! in \[0, 2\*)", row.range.words) and "share" not in row.range.words
}


def bounds() -> Iterator[tuple[str, str]]:
    for line in BOUNDS.split("\n")[1:-1]:
        cls, *names, low, high = line.split(" ")
        yield from ((f"{cls} {name}", f"{low} {high}") for name in names)


def said(words: str) -> str:
    """Return the bounds that are said in words, in brackets."""
    words = words.removesuffix(", or None")
    for pattern, bounds in (
        (rf"a (?:whole )?number from {NUMBER} to {NUMBER}", r"[\1 \2]"),
        (rf"a (?:whole )?number ≥ {NUMBER}", r"[\1 inf)"),
        (rf"a number > {NUMBER}", r"(\1 inf)"),
        (rf"a number above {NUMBER},? (?:and )?up to {NUMBER}", r"(\1 \2]"),
        (rf"a number in ([\[(]){NUMBER}, {NUMBER}([\])])", r"\1\2 \3\4"),
    ):
        if re.fullmatch(pattern, words):
            return re.sub(pattern, bounds, words)
    return words


def held(allowed: Allowed, bound: str, *, upwards: int) -> tuple[bool, bool]:
    """Return whether a bound is allowed, and the number beyond it."""
    whole = "whole" in allowed.words
    number = int(bound) if whole else float(bound)
    beyond = number + upwards if whole else math.nextafter(number, upwards * math.inf)
    return allowed.holds(number), allowed.holds(beyond)


@pytest.mark.parametrize(("option", "bounds"), [*bounds()])
def test_the_words_and_the_bounds_are_these(option: str, bounds: str) -> None:
    allowed, (low, high) = RANGES[option], bounds.split(" ")
    assert said(allowed.words) == bounds
    assert held(allowed, low[1:], upwards=-1) == (low[0] == "[", False)
    if high == "inf)":
        assert allowed.holds(10**9)
        assert not allowed.holds(math.inf)
    else:
        assert held(allowed, high[:-1], upwards=1) == (high[-1] == "]", False)
    assert not any(allowed.holds(wrong) for wrong in (True, "1", math.nan, [1]))
    assert allowed.holds(1.5) is False or "whole" not in allowed.words


def test_every_number_has_its_bounds_here() -> None:
    assert {option for option, _ in bounds()} == set(RANGES)


SIDES = {
    "minimum": (-1, True),
    "exclusiveMinimum": (-1, False),
    "maximum": (1, True),
    "exclusiveMaximum": (1, False),
}


@pytest.mark.parametrize("option", RANGES)
def test_the_bounds_for_other_programs_are_those(option: str) -> None:
    allowed = RANGES[option]
    assert allowed.bounds.keys() & {"minimum", "exclusiveMinimum"}
    for name, number in allowed.bounds.items():
        upwards, included = SIDES[name]
        assert held(allowed, str(number), upwards=upwards) == (included, False)
