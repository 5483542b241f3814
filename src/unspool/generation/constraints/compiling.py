"""Compile constraints: all that they ask for becomes one automaton over the symbols of a vocabulary."""

from collections.abc import Iterator, Sequence
from functools import lru_cache, reduce
from itertools import combinations
from typing import NamedTuple

from unspool.errors import ConfigError
from unspool.generation.automata.automaton import TokenAutomaton
from unspool.generation.constraints import parts
from unspool.generation.constraints.characters import CharacterAutomaton, intersect
from unspool.generation.constraints.constraint import Constraint
from unspool.generation.constraints.determinize import regex
from unspool.generation.constraints.lifting import Spellings, lift, spellings_of
from unspool.generation.constraints.patterns import read_pattern, shown
from unspool.text.tokenizers.registry import Tokenizer


class Part(NamedTuple):
    """Name one thing that a constraint asks for, with the automaton of the texts that have it."""

    name: str
    automaton: CharacterAutomaton


def compile_constraint(constraint: Constraint, tokenizer: Tokenizer) -> TokenAutomaton:
    """Compile one constraint; see `compile_constraints`."""
    return compile_constraints((constraint,), tokenizer)


@lru_cache(maxsize=4)
def compile_constraints(constraints: tuple[Constraint, ...], tokenizer: Tokenizer) -> TokenAutomaton:
    """Compile constraints that all hold at once, whatever their scope.

    What is held to them is the text. At word level some texts can be put together from the vocabulary in
    several ways, and every one of them is let through, not only that of `Tokenizer.encode`. `<pad>` and
    `<unk>` never come. Strings are brought into the tokenizer's Unicode form, as prompts are; a regular
    expression is taken as it is.

    Args:
        constraints: One or more.
        tokenizer: Of the model.

    Raises:
        ConfigError: If no text of the model's symbols is what they ask for, or if the automaton would be
            too large.
    """
    spellings = spellings_of(tokenizer)
    made: list[Part] = []
    for number, constraint in enumerate(constraints, start=1):
        where = f"constraint {number}: " if len(constraints) > 1 else ""
        for part in _parts(constraint, tokenizer, spellings.alphabet):
            made.append(Part(where + part.name, part.automaton))
            if made[-1].automaton.empty:
                raise _unwritable(made[-1].name, _unknown_in(constraint, part.name, spellings.alphabet))
    if not made:
        made = [Part("nothing", parts.lengths(0, None, spellings.alphabet))]
    together = reduce(_both, (part.automaton for part in made))
    lifted = None if together.empty else lift(together, spellings)
    if lifted is None:
        raise _contradiction(made, spellings)
    return lifted


def _both(one: CharacterAutomaton, other: CharacterAutomaton) -> CharacterAutomaton:
    return one if one.empty else intersect(one, other)


def _parts(constraint: Constraint, tokenizer: Tokenizer, alphabet: str) -> Iterator[Part]:
    """Make the automata of a constraint, those first that are small or make others small."""
    for name, excluded in (("characters", False), ("excluded_characters", True)):
        written = getattr(constraint, name)
        if written is not None:
            automaton = parts.characters(written, alphabet, name=name, excluded=excluded)
            yield Part(f"{name} {shown(written)}", automaton)
    if constraint.choices is not None:
        known = [_known("choices", text, tokenizer, alphabet) for text in constraint.choices]
        yield Part(f"the {len(known):,} choices", parts.choices(known, alphabet))
    if constraint.regex is not None:
        yield Part(f"regex {shown(constraint.regex)}", regex(constraint.regex, alphabet))
    strings = (
        ("starts_with", parts.starts_with),
        ("contains", parts.contains),
        ("ends_with", parts.ends_with),
    )
    for name, make in strings:
        given = getattr(constraint, name)
        for text in (given,) if isinstance(given, str) else given or ():
            yield Part(f"{name} {shown(text)}", make(_known(name, text, tokenizer, alphabet), alphabet))
    if constraint.excludes is not None:
        texts = [tokenizer.normalize(text) for text in constraint.excludes]
        yield Part(f"excludes {shown(', '.join(texts))}", parts.excludes(texts, alphabet))
    yield from _length(constraint, alphabet)


def _length(constraint: Constraint, alphabet: str) -> Iterator[Part]:
    limits = [
        f"{name} {value}"
        for name in ("min_length", "max_length")
        if (value := getattr(constraint, name)) is not None
    ]
    if limits:
        automaton = parts.lengths(constraint.min_length or 0, constraint.max_length, alphabet)
        yield Part(" and ".join(limits), automaton)


def _known(name: str, text: str, tokenizer: Tokenizer, alphabet: str) -> str:
    """Bring a string into the tokenizer's form, and refuse one with a character that no symbol has."""
    text = tokenizer.normalize(text)
    unknown = sorted(set(text) - set(alphabet))
    if unknown:
        raise _unwritable(f"{name} {shown(text)}", unknown)
    return text


def _unknown_in(constraint: Constraint, part: str, alphabet: str) -> list[str]:
    """List what a regular expression asks for and no symbol has."""
    if constraint.regex is None or not part.startswith("regex"):
        return []
    return read_pattern(constraint.regex, alphabet).unknown()


def _unwritable(part: str, unknown: Sequence[str]) -> ConfigError:
    """Say that a part cannot be met by itself."""
    listed = ", ".join(map(repr, unknown[:8]))
    return ConfigError(
        f"the constraint {part}",
        expected="something that the model can write",
        got=f"characters that it does not know: {listed}" if unknown else "no text at all that it can write",
        hint="`unspool info DIR` shows the symbols that it knows",
    )


def _contradiction(made: Sequence[Part], spellings: Spellings) -> ConfigError:
    """Find the part, or else the two parts, that cannot be met; with luck there are no more to it."""
    for part in made:
        if lift(part.automaton, spellings) is None:
            return ConfigError(
                f"the constraint {part.name}",
                expected="something that the model can write",
                got="no text that can be put together from its symbols",
                hint="the symbols of this model are words: one of those needed is not among them",
            )
    guilty = [part.name for part in made]
    for one, other in combinations(made, 2):
        both = intersect(one.automaton, other.automaton)
        if both.empty or lift(both, spellings) is None:
            guilty = [one.name, other.name]
            break
    return ConfigError(
        f"the constraints {'; '.join(guilty)}",
        expected="some text that meets them all",
        got="none that the model can write",
        hint="leave one of them out",
    )
