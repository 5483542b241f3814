"""The public `Constraint`, and its meaning in plain Python."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Literal, get_args

from unspool._configuration import Allowed, OptionRow, check, check_rows, whole_range
from unspool._views.short_repr import short_repr

Scope = Literal["text", "continuation"]

LONGEST = 100_000  # most characters of a text; a table has a row for each


def _fits_choices(value: Any) -> bool:
    filled = isinstance(value, Sequence) and not isinstance(value, str | bytes) and len(value) > 0
    return filled and all(isinstance(item, str) for item in value)


REGEX = Allowed("a string", lambda value: isinstance(value, str))
STRING = Allowed(
    "a string that is not empty",
    lambda value: isinstance(value, str) and value != "",
    bounds={"minLength": 1},
)
STRINGS = Allowed(
    "one or more strings that are not empty",
    lambda value: _fits_choices(value) and all(value),
    bounds={"minLength": 1, "minItems": 1},
)
CHOICES = Allowed("a list of one or more strings", _fits_choices, bounds={"minItems": 1})
LENGTH = whole_range(0, LONGEST)
SCOPE = Allowed(" or ".join(get_args(Scope)), lambda value: value in get_args(Scope))


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """Conditions that a text must meet; all given conditions hold at once, and None means no condition.

    At each place the tokens that cannot lead to such a text are left out, and the model chooses among the
    others. Every text that meets the conditions can be drawn, but not with the same chance as by free drawing
    until one meets them: at the beginning the model does not know the conditions at the end.

    Args:
        regex: A regular expression that matches the whole text, as in `re.fullmatch`. Lookarounds,
            backreferences, atomic groups and possessive quantifiers are refused.
        starts_with: The beginning of the text.
        ends_with: The end of the text.
        contains: A string, or several, which the text must contain.
        excludes: A string, or several, which the text must not contain.
        choices: All allowed texts.
        characters: The only allowed characters: "abc", or a class of a regular expression in its brackets,
            "[a-z ]".
        excluded_characters: Characters that are not allowed, written in the same way.
        min_length: Lowest number of characters, from 0 to 100,000.
        max_length: Highest number of characters, from 0 to 100,000.
        scope: The part that must meet the conditions: "text" for the prompt and the new text together,
            "continuation" for the new text alone.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> from unspool import Constraint
        >>> constraint = Constraint(regex="[a-z]+", max_length=5)
        >>> constraint.holds("abc"), constraint.holds("abcdef")
        (True, False)
    """

    # fmt: off
    regex: Annotated[str | None, OptionRow(REGEX, "Regular expression that the whole text matches")] = None
    starts_with: Annotated[str | None, OptionRow(STRING, "The text begins with this", escapes=True)] = None
    ends_with: Annotated[str | None, OptionRow(STRING, "The text ends with this", escapes=True)] = None
    contains: Annotated[str | Sequence[str] | None, OptionRow(
        STRINGS, "The text contains this; may be repeated", escapes=True)] = None
    excludes: Annotated[str | Sequence[str] | None, OptionRow(
        STRINGS, "The text does not contain this; may be repeated", escapes=True)] = None
    choices: Annotated[Sequence[str] | None, OptionRow(
        CHOICES, "The text is one of the given choices; may be repeated", flag="choice")] = None
    characters: Annotated[str | None, OptionRow(
        STRING, "Allowed characters: abc, or a class [a-z ]")] = None
    excluded_characters: Annotated[str | None, OptionRow(
        STRING, "Forbidden characters: abc, or a class [a-z ]")] = None
    min_length: Annotated[int | None, OptionRow(LENGTH, "Shortest text, in characters")] = None
    max_length: Annotated[int | None, OptionRow(LENGTH, "Longest text, in characters")] = None
    scope: Annotated[Scope, OptionRow(
        SCOPE, "What these constraints apply to: text, or continuation (without the prompt)")] = "text"
    # fmt: on

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Check every value, and store lists as tuples."""
        for name in ("contains", "excludes"):
            if isinstance(getattr(self, name), str):
                object.__setattr__(self, name, (getattr(self, name),))
        check_rows(self)
        for name in ("contains", "excludes", "choices"):
            if getattr(self, name) is not None:
                object.__setattr__(self, name, tuple(getattr(self, name)))
        most = LONGEST if self.max_length is None else self.max_length
        check("min_length", self.min_length, f"at most max_length ({most})", (self.min_length or 0) <= most)

    def holds(self, text: str) -> bool:
        """Return whether a text, or a continuation by itself, meets the conditions.

        The compiled automaton has exactly this meaning.

        Example:
            >>> unspool.Constraint(starts_with="a", max_length=4).holds("anna")
            True
        """
        return (
            (self.regex is None or re.fullmatch(self.regex, text) is not None)
            and text.startswith(self.starts_with or "")
            and text.endswith(self.ends_with or "")
            and all(part in text for part in self.contains or ())
            and not any(part in text for part in self.excludes or ())
            and (self.choices is None or text in self.choices)
            and (self.characters is None or chosen(self.characters, text) == text)
            and (self.excluded_characters is None or chosen(self.excluded_characters, text) == "")
            and (self.min_length or 0)
            <= len(text)
            <= (len(text) if self.max_length is None else self.max_length)
        )


def chosen(characters: str, text: str) -> str:
    """Return the characters of a text that `characters` names: one by one, or as a class in brackets.

    Raises:
        re.error: If the brackets do not contain a class.
    """
    if is_class(characters):
        return "".join(re.findall(characters, text))
    allowed = frozenset(characters)
    return "".join(character for character in text if character in allowed)


def is_class(characters: str) -> bool:
    """Return whether characters are written as a class of a regular expression."""
    return len(characters) > 2 and characters[0] == "[" and characters[-1] == "]"


ConstraintLike = Constraint | Sequence[Constraint] | None  # accepted by functions
