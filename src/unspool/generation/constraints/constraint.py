"""What a text must be: the public `Constraint`, and its meaning in plain Python."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

from unspool.configuration import check, is_whole
from unspool.errors import ConfigError

Scope = Literal["text", "continuation"]

LONGEST = 100_000  # characters; a table has a row for each

STRINGS = ("regex", "starts_with", "ends_with", "characters", "excluded_characters")
LISTS = ("contains", "excludes", "choices")


@dataclass(frozen=True, kw_only=True)
class Constraint:
    """Say what a text must be; all that is given holds at once, and None asks for nothing.

    At each place the symbols that cannot lead to such a text are left out, and the model chooses among the
    others. Every text that holds can come, but not as often as by drawing freely until one holds: the model
    does not know at the beginning what it will be held to at the end.

    Args:
        regex: The text matches it from its beginning to its end, as `re.fullmatch` decides. Lookarounds,
            backreferences, atomic groups and possessive quantifiers are refused.
        starts_with: What it begins with.
        ends_with: What it ends with.
        contains: A string, or several that are all in it.
        excludes: A string, or several of which none is in it.
        choices: It is one of these.
        characters: The only characters it may have: "abc", or a class of a regular expression in its
            brackets, "[a-z ]".
        excluded_characters: Characters it may not have, written likewise.
        min_length: Fewest characters, from 0 to 100,000.
        max_length: Most characters, from 0 to 100,000.
        scope: What must be so: "text" for the prompt and what is written after it together, "continuation"
            for what is written alone.

    Raises:
        ConfigError: If a value is out of its range.
    """

    regex: str | None = None
    starts_with: str | None = None
    ends_with: str | None = None
    contains: str | Sequence[str] | None = None
    excludes: str | Sequence[str] | None = None
    choices: Sequence[str] | None = None
    characters: str | None = None
    excluded_characters: str | None = None
    min_length: int | None = None
    max_length: int | None = None
    scope: Scope = "text"

    def __post_init__(self) -> None:
        """Check every value, and keep lists as tuples."""
        for name in STRINGS:
            value = getattr(self, name)
            ok = value is None or (isinstance(value, str) and (value != "" or name == "regex"))
            check(name, value, "a string that is not empty, or none", ok)
        for name in LISTS:
            object.__setattr__(self, name, _strings(name, getattr(self, name)))
        for name in ("min_length", "max_length"):
            value = getattr(self, name)
            ok = value is None or (is_whole(value, least=0) and value <= LONGEST)
            check(name, value, f"a whole number from 0 to {LONGEST}, or none", ok)
        if (self.min_length or 0) > (LONGEST if self.max_length is None else self.max_length):
            raise ConfigError(
                "parameter min_length",
                expected=f"at most max_length, {self.max_length}",
                got=str(self.min_length),
            )
        check("scope", self.scope, " or ".join(get_args(Scope)), self.scope in get_args(Scope))

    def holds(self, text: str) -> bool:
        """Tell whether a text, or a continuation by itself, is what the constraint asks for.

        This is what the compiled automaton means, word for word.
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


def _strings(name: str, value: object) -> tuple[str, ...] | None:
    """Give a list of strings as a tuple; one string stands for a list of it, but not among choices."""
    if value is None:
        return None
    alone = name != "choices"
    words = "a string or a list of strings" if alone else "a list of strings"
    if isinstance(value, str) and alone:
        value = (value,)
    ok = isinstance(value, Sequence) and not isinstance(value, (str, bytes)) and len(value) > 0
    check(name, value, f"{words} with something in it, or none", ok)
    items = tuple(value) if isinstance(value, Sequence) else ()
    for item in items:
        check(name, item, "strings alone", isinstance(item, str))
        check(name, item, "strings that are not empty", item != "" or not alone)
    return items


def chosen(characters: str, text: str) -> str:
    """Keep those characters of a text that `characters` names: one by one, or as a class in brackets.

    Raises:
        re.error: If what stands in the brackets is no class.
    """
    if is_class(characters):
        return "".join(re.findall(characters, text))
    allowed = frozenset(characters)
    return "".join(character for character in text if character in allowed)


def is_class(characters: str) -> bool:
    """Tell whether characters are written as a class of a regular expression."""
    return len(characters) > 2 and characters[0] == "[" and characters[-1] == "]"


ConstraintLike = Constraint | Sequence[Constraint] | None  # what functions take
