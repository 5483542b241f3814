"""The common part of the tokenizers that learn a list of symbols: counting and look-up."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Sequence
from itertools import chain
from typing import Any, ClassVar, Self

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._errors import TokenizerError
from unspool._text.records import check_normalization, normalized
from unspool._text.tokenizers.counting import Counted, Counter, Ranking, rank
from unspool._text.tokenizers.spelling_model import SpellingModel
from unspool._text.tokenizers.tokenizer import PAD_ID, Tokenizer
from unspool._text.tokenizers.tokenizer_files import TokenizerFile, check_symbols, expect
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, LookUp, TextPlace, surrogate_error

SPELLING_MODEL = "spelling_model"


class VocabularyTokenizer(Tokenizer):
    """A tokenizer that looks up the pieces of a text in a list of symbols; each symbol is a whole piece.

    Args:
        symbols: The symbols in the order of their ids, without the special ones.
        unk: Whether there is an ``<unk>`` for unknown symbols.
        normalization: Unicode form of the texts, or None for no normalization.
        spelling_model: The probability of each spelling that ``<unk>`` stands for, or None.

    Attributes:
        cuts_to_unk: Whether what a `max_vocab_size` cuts off becomes ``<unk>``, so that texts can be numbered
            while they are counted. Otherwise all texts are read before the first is encoded.

    Raises:
        TokenizerError: If a tokenizer of this kind cannot have these symbols.
    """

    learnt_keys = ("unk", "symbols")
    optional_keys = (SPELLING_MODEL,)
    cuts_to_unk: ClassVar[bool] = True

    def __init__(
        self,
        symbols: Sequence[str],
        *,
        unk: bool = False,
        normalization: str | None = "NFC",
        spelling_model: SpellingModel | None = None,
    ) -> None:
        super().__init__(
            check_symbols(symbols, where="tokenizer"),
            unk=unk,
            normalization=normalization,
            spelling_model=spelling_model,
        )
        self._known = {symbol: i for i, symbol in enumerate(symbols, start=1)}

    @classmethod
    def fit(
        cls, texts: Iterable[str], *, max_vocab_size: int | None = None, normalization: str | None = "NFC"
    ) -> Self:
        """Count the symbols of texts and number them, the most frequent first; see `Tokenizer.fit`.

        Example:
            >>> unspool.WordTokenizer.fit(["a cat sat"], max_vocab_size=5).symbols
            (' ', 'a', '<unk>')
        """
        form = check_normalization(normalization)
        counter = cls._counted(texts, form)
        return cls.of_counted(counter, max_vocab_size, form, counter.counts)[0]

    @classmethod
    def _counted(cls, texts: Iterable[str], form: str | None) -> Counter:
        """Count the pieces of texts, which are normalized first."""
        counter = cls.counter()
        normal = [normalized(text, form) for text in texts]
        try:
            counter.number_texts(normal)
        except UnicodeEncodeError:
            raise surrogate_error(normal, lambda number: (f"text {number + 1:,}", 0)) from None
        return counter

    @classmethod
    def of_counted(
        cls,
        counted: Counted,
        max_vocab_size: int | None,
        normalization: str | None,
        learnt_counts: Callable[[], NDArray[np.int64]],
    ) -> tuple[Self, Ranking]:
        """Return the tokenizer of counted symbols, and the ids of their provisional numbers.

        Args:
            counted: The counter of the texts.
            max_vocab_size: Highest number of ids, special ones included, 4 or more; None for no limit.
            normalization: Unicode form of the texts, or None for no normalization.
            learnt_counts: Function that returns how often each symbol is in the texts to learn from, which
                the spelling model is made of.  # (symbols,)

        Example:
            >>> counter = unspool.WordTokenizer.counter()
            >>> numbers, lengths = counter.number_texts(["a cat"])
            >>> tokenizer, ranking = unspool.WordTokenizer.of_counted(counter, None, "NFC", counter.counts)
            >>> tokenizer.symbols
            ('a', ' ', 'cat')
        """
        ranking = rank(counted, max_vocab_size=max_vocab_size)
        spelling_model = None
        if ranking.unk:
            counts, symbols = learnt_counts().tolist(), counted.symbols()
            spelling_model = SpellingModel.fit({symbols[i]: counts[i] for i in ranking.cut})
        made = cls(
            ranking.symbols, unk=ranking.unk, normalization=normalization, spelling_model=spelling_model
        )
        return made, ranking

    @classmethod
    @abstractmethod
    def counter(cls) -> Counter:
        """Return the counter for a new tokenizer of this kind."""

    def piece_ids(self, piece: str) -> list[int]:
        """Return the id of a symbol, or none if it is unknown.

        Example:
            >>> tokenizer = unspool.WordTokenizer.fit(["a cat"])
            >>> tokenizer.piece_ids("cat"), tokenizer.piece_ids("dog")
            ([3], [])
        """
        return [self._known[piece]] if piece in self._known else []

    def decode(self, ids: ArrayLike) -> str:
        """Return the text of token ids; see `Tokenizer.decode`.

        Example:
            >>> unspool.WordTokenizer.fit(["a cat"]).decode([1, 2, 3])
            'a cat'
        """
        return "".join(map(self.spellings.__getitem__, self._checked(ids).tolist()))

    def _learnt(self) -> dict[str, Any]:
        learnt = {"unk": self.unk_id is not None, "symbols": list(self._known)}
        if self.spelling_model is not None:
            learnt[SPELLING_MODEL] = self.spelling_model.counts
        return learnt

    @classmethod
    def _from_file(cls, file: TokenizerFile, where: str) -> Self:
        unk, symbols = (file.learnt[key] for key in cls.learnt_keys)
        expect(isinstance(unk, bool), where, "unk", "true or false", unk)
        expect(isinstance(symbols, list), where, "symbols", "a list of strings", symbols)
        check_symbols(symbols, where=where)
        counts, spelling_model = file.learnt.get(SPELLING_MODEL), None
        if counts is not None:
            expect(unk, where, "unk", f"true beside a {SPELLING_MODEL}", unk)
            spelling_model = SpellingModel.of_json(counts, where=where, key=SPELLING_MODEL)
        try:
            return cls(symbols, unk=unk, normalization=file.normalization, spelling_model=spelling_model)
        except TokenizerError as error:
            raise TokenizerError(f"{where}: {error.what}", expected=error.expected, got=error.got) from None

    def _encoded(self, texts: Sequence[str], unknown: Unknown, place: TextPlace) -> EncodedTexts:
        ids, lengths = self._look_up(texts)
        looked_up = LookUp(texts, ids, lengths, self._known, self.split)
        return looked_up.resolve(unknown, unk_id=self.unk_id, spelling_model=self.spelling_model, place=place)

    def _look_up(self, texts: Sequence[str]) -> tuple[NDArray[Any], NDArray[np.int64]]:
        """Return the id of each symbol, 0 if it is unknown, and the number of symbols in each text.

        Raises:
            UnicodeEncodeError: If a text has a lone surrogate.
        """
        "".join(texts).encode("utf-8")
        symbols = [self.split(text) for text in texts]
        ids = (self._known.get(symbol, PAD_ID) for symbol in chain.from_iterable(symbols))
        return np.fromiter(ids, np.int32), np.fromiter(map(len, symbols), np.int64, len(texts))
