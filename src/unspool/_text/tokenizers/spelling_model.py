"""How probable the spelling of a word is that has no symbol of its own.

A word that a `max_vocab_size` cut off is read as ``<unk>``. The network says how probable ``<unk>`` is; this
model says how probable each spelling is then, character by character, so that the product is the probability
of the word itself. With c(h, x) the number of times that character x, or the end of the word, came after h in
the words that were cut off, n(h) their sum and t(h) the number of different x::

    P(x | h) = (c(h, x) + t(h) · P(x | h')) / (n(h) + t(h))

h is the last two characters of the word so far, or all it has at its start; h' is the last one, or the start;
h'' is none. Below them, each of the 1,112,064 characters of Unicode and the end are equally probable. This is
the escape "method C" of Witten and Bell, "The Zero-Frequency Problem" (1991), interpolated as in Chen and
Goodman, "An Empirical Study of Smoothing Techniques for Language Modeling" (1999). P(· | h) sums to 1, and so
do all spellings together, to at most 1.
"""

import functools
import math
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

from unspool._text.tokenizers.tokenizer_files import expect

CONTEXT = 2  # characters of a word that the next one depends on
END = ""  # what comes after the last character
FIRST_SURROGATE, SURROGATES = 0xD800, 0x800  # no characters
CHOICES = 0x110000 - SURROGATES + 1  # characters of Unicode, without surrogates, and the end

Counts = Mapping[str, Mapping[str, int]]


@dataclass(frozen=True)
class SpellingModel:
    """A model of the characters of words.

    Args:
        counts: For each context, at most the last two characters of a word so far, the number of times that
            each character came next; "" stands for the end of the word.

    Example:
        >>> model = SpellingModel.fit({"so": 3, "on": 1})
        >>> model.counts["s"]
        {'o': 3}
        >>> model.nats("so") < model.nats("sn") < model.nats("zz")
        True
    """

    counts: Counts

    def __hash__(self) -> int:
        return hash(frozenset(self.counts))

    @classmethod
    def fit(cls, words: Mapping[str, int]) -> Self:
        """Make the model of some words.

        Args:
            words: The words, each with the number of times that it is counted; 0 leaves it out.
        """
        counts: dict[str, Counter[str]] = {}
        for word, number in sorted(words.items()):
            for place, character in enumerate([*word, END] if number else ()):
                before = word[max(0, place - CONTEXT) : place]
                counts.setdefault(before, Counter())[character] += number
        return cls({before: dict(sorted(after.items())) for before, after in sorted(counts.items())})

    def nats(self, word: str) -> float:
        """Return minus the natural logarithm of the probability of a word's characters and its end."""
        places = enumerate([*word, END])
        return math.fsum(-math.log(self.probability(x, word[:place])) for place, x in places)

    def probability(self, character: str, before: str) -> float:
        """Return the probability of the next character of a word.

        Args:
            character: The character, or "" for the end.
            before: All characters of the word before it.
        """
        probability = 1 / CHOICES
        for length in range(min(CONTEXT, len(before) + 1) + 1):  # 1 at the start: that it is the start
            after = self._levels[length].get(before[-length:] if length else "", Counter())
            different = len(after)
            if different:
                mixed = after.get(character, 0) + different * probability
                probability = mixed / (sum(after.values()) + different)
        return probability

    def draw(self, random: Callable[[], float]) -> str:
        """Draw a word by its probability.

        Args:
            random: A function that returns random numbers from 0 to below 1.
        """
        word = ""
        while (character := self._next(word, random)) != END:
            word += character
        return word

    def _next(self, before: str, random: Callable[[], float]) -> str:
        """Draw the next character of a word, or its end: from the longest context, or else a shorter one."""
        for length in range(min(CONTEXT, len(before) + 1), -1, -1):
            after = self._levels[length].get(before[-length:] if length else "", Counter())
            place = random() * (sum(after.values()) + len(after))
            for character, count in after.items():
                if place < count:
                    return character
                place -= count
        code = int(random() * CHOICES)
        return END if code == CHOICES - 1 else chr(code if code < FIRST_SURROGATE else code + SURROGATES)

    @functools.cached_property
    def _levels(self) -> list[dict[str, Counter[str]]]:
        """The counts after the last 0, 1 and 2 characters."""
        levels: list[dict[str, Counter[str]]] = []
        for length in range(CONTEXT + 1):
            level: dict[str, Counter[str]] = {}
            for before, after in self.counts.items():
                level.setdefault(before[-length:] if length else "", Counter()).update(after)
            levels.append(level)
        return levels

    @classmethod
    def of_json(cls, value: Any, *, where: str, key: str) -> Self:
        """Read the model from the value of a tokenizer file.

        Args:
            value: The value, in JSON types.
            where: The name of the file, for messages.
            key: The key of the value.

        Raises:
            TokenizerError: If it is not such a model.
        """
        ok = isinstance(value, dict) and all(
            len(before) <= CONTEXT
            and isinstance(after, dict)
            and after
            and all(map(_is_count, after.items()))
            for before, after in value.items()
        )
        expected = f"whole numbers ≥ 1 by the next character, by the {CONTEXT} characters before it"
        expect(ok, where, key, expected, value)
        return cls(value)


def _is_count(item: tuple[str, Any]) -> bool:
    character, count = item
    return len(character) <= 1 and type(count) is int and count >= 1
