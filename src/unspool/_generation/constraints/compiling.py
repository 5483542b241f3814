"""Compile constraints: all their conditions become one automaton over the tokens of a vocabulary."""

from collections.abc import Iterator, Sequence
from functools import reduce
from itertools import combinations
from typing import NamedTuple

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import TokenAutomaton
from unspool._generation.automata.kept import KeptAutomata
from unspool._generation.constraints import parts
from unspool._generation.constraints.characters import CharacterAutomaton, intersect
from unspool._generation.constraints.constraint import Constraint
from unspool._generation.constraints.determinize import regex
from unspool._generation.constraints.lifting import Spellings, lift, spellings_of
from unspool._text.expressions.patterns import read_pattern, shown
from unspool._text.tokenizers.registry import Tokenizer

KEPT: KeptAutomata[TokenAutomaton] = KeptAutomata()


class Part(NamedTuple):
    """One condition of a constraint by name, with the automaton of the texts that meet it."""

    name: str
    automaton: CharacterAutomaton


def compile_constraint(constraint: Constraint, tokenizer: Tokenizer) -> TokenAutomaton:
    """Compile one constraint; see `compile_constraints`."""
    return compile_constraints((constraint,), tokenizer)


def compile_constraints(constraints: tuple[Constraint, ...], tokenizer: Tokenizer) -> TokenAutomaton:
    """Compile constraints that all hold at once; their scope is ignored.

    The conditions are about the text. At word level some texts can be built from the vocabulary in several
    ways, and all of these are allowed, not only that of `Tokenizer.encode`. `<pad>` and `<unk>` are never
    drawn. Strings are normalized as prompts are; a regular expression is not.

    Args:
        constraints: One or more constraints.
        tokenizer: The tokenizer of the model.

    Raises:
        ConfigError: If no text of the model's tokens meets them, or if the automaton would be too large.
    """
    return KEPT.get((constraints, tokenizer), lambda: _compile(constraints, tokenizer))


def _compile(constraints: tuple[Constraint, ...], tokenizer: Tokenizer) -> TokenAutomaton:
    spellings = spellings_of(tokenizer)
    compiled: list[Part] = []
    for number, constraint in enumerate(constraints, start=1):
        where = f"constraint {number}: " if len(constraints) > 1 else ""
        for part in _parts(constraint, tokenizer, spellings.alphabet):
            compiled.append(Part(where + part.name, part.automaton))
            if compiled[-1].automaton.empty:
                raise _unwritable(compiled[-1].name, _unknown_in(constraint, part.name, spellings.alphabet))
    if not compiled:
        compiled = [Part("nothing", parts.lengths(0, None, spellings.alphabet))]
    together = reduce(_both, (part.automaton for part in compiled))
    lifted = None if together.empty else lift(together, spellings)
    if lifted is None:
        raise _contradiction(compiled, spellings)
    return lifted


def _both(one: CharacterAutomaton, other: CharacterAutomaton) -> CharacterAutomaton:
    return one if one.empty else intersect(one, other)


def _parts(constraint: Constraint, tokenizer: Tokenizer, alphabet: str) -> Iterator[Part]:
    """Yield the automata of a constraint; small ones and ones that make others small come first."""
    for name, excluded in (("characters", False), ("excluded_characters", True)):
        named = getattr(constraint, name)
        if named is not None:
            automaton = parts.characters(named, alphabet, name=name, excluded=excluded)
            yield Part(f"{name} {shown(named)}", automaton)
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
        strings_of = getattr(constraint, name)
        for text in (strings_of,) if isinstance(strings_of, str) else strings_of or ():
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
    """Return a string in the tokenizer's form; refuse it if a character is in no symbol."""
    text = tokenizer.normalize(text)
    unknown = sorted(set(text) - set(alphabet))
    if unknown:
        raise _unwritable(f"{name} {shown(text)}", unknown)
    return text


def _unknown_in(constraint: Constraint, part: str, alphabet: str) -> list[str]:
    """Return the parts of a regular expression that no known character meets."""
    if constraint.regex is None or not part.startswith("regex"):
        return []
    return read_pattern(constraint.regex, alphabet).unknown()


def _unwritable(part: str, unknown: Sequence[str]) -> ConfigError:
    """Return the error for a condition that no text can meet."""
    listed = ", ".join(map(repr, unknown[:8]))
    return ConfigError(
        f"the model cannot write a text that meets the constraint {part}",
        got=f"characters that it does not know: {listed}" if unknown else None,
        hint="`unspool info DIR` shows the symbols that the model knows",
    )


def _contradiction(compiled: Sequence[Part], spellings: Spellings) -> ConfigError:
    """Return the error for conditions that no text can meet together; name one or two of them if possible."""
    for part in compiled:
        if lift(part.automaton, spellings) is None:
            return ConfigError(
                f"the model cannot write a text that meets the constraint {part.name}",
                hint="the symbols of this model are words, and it does not know a word that is needed",
            )
    guilty = [part.name for part in compiled]
    for one, other in combinations(compiled, 2):
        both = intersect(one.automaton, other.automaton)
        if both.empty or lift(both, spellings) is None:
            guilty = [one.name, other.name]
            break
    return ConfigError(
        f"the model cannot write a text that meets all constraints: {'; '.join(guilty)}",
        hint="leave one of them out",
    )
