"""Where the range of every option of generation begins and ends: the last number of it, and the next one."""

import math
import struct
from typing import Any

import pytest

from unspool._errors import ConfigError
from unspool._generation.options.generation_options import ROWS, GenerationOptions
from unspool._generation.options.keywords import generation_options

BELOW_ONE = math.nextafter(1.0, 0)
TINY = math.nextafter(0.0, 1)
COUNT = (1, 2147483647)
FROM_0_TO_1 = (0.0, 1.0)
ABOVE_0_TO_1 = (TINY, 1.0)
BELOW_1 = (0.0, BELOW_ONE)
PENALTY = (-1000000.0, 1000000.0)
ENDS: dict[str, tuple[Any, Any]] = {
    "temperature": (0.0, 3.4e38),
    "temperature_steps": COUNT,
    "top_n_sigma": (TINY, 100.0),
    "top_k": COUNT,
    "top_p": ABOVE_0_TO_1,
    "min_p": FROM_0_TO_1,
    "typical_p": ABOVE_0_TO_1,
    "epsilon_cutoff": BELOW_1,
    "eta_cutoff": BELOW_1,
    "xtc_probability": FROM_0_TO_1,
    "xtc_threshold": FROM_0_TO_1,
    "mirostat_tau": (TINY, 1000.0),
    "mirostat_eta": FROM_0_TO_1,
    "repetition_penalty": (0.01, 100.0),
    "presence_penalty": PENALTY,
    "frequency_penalty": PENALTY,
    "penalty_last_n": COUNT,
    "no_repeat_ngram_size": COUNT,
    "dry_multiplier": (0.0, 1000000.0),
    "dry_base": (1.0, 100.0),
    "dry_allowed_length": COUNT,
    "dry_penalty_last_n": COUNT,
    "min_tokens": (0, 2147483647),
    "max_new_tokens": COUNT,
    "best_of": COUNT,
    "logprobs": COUNT,
    "seed": (0, 18446744073709551615),
}
OF_OTHERS = ("samplers", "dry_sequence_breakers", "logit_bias", "bad_words", "stop")


def beside(name: str) -> dict[str, Any]:
    """Return what must be set for the ends of an option to be allowed."""
    if name == "temperature_steps":
        return {"temperature": (1.0, 0.5)}
    return {"max_new_tokens": 2147483647} if name == "min_tokens" else {}


def test_every_option_that_is_a_number_is_here() -> None:
    switches = ("include_stop", "ignore_eos", "allow_unk", "echo")
    assert sorted([*ENDS, *OF_OTHERS, *switches]) == sorted(ROWS)


@pytest.mark.parametrize("name", ENDS)
def test_the_first_and_the_last_number_are_allowed_and_the_next_ones_are_not(name: str) -> None:
    least, most = ENDS[name]
    for value in (least, most):
        options = generation_options({**beside(name), name: value})
        assert getattr(options, name) == value
    whole = isinstance(least, int)
    for value in (
        least - 1 if whole else math.nextafter(least, -math.inf),
        most + 1 if whole else math.nextafter(most, math.inf),
    ):
        with pytest.raises(ConfigError, match=rf"^{name} must be"):
            GenerationOptions(**{**beside(name), name: value})


def test_each_temperature_of_a_schedule_is_in_the_range_of_one() -> None:
    assert GenerationOptions(temperature=(0.0, 3.4e38)).temperatures == (0.0, 3.4e38)
    for value in (-TINY, math.nextafter(3.4e38, math.inf)):
        with pytest.raises(ConfigError, match=r"^temperature must be a finite number ≥ 0, or several"):
            GenerationOptions(temperature=(0.5, value))


def test_the_highest_temperature_is_a_number_in_float32() -> None:
    assert struct.unpack("f", struct.pack("f", ENDS["temperature"][1]))[0] < math.inf


def test_a_bias_is_as_large_as_a_penalty_or_forbids_its_symbol() -> None:
    biases: dict[str | int, float] = {0: PENALTY[0], "a": PENALTY[1], 2: -math.inf}
    assert GenerationOptions(logit_bias=biases).logit_bias == biases
    for bias in (math.nextafter(PENALTY[0], -math.inf), math.nextafter(PENALTY[1], math.inf), math.inf):
        with pytest.raises(ConfigError, match=r"^logit_bias must be .* up to ±1000000 or minus infinity"):
            GenerationOptions(logit_bias={0: bias})


def test_the_ids_of_a_breaker_begin_at_1() -> None:
    assert GenerationOptions(dry_sequence_breakers=((1,), "a")).dry_sequence_breakers == ((1,), "a")
    for wrong in (((0,),), ((),), ("",), ((1, -1),)):
        with pytest.raises(ConfigError, match=r"^dry_sequence_breakers must be"):
            GenerationOptions(dry_sequence_breakers=wrong)
