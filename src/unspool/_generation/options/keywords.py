"""Options of generation from keyword arguments, by their names here or in other libraries."""

from collections.abc import Mapping
from typing import Any

from unspool._configuration import check, from_dict, names_elsewhere, refuse_unknown
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import (
    ALIASES,
    ROWS,
    GenerationKeywords,
    GenerationOptions,
    N,
)
from unspool._generation.search.search_options import BeamOptions
from unspool._generation.selecting.selection import Selection

# What other libraries call the arguments of `generate` that are no options.
ARGUMENTS: dict[str, tuple[str, ...]] = {
    "prompt": ("prompts", "text", "text_inputs", "input", "inputs", "input_ids", "start_string", "seed_text"),
    "n": N.elsewhere,
    "constraint": ("grammar", "pattern", "regex", "prefix_allowed_tokens_fn"),
    "unique": ("dedup", "deduplicate"),
}


def by_own_names(values: Mapping[str, Any]) -> dict[str, Any]:
    """Return values by the names of the options here.

    Args:
        values: Values by their names here or in other libraries.

    Raises:
        ConfigError: If an option has two values, under two names.
    """
    named: dict[str, Any] = {}
    spelled: dict[str, str] = {}
    for spelling, value in values.items():
        name = ALIASES.get(spelling, spelling)
        if name in named:
            raise ConfigError(
                f"{spelled[name]} and {spelling} are two names of one option",
                expected="one of them",
                got=f"{named[name]!r} and {value!r}",
            )
        named[name], spelled[name] = value, spelling
    return named


def generation_options(keywords: GenerationKeywords | Mapping[str, Any]) -> GenerationOptions:
    """Make options from keyword arguments, by their names here or in other libraries.

    Raises:
        ConfigError: If a name is unknown, an option has two values, or a value is out of its range.
    """
    plain = {
        name: value.tolist() if hasattr(value, "tolist") else value  # NumPy's
        for name, value in by_own_names(keywords).items()
    }
    off = {name: ROWS[name].none_means for name, value in plain.items() if value is None and name in ROWS}
    return from_dict(GenerationOptions, plain | off, where="")


def options_and_n(keywords: Mapping[str, Any], n: int) -> tuple[GenerationOptions, int]:
    """Return the options of keyword arguments, and the number of texts.

    Args:
        keywords: Options by their names here or in other libraries; the number of texts may be among them
            under another library's name.
        n: The number of texts, if it is not among the keywords.

    Raises:
        ConfigError: If a name is unknown, an option has two values, or a value is out of its range.
    """
    named = by_own_names(keywords)
    _refuse_unknown(named)
    if "n" in named:
        check("n", n, "left out where num_return_sequences is used: they are the same option", n == 1)
        n = named.pop("n")
    check("n", n, N.range.words, N.range.holds(n))
    return generation_options(named), int(n)


def _refuse_unknown(values: Mapping[str, Any]) -> None:
    """Refuse a name that `generate` does not have, and name the right one, or beam search for its own."""
    known = (*ROWS, *ARGUMENTS, *Selection.__dataclass_fields__)
    for name in values:
        if name in BeamOptions.__dataclass_fields__ and name not in known:
            raise ConfigError(f"unknown option {name!r}", hint=f"it belongs to beam_search({name}=...)")
    elsewhere = {other: name for name, others in ARGUMENTS.items() for other in others}
    refuse_unknown(values, known, "", names_elsewhere(GenerationOptions) | elsewhere)
