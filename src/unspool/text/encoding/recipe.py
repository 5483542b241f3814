"""How a text becomes ids: every choice about it, in one frozen object that is made once and passed whole."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_real, to_plain
from unspool.text.context import ContextSchema
from unspool.text.records import check_normalization
from unspool.text.tokenizers.counting import Counted, check_max_vocab_size, rank
from unspool.text.tokenizers.registry import Tokenizer, tokenizer_class
from unspool.text.tokenizers.unknown_symbols import Unknown, unknown_rule
from unspool.text.tokenizers.vocabulary import VocabularyTokenizer

Contexts = ContextSchema | Literal["learn"] | None
TokenizedSymbols = tuple[Tokenizer, NDArray[np.uint32], int]  # with the id of each number, symbols lost


@dataclass(frozen=True, kw_only=True)
class EncodingRecipe:
    """The choices by which texts become ids.

    Args:
        tokenizer: A name in `TOKENIZERS` to make a new one, or one that exists, for more training and for
            evaluation.
        max_vocab_size: Most ids of a new tokenizer, special ones included; the rarest symbols that do not
            fit become ``<unk>``. None for no limit.
        grow: Whether an existing tokenizer takes in the symbols that it does not know, after its own, the
            most frequent first; `unknown` has no say then.
        normalization: Unicode form of a new tokenizer and of its corpus, or None; an existing one has its
            own.
        validation_fraction: Share of the texts to hold out, where no other texts are given for that; None
            for nothing.
        document: Whether the texts are one stream, the end of which is held out. Otherwise the texts whose
            hash says so are, the same for every seed.
        unknown: What becomes of symbols that an existing tokenizer does not know: "error", "drop" or
            "replace"; None for "replace" if it has an ``<unk>``, else "error".
        contexts: What may be said of a record, or "learn" to see it from the records to learn from; None
            leaves out what is known about them.
        sources: The tokenizer of the records' sources, or "learn" to make one of the kind that the texts
            have; None leaves sources out.

    Raises:
        ConfigError: If a value is out of its range.

    Example:
        >>> EncodingRecipe(tokenizer="word", max_vocab_size=5000).form
        'NFC'
    """

    tokenizer: str | Tokenizer = "char"
    max_vocab_size: int | None = None
    grow: bool = False
    normalization: str | None = "NFC"
    validation_fraction: float | None = None
    document: bool = False
    unknown: Unknown | None = None
    contexts: Contexts = None
    sources: Tokenizer | Literal["learn"] | None = None

    def __post_init__(self) -> None:
        new, most, share = self.known is None, self.max_vocab_size, self.validation_fraction
        if isinstance(self.tokenizer, str):
            tokenizer_class(self.tokenizer)
        check("max_vocab_size", most, "left out with an existing tokenizer", new or most is None)
        check_max_vocab_size(most)
        check("grow", self.grow, "false for a new tokenizer", not (new and self.grow))
        check_normalization(self.normalization)
        within = share is None or (is_real(share) and 0 <= share <= 1)
        check("validation_fraction", share, "a number from 0 to 1, or None", within)
        rules = (None, *get_args(Unknown))
        check("unknown", self.unknown, "error, drop, replace or None", self.unknown in rules)

    @property
    def known(self) -> Tokenizer | None:
        """Return the tokenizer that exists; None where a new one is to be made."""
        return self.tokenizer if isinstance(self.tokenizer, Tokenizer) else None

    @property
    def tokenizer_type(self) -> type[Tokenizer]:
        """Return the class of the tokenizer, whether it exists or not."""
        return tokenizer_class(self.tokenizer) if isinstance(self.tokenizer, str) else type(self.tokenizer)

    @property
    def counts(self) -> bool:
        """Return whether symbols are counted on the way: for a new tokenizer of them, or one that grows."""
        return issubclass(self.tokenizer_type, VocabularyTokenizer) and (self.known is None or self.grow)

    def learnt(self, texts: Callable[[], Iterable[str]]) -> "EncodingRecipe":
        """Return the recipe with its tokenizer made, where a new one of its kind has to read texts first.

        Args:
            texts: Yields the texts.
        """
        if self.known is not None or self.counts:
            return self
        fitted = self.tokenizer_type.fit(
            texts(), max_vocab_size=self.max_vocab_size, normalization=self.normalization
        )
        return replace(self, tokenizer=fitted, max_vocab_size=None)

    @property
    def form(self) -> str | None:
        """Return the Unicode form that texts are brought to: that of the tokenizer."""
        return self.normalization if self.known is None else self.known.normalization

    @property
    def unknown_rule(self) -> Unknown:
        """Return what becomes of unknown symbols, also where the user left it open."""
        return "error" if self.known is None else unknown_rule(self.unknown, unk_id=self.known.unk_id)

    @property
    def hashed_fraction(self) -> float:
        """Return the share of texts that are held out by their hash; of a document none are."""
        return 0.0 if self.document else self.validation_fraction or 0.0

    @property
    def texts_alone(self) -> bool:
        """Return whether nothing is read but texts: neither contexts nor sources."""
        return self.contexts is None and self.sources is None

    def continued(self, tokenizer: Tokenizer) -> "EncodingRecipe":
        """Return the recipe that makes the same ids again, with the tokenizer that this one made.

        Args:
            tokenizer: The tokenizer that was made.
        """
        return replace(self, tokenizer=tokenizer, max_vocab_size=None, grow=False, unknown=None)

    def for_sources(self, texts: Tokenizer) -> "EncodingRecipe":
        """Return the recipe of the sources, which have a tokenizer of their own.

        Args:
            texts: The tokenizer of the texts; a new one for the sources is of its kind.
        """
        tokenizer = self.sources if isinstance(self.sources, Tokenizer) else texts.kind
        normalization, unknown = self.normalization, self.unknown_rule
        return EncodingRecipe(tokenizer=tokenizer, normalization=normalization, unknown=unknown)

    def tokenized(self, counted: Counted) -> TokenizedSymbols:
        """Make the tokenizer of counted symbols: a new one, or an existing one that has grown.

        Args:
            counted: The symbols of all texts, numbered by first appearance.

        Returns:
            The tokenizer, the id of each number, and how many symbols of the texts became ``<unk>``.

        Raises:
            TokenizerError: If there are more different symbols than a tokenizer can hold.
        """
        kind = self.tokenizer_type
        if not issubclass(kind, VocabularyTokenizer):
            raise TypeError(f"a {kind.kind} tokenizer is not made of counted symbols")
        if self.known is None:
            tokenizer, ranking = kind.of_counted(counted, self.max_vocab_size, self.normalization)
            return tokenizer, ranking.table, ranking.lost
        ranking = rank(counted)
        unk = self.known.unk_id is not None
        former = self.known.symbols[:-1] if unk else self.known.symbols
        symbols = list(dict.fromkeys([*former, *ranking.symbols]))
        grown = kind(symbols, unk=unk, normalization=self.form)
        ids = {symbol: i for i, symbol in enumerate(symbols, start=1)}
        by_rank = np.array([0, *map(ids.__getitem__, ranking.symbols), grown.eos_id], np.uint32)
        return grown, by_rank[ranking.table], 0

    def to_json(self) -> dict[str, object]:
        """Return the choices in JSON types, a tokenizer by a hash of all that it holds."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        plain = {
            name: _digest(value) if isinstance(value, Tokenizer) else to_plain(value)
            for name, value in values.items()
        }
        return {**plain, "unknown": self.unknown_rule}


def _digest(tokenizer: Tokenizer) -> str:
    return hashlib.blake2b(tokenizer.to_json().encode(), digest_size=16).hexdigest()
