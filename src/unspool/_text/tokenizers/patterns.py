r"""Tokenizers whose symbols are found by a regular expression.

The expression cuts the texts that the tokenizer learns from; what it does not cover is cut by character. The
pieces that were found are the symbols, and from then on a text is cut into the longest of them. Where a piece
is known, that is how the expression cuts it; one that is not is read as known parts of it, if it has any.
"""

import functools
from collections import Counter as Tally
from collections.abc import Iterable, Mapping, Sequence
from typing import ClassVar, Self

from unspool._text.expressions.cutting import LONGEST, Cutter
from unspool._text.records import check_normalization
from unspool._text.tokenizers.counting import Counter, SymbolCounter, Tallied, check_max_vocab_size
from unspool._text.tokenizers.longest import LongestSymbols
from unspool._text.tokenizers.spelling_model import SpellingModel
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer

REGEX = "regex:"  # begins the name of a tokenizer with an expression of one's own


class RegexTokenizer(VocabularyTokenizer):
    r"""A tokenizer whose symbols are found by a regular expression; without one, they are characters.

    Args:
        symbols: The symbols in the order of their ids, without the special ones.
        unk: Whether there is an ``<unk>`` for unknown characters.
        normalization: Unicode form of the texts, or None for no normalization.
        spelling_model: The probability of each spelling that ``<unk>`` stands for, or None.

    Attributes:
        pattern: The expression.

    Example:
        >>> from unspool import RegexTokenizer
        >>> dates = RegexTokenizer.of(r"\d+|[a-z]+").fit(["3 may 1921"])
        >>> dates.symbols
        (' ', '3', 'may', '1921')
    """

    kind = REGEX
    description = "by a regular expression"
    cuts_to_unk = False
    pattern: ClassVar[str] = ""

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        unk: bool = False,
        normalization: str | None = "NFC",
        spelling_model: SpellingModel | None = None,
    ) -> None:
        super().__init__(symbols, unk=unk, normalization=normalization, spelling_model=spelling_model)
        self._longest = LongestSymbols(symbols)

    @staticmethod
    @functools.lru_cache(maxsize=64)
    def of(pattern: str) -> "type[RegexTokenizer]":
        r"""Return the class of the tokenizers with an expression of one's own.

        Args:
            pattern: A regular expression, of which each longest match is a piece.

        Raises:
            ConfigError: If it is broken, or an automaton cannot decide it.

        Example:
            >>> unspool.RegexTokenizer.of("[a-z]+").kind
            'regex:[a-z]+'
        """
        _cutter(pattern)
        attributes = {"kind": REGEX + pattern, "pattern": pattern, "__doc__": RegexTokenizer.__doc__}
        return type("RegexTokenizer", (RegexTokenizer,), attributes)

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Find the symbols of texts; see `Tokenizer.fit`.

        With too many pieces for a `max_vocab_size`, all single characters become symbols, and the most
        frequent pieces beside them. Only without room for the characters do the rarest become ``<unk>``.

        Example:
            >>> unspool.CodeTokenizer.fit(["add add sad das sass dad"], max_vocab_size=7).symbols
            (' ', 'add', 'a', 'd', 's')
        """
        check_max_vocab_size(max_vocab_size)
        form = check_normalization(normalization)
        counted = cls._counted(texts, form)
        pieces = dict(zip(counted.symbols(), counted.counts().tolist(), strict=True))
        if max_vocab_size is not None and len(pieces) + 2 > max_vocab_size:
            pieces = _fewer(pieces, max_vocab_size - 2)
        tallied = Tallied(pieces)
        return cls.of_counted(tallied, max_vocab_size, form, tallied.counts)[0]

    @classmethod
    def counter(cls) -> Counter:
        """Return the counter of the pieces that the expression cuts.

        Example:
            >>> counter = unspool.SmilesTokenizer.counter()
            >>> numbers, lengths = counter.number_texts(["CCl"])
            >>> counter.symbols()
            ['C', 'Cl']
        """
        return SymbolCounter(cls.split_by_pattern)

    @classmethod
    def split_by_pattern(cls, text: str) -> list[str]:
        """Return the pieces into which the expression cuts a text, known ones or not.

        Args:
            text: Any text.

        Example:
            >>> unspool.SmilesTokenizer.split_by_pattern("C[nH]Cl")
            ['C', '[nH]', 'Cl']
        """
        return _cutter(cls.pattern).cut(text)

    @classmethod
    def complete_length(cls, text: str) -> int:
        """Return the length of the start of an unfinished text that can be split whatever follows.

        Example:
            >>> unspool.SmilesTokenizer.complete_length("C" * 100)
            37
        """
        place = 0
        for piece in cls.split_by_pattern(text):
            if place + LONGEST > len(text):
                break
            place += len(piece)
        return place

    def split(self, text: str) -> list[str]:
        """Split a text into the longest symbols; an unknown character is a piece of its own.

        Example:
            >>> unspool.SmilesTokenizer(["C", "Cl"]).split("ClCN")
            ['Cl', 'C', 'N']
        """
        return self._longest.cut(text)


class SmilesTokenizer(RegexTokenizer):
    """A tokenizer of molecules in SMILES: atoms, brackets and ring closures, as REINVENT cuts them.

    Example:
        >>> from unspool import SmilesTokenizer
        >>> SmilesTokenizer.fit(["C[C@@H](Cl)C%12"]).symbols
        ('C', '[C@@H]', '(', 'Cl', ')', '%12')
    """

    kind = "smiles"
    description = "molecules in SMILES, by atoms, brackets and ring closures"
    pattern = r"\[[^\]]+\]|Br|Cl|%[0-9]{2}|%\([0-9]+\)"


class SelfiesTokenizer(RegexTokenizer):
    """A tokenizer of molecules in SELFIES: what is in brackets, and the dot between molecules.

    Example:
        >>> from unspool import SelfiesTokenizer
        >>> SelfiesTokenizer.fit(["[C][=O].[C]"]).symbols
        ('[C]', '[=O]', '.')
    """

    kind = "selfies"
    description = "molecules in SELFIES, by brackets"
    pattern = r"\[[^\]]+\]"


class AbcTokenizer(RegexTokenizer):
    """A tokenizer of tunes in ABC: pitches, lengths, bars, tuplets, and the fields of metre, key and unit.

    They are cut as the folk-rnn of Sturm et al. (2016) has them.

    Example:
        >>> from unspool import AbcTokenizer
        >>> AbcTokenizer.split_by_pattern("M:6/8 ^c'2|:(3d,e/2:|")
        ['M:6/8', ' ', "^c'", '2', '|:', '(3', 'd,', 'e', '/2', ':|']
    """

    kind = "abc"
    description = "tunes in ABC, by pitches, lengths and bars"
    pattern = (
        r"[MKL]:[^\s\]]+|(?:\^\^?|__?|=)?[A-Ga-g](?:,+|'+)?|[0-9]+(?:/[0-9]+)?|/+[0-9]*|\([2-9]"
        r"|:?\|+:?|:+|\|\]|\[\||[<>]+"
    )


class CodeTokenizer(RegexTokenizer):
    """A tokenizer of programs: names, numbers, operators, and line breaks with the indentation after them.

    Example:
        >>> from unspool import CodeTokenizer
        >>> CodeTokenizer.split_by_pattern("if x_1 >= 20:")
        ['if', ' ', 'x_1', ' ', '>=', ' ', '20', ':']
    """

    kind = "code"
    description = "programs, by names, numbers, operators and indentation"
    pattern = (
        r"[^\W\d]\w*|\d+|\r?\n[ \t]*|[ \t]+|[=!<>+\-*/%&|^]=|===|!==|[-=]>"
        r"|&&|\|\||::|//|\*\*|<<|>>|\+\+|--|\.\.\.|\"\"\""
    )


@functools.lru_cache(maxsize=64)
def _cutter(pattern: str) -> Cutter:
    return Cutter(pattern)


def _fewer(pieces: Mapping[str, int], most: int) -> dict[str, int]:
    """Return the symbols for a small vocabulary: all characters, and as many pieces as there is room for.

    Args:
        pieces: How often each piece is in the texts.
        most: The most symbols; if there are more characters, they alone are returned.
    """
    characters: Tally[str] = Tally()
    for piece, count in pieces.items():
        for character in piece:
            characters[character] += count
    if len(characters) > most:
        return characters
    longer = [piece for piece, _ in Tally(pieces).most_common() if len(piece) > 1]
    chosen = {*characters, *longer[: most - len(characters)]}
    return {
        symbol: pieces.get(symbol, 0) for symbol in dict.fromkeys([*pieces, *characters]) if symbol in chosen
    }
