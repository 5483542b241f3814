"""Other libraries' names for the options of generation."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from unspool.errors import ConfigError

# What it is called in vLLM, Hugging Face transformers and llama.cpp -> what it is called here.
ALIASES: dict[str, str] = {
    "max_tokens": "max_new_tokens",
    "n_predict": "max_new_tokens",
    "min_new_tokens": "min_tokens",
    "temp": "temperature",
    "typical": "typical_p",
    "typ_p": "typical_p",
    "repeat_penalty": "repetition_penalty",
    "repeat_last_n": "penalty_last_n",
    "stop_strings": "stop",
    "include_stop_str_in_output": "include_stop",
    "n_probs": "logprobs",
    "num_return_sequences": "n",
}


class GenerationAliases(TypedDict, total=False):
    """Name the aliases where a function takes them as keyword arguments."""

    max_tokens: int
    n_predict: int
    min_new_tokens: int
    temp: float | Sequence[float]
    typical: float | None
    typ_p: float | None
    repeat_penalty: float | None
    repeat_last_n: int | None
    stop_strings: str | Sequence[str] | None
    include_stop_str_in_output: bool
    n_probs: int | None
    num_return_sequences: int


def by_own_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Give values the names that they have here.

    Raises:
        ConfigError: If something is given twice, under two names.
    """
    named: dict[str, Any] = {}
    given: dict[str, str] = {}
    for name, value in values.items():
        own = ALIASES.get(name, name)
        if own in named:
            raise ConfigError(
                f"parameters {given[own]} and {name}",
                expected="one of them: they mean the same",
                got=f"{named[own]!r} and {value!r}",
            )
        named[own], given[own] = value, name
    return named
