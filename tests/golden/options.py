"""What the golden texts are asked for: each option of generation alone, and many at random together."""

import random
from collections.abc import Callable
from typing import Any

import unspool

NEVER = float("-inf")

# Each in turn, with the rest as it is by default.
ALONE: tuple[dict[str, Any], ...] = (
    {}, {"temperature": 0.0}, {"temperature": 0.5}, {"temperature": 1.7}, {"temperature": (0.2, 1.5)},
    {"temperature": (1.5, 0.2, 0.9), "temperature_steps": 12}, {"top_k": 1}, {"top_k": 3}, {"top_p": 0.3},
    {"top_p": 0.9}, {"min_p": 0.05}, {"min_p": 0.5}, {"typical_p": 0.3}, {"typical_p": 0.9},
    {"temperature": 1.6, "top_k": 9, "top_p": 0.7},
    {"temperature": 1.6, "top_k": 9, "top_p": 0.7, "samplers": ["top_p", "top_k", "temperature"]},
    {"temperature": 1.6, "min_p": 0.1, "typical_p": 0.8, "samplers": ["typical_p", "temp", "min_p"]},
    {"repetition_penalty": 1.8}, {"repetition_penalty": 0.6}, {"presence_penalty": 1.5},
    {"presence_penalty": -1.0}, {"frequency_penalty": 0.7}, {"frequency_penalty": -0.3},
    {"repetition_penalty": 1.5, "penalty_last_n": 4}, {"frequency_penalty": 2.0, "penalty_last_n": 8},
    {"repetition_penalty": 1.3, "presence_penalty": 0.4, "frequency_penalty": 0.2},
    {"no_repeat_ngram_size": 1}, {"no_repeat_ngram_size": 2}, {"no_repeat_ngram_size": 3},
    {"logit_bias": {"e": 4.0}}, {"logit_bias": {"e": NEVER, " ": -2.5, "s": 1.0}}, {"logit_bias": {1: -1e6}},
    {"bad_words": "in"}, {"bad_words": ["a", "il", "the "]}, {"stop": "s"}, {"stop": [" ", "ain"]},
    {"stop": ["in", " "], "include_stop": True}, {"stop": "e", "min_tokens": 9}, {"min_tokens": 30},
    {"max_new_tokens": 1}, {"max_new_tokens": 5}, {"max_tokens": 7, "repeat_penalty": 1.2, "typ_p": 0.8},
    {"best_of": 6}, {"best_of": 4, "temperature": 0.6, "top_k": 5}, {"first": 7}, {"seed": 2**64 - 1},
    {"logprobs": 2, "max_new_tokens": 4}, {"echo": True, "logprobs": 1, "max_new_tokens": 3},
    {"echo": True, "max_new_tokens": 6}, {"top_n_sigma": 0.7}, {"temperature": 2.0, "top_n_sigma": 1.5},
    {"epsilon_cutoff": 0.1}, {"eta_cutoff": 0.1}, {"ignore_eos": True}, {"ignore_eos": True, "stop": "s"},
    {"dry_multiplier": 1.5}, {"dry_multiplier": 0.4, "dry_base": 3.0, "dry_allowed_length": 1},
    {"dry_multiplier": 2.0, "dry_allowed_length": 1, "dry_penalty_last_n": 12,
     "dry_sequence_breakers": [" ", "in"]},
    {"xtc_probability": 0.5}, {"xtc_probability": 1.0, "xtc_threshold": 0.02},
)  # fmt: skip

CONSTRAINTS: tuple[dict[str, Any], ...] = (
    {"regex": "[A-Z][a-z]+( [a-z]+){1,3}"}, {"regex": "(Oil|Gold) (ri|fa).*"}, {"regex": "a{12}"},
    {"regex": "[^aeiou]{5,9}"}, {"regex": r"\w+ \d\.\d%"}, {"regex": "(?i:the) .{4}"},
    {"starts_with": "Tokyo"}, {"ends_with": "again"}, {"contains": "sing"}, {"contains": ["oi", "in"]},
    {"excludes": "a"}, {"excludes": ["e", "in", "or"]}, {"choices": ["Oil falls", "Gold", "Rain sings"]},
    {"characters": "[a-n ]"}, {"characters": "aeiou"}, {"excluded_characters": "[A-Z]"},
    {"excluded_characters": "e "}, {"min_length": 20}, {"max_length": 6}, {"min_length": 9, "max_length": 9},
    {"starts_with": "a", "ends_with": "z", "max_length": 8}, {"contains": "ll", "excludes": "l "},
    {"regex": "[a-z ]*", "contains": "it", "min_length": 8, "max_length": 14},
)  # fmt: skip

VALUES: dict[str, Callable[[random.Random], Any]] = {
    "temperature": lambda draw: draw.choice([0.0, 0.3, 0.8, 1.2, 2.0, (0.3, 1.4)]),
    "top_k": lambda draw: draw.randrange(1, 20),
    "top_p": lambda draw: draw.choice([0.2, 0.7, 0.95]),
    "min_p": lambda draw: draw.choice([0.01, 0.1, 0.3]),
    "typical_p": lambda draw: draw.choice([0.3, 0.8, 0.95]),
    "repetition_penalty": lambda draw: draw.choice([0.7, 1.2, 2.0]),
    "presence_penalty": lambda draw: draw.choice([-0.5, 0.5, 3.0]),
    "frequency_penalty": lambda draw: draw.choice([-0.2, 0.4, 1.0]),
    "penalty_last_n": lambda draw: draw.randrange(1, 20),
    "no_repeat_ngram_size": lambda draw: draw.randrange(2, 5),
    "logit_bias": lambda draw: {draw.randrange(1, 20): draw.choice([NEVER, -2.0, 1.5]) for _ in range(3)},
    "bad_words": lambda draw: draw.sample(["a", "in", "Oil", "s ", "or"], 2),
    "stop": lambda draw: draw.sample([" ", "ing", "es", "t"], 2),
    "include_stop": lambda draw: draw.random() < 0.5,
    "min_tokens": lambda draw: draw.randrange(0, 12),
    "best_of": lambda draw: draw.randrange(2, 5),
}


def together(draw: random.Random, *, constrained: bool) -> dict[str, Any]:
    """Draw some options with values, none that a constraint refuses."""
    options = {name: value(draw) for name, value in VALUES.items() if draw.random() < 0.3}
    if constrained:
        options.pop("stop", None)
    return {**options, "max_new_tokens": draw.randrange(12, 40), "seed": draw.randrange(2**32)}


def random_constraint(draw: random.Random) -> dict[str, Any] | None:
    """Draw a constraint, now and then of two kinds, or none."""
    if draw.random() < 0.5:
        return None
    chosen = draw.choice(CONSTRAINTS)
    more: dict[str, Any] = {"max_length": 25} if draw.random() < 0.3 and "max_length" not in chosen else {}
    return {**chosen, **more, "scope": "continuation"}


def constraint(fields: dict[str, Any] | None) -> unspool.Constraint | None:
    """Make a constraint of its fields."""
    return None if fields is None else unspool.Constraint(**fields)
