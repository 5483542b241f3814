"""The options of generation as keyword arguments, under their own names or those of other libraries."""

from collections.abc import Mapping, Sequence
from typing import Any, TypedDict

from unspool.configuration import from_dict
from unspool.errors import ConfigError
from unspool.generation.options.generation_options import ALIASES, GenerationOptions


class GenerationKeywords(TypedDict, total=False):
    """Name the fields of `GenerationOptions`, and their aliases, where a function takes them as keywords.

    A type checker reads a TypedDict from the source alone, so it cannot be made from the rows: this is the
    one list of options beside the fields, and a test compares it with them.
    """

    temperature: float | Sequence[float]
    temperature_steps: int | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    samplers: str | Sequence[str] | None
    repetition_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    penalty_last_n: int | None
    no_repeat_ngram_size: int | None
    logit_bias: Mapping[str | int, float] | None
    bad_words: str | Sequence[str] | None
    stop: str | Sequence[str] | None
    include_stop: bool
    min_tokens: int
    max_new_tokens: int
    best_of: int | None
    logprobs: int | None
    echo: bool
    seed: int | None
    # the aliases
    temp: float | Sequence[float]
    max_tokens: int
    n_predict: int
    min_new_tokens: int
    stop_strings: str | Sequence[str] | None
    include_stop_str_in_output: bool
    typical: float | None
    typ_p: float | None
    repeat_penalty: float | None
    repeat_last_n: int | None
    n_probs: int | None
    num_return_sequences: int


def by_own_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values under the names that they have here.

    Raises:
        ConfigError: If something is given twice, under two names.
    """
    named: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for spelling, value in values.items():
        name = ALIASES.get(spelling, spelling)
        if name in named:
            raise ConfigError(
                f"parameters {spelled[name]} and {spelling}",
                expected="one of them: they mean the same",
                got=f"{named[name]!r} and {value!r}",
            )
        named[name], spelled[name] = value, spelling
    return named


def generation_options(keywords: GenerationKeywords | Mapping[str, Any]) -> GenerationOptions:
    """Make options from keyword arguments, whichever library's names they have.

    Raises:
        ConfigError: If a name is not known, with the nearest one that is, if something is given under two
            names, or if a value is out of its range.
    """
    plain = {
        name: value.tolist() if hasattr(value, "tolist") else value  # NumPy's
        for name, value in by_own_names(keywords).items()
    }
    return from_dict(GenerationOptions, plain, where="generation options")
