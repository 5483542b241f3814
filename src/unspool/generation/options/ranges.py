"""What each option of generation may be, in words and as a test."""

import math
from collections.abc import Callable, Mapping
from typing import Any

from unspool.configuration import is_real, is_whole

SAMPLERS = ("temperature", "top_k", "top_p", "min_p", "typical_p")  # in the order in which they apply
LARGEST_BIAS = 1e6
LARGEST_FLOAT = 3.4e38  # that is finite in float32


def _optional(ok: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: value is None or ok(value)


def _whole_from(least: int) -> Callable[[Any], bool]:
    return lambda value: is_whole(value, least=least) and value < 2**31


def _within(least: float, most: float) -> Callable[[Any], bool]:
    return lambda value: is_real(value) and least <= value <= most


def _temperatures(value: Any) -> bool:
    numbers = value if isinstance(value, tuple) else (value,)
    return len(numbers) > 0 and all(_within(0, LARGEST_FLOAT)(number) for number in numbers)


def _strings(value: Any) -> bool:
    return isinstance(value, tuple) and all(isinstance(item, str) and item for item in value)


def _samplers(value: Any) -> bool:
    return isinstance(value, tuple) and set(value) <= set(SAMPLERS) and len(set(value)) == len(value)


def _biases(value: Any) -> bool:
    fits = _within(-LARGEST_BIAS, LARGEST_BIAS)
    return isinstance(value, Mapping) and all(
        (isinstance(key, str) or is_whole(key, least=0)) and (fits(bias) or bias == -math.inf)
        for key, bias in value.items()
    )


_SHARE = ("a number in (0, 1], or none", _optional(lambda p: is_real(p) and 0 < p <= 1))
_COUNT = ("a whole number from 1 to 2147483647, or none", _optional(_whole_from(1)))
_PENALTY = (f"a number from -{LARGEST_BIAS:.0f} to {LARGEST_BIAS:.0f}, or none",
            _optional(_within(-LARGEST_BIAS, LARGEST_BIAS)))  # fmt: skip
_TEXTS = ("a string or several, none of them empty, or none", _optional(_strings))
_SWITCH = ("true or false", lambda value: isinstance(value, bool))

RANGES: dict[str, tuple[str, Callable[[Any], bool]]] = {
    "temperature": ("a finite number ≥ 0, or several of them", _temperatures),
    "temperature_steps": _COUNT,
    "top_k": _COUNT,
    "top_p": _SHARE,
    "min_p": ("a number in [0, 1], or none", _optional(_within(0, 1))),
    "typical_p": _SHARE,
    "samplers": (f"some of {', '.join(SAMPLERS)}, each once, or none", _optional(_samplers)),
    "repetition_penalty": ("a number from 0.01 to 100, or none", _optional(_within(0.01, 100))),
    "presence_penalty": _PENALTY,
    "frequency_penalty": _PENALTY,
    "penalty_last_n": _COUNT,
    "no_repeat_ngram_size": _COUNT,
    "logit_bias": (
        f"symbols or ids, each with a number up to ±{LARGEST_BIAS:.0f} or minus infinity, or none",
        _optional(_biases),
    ),
    "bad_words": _TEXTS,
    "stop": _TEXTS,
    "include_stop": _SWITCH,
    "min_tokens": ("a whole number ≥ 0", _whole_from(0)),
    "max_new_tokens": ("a whole number from 1 to 2147483647", _whole_from(1)),
    "best_of": _COUNT,
    "logprobs": _COUNT,
    "echo": _SWITCH,
    "seed": (
        "a whole number from 0 to 18446744073709551615, or none",
        _optional(lambda seed: is_whole(seed, least=0) and seed < 2**64),
    ),
}
