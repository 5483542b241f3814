"""How a text becomes ids: every choice about it, in one frozen object that is made once and passed whole."""

import hashlib
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields, replace
from typing import Literal, get_args

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_real, to_plain
from unspool._text.context import ContextSchema
from unspool._text.records import check_normalization
from unspool._text.tokenizers.counting import Counted, check_max_vocab_size, rank
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_class
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import unknown_rule
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer

Contexts = ContextSchema | Literal["learn"] | None
TokenizedSymbols = tuple[Tokenizer, NDArray[np.uint32], int]  # with the id of each number, symbols lost


@dataclass(frozen=True, kw_only=True)
class EncodingRecipe:
    """The choices by which texts become ids.

    Args:
        tokenizer: The kind of a new one, as `tokenizer_class` takes it, or one that exists, for more training
            and for evaluation.
        max_vocab_size: Most ids of a new tokenizer, special ones included; the rarest symbols that do not
            fit become ``<unk>``. None for no limit.
        grow: Whether unknown symbols are added to an existing tokenizer, after its other symbols, the most
            frequent first; `unknown` then has no effect.
        normalization: Unicode form of a new tokenizer and of its corpus, or None. An existing tokenizer has
            its own form.
        validation_fraction: Share of the texts to hold out, if there are no validation texts; None for no
            held-out texts.
        document: Whether the texts are one stream, whose end is held out. Otherwise the hash of each text
            decides, the same for every seed.
        unknown: The treatment of symbols that an existing tokenizer does not know: "error", "drop" or
            "replace"; None for "replace" if it has an ``<unk>``, else "error".
        contexts: The schema of the contexts, or "learn" to make it from the training records; None for no
            contexts.
        sources: The tokenizer of the sources, or "learn" to make one of the same kind as that of the texts;
            None for no sources.
        minds_repeats: Whether a corpus with many copies of a few texts, or few texts, is split in its own way
            (see `repeats`). Models of earlier versions were not.

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
    minds_repeats: bool = True

    def __post_init__(self) -> None:
        new, most, share = self.known is None, self.max_vocab_size, self.validation_fraction
        if isinstance(self.tokenizer, str):
            object.__setattr__(self, "tokenizer", tokenizer_class(self.tokenizer).kind)
        check("max_vocab_size", most, "left out with an existing tokenizer", new or most is None)
        check_max_vocab_size(most)
        check("grow", self.grow, "false for a new tokenizer", not (new and self.grow))
        object.__setattr__(self, "normalization", check_normalization(self.normalization))
        within = share is None or (is_real(share) and 0 <= share <= 1)
        check("validation_fraction", share, "a number from 0 to 1, or None", within)
        rules = (None, *get_args(Unknown))
        check("unknown", self.unknown, "error, drop, replace or None", self.unknown in rules)

    @property
    def known(self) -> Tokenizer | None:
        """The existing tokenizer; None if a new one is to be made."""
        return self.tokenizer if isinstance(self.tokenizer, Tokenizer) else None

    @property
    def tokenizer_type(self) -> type[Tokenizer]:
        """The class of the tokenizer, whether it exists or not."""
        return tokenizer_class(self.tokenizer) if isinstance(self.tokenizer, str) else type(self.tokenizer)

    @property
    def counts(self) -> bool:
        """Whether symbols are counted while texts are read: for a new tokenizer, or one that grows."""
        kind = self.tokenizer_type
        if not issubclass(kind, VocabularyTokenizer):
            return False
        new = self.known is None and (kind.cuts_to_unk or self.max_vocab_size is None)
        return new or self.grow

    def learnt(self, texts: Callable[[], Iterable[str]]) -> "EncodingRecipe":
        """Return the recipe with a finished tokenizer, if a new one of this kind must read the texts first.

        Args:
            texts: Function that yields the texts.
        """
        if self.known is not None or self.counts:
            return self
        fitted = self.tokenizer_type.fit(
            texts(), max_vocab_size=self.max_vocab_size, normalization=self.normalization
        )
        return replace(self, tokenizer=fitted, max_vocab_size=None)

    @property
    def form(self) -> str | None:
        """The Unicode form that texts are converted to: the form of the tokenizer."""
        return self.normalization if self.known is None else self.known.normalization

    @property
    def unknown_rule(self) -> Unknown:
        """The treatment of unknown symbols, also if the user did not choose one."""
        return "error" if self.known is None else unknown_rule(self.unknown, unk_id=self.known.unk_id)

    @property
    def hashed_fraction(self) -> float:
        """The share of texts that are held out by their hash; 0 for a document."""
        return 0.0 if self.document else self.validation_fraction or 0.0

    @property
    def tail_fraction(self) -> float:
        """The share of a document that is held out as its end; 0 otherwise."""
        return (self.validation_fraction or 0.0) if self.document else 0.0

    @property
    def texts_alone(self) -> bool:
        """Whether only texts are read, without contexts and sources."""
        return self.contexts is None and self.sources is None

    def continued(self, tokenizer: Tokenizer) -> "EncodingRecipe":
        """Return the recipe that makes the same ids again, with the tokenizer that this one made.

        Args:
            tokenizer: The tokenizer that was made.
        """
        unknown = None if self.known is None or self.grow else self.unknown  # of no effect on a new tokenizer
        return replace(self, tokenizer=tokenizer, max_vocab_size=None, grow=False, unknown=unknown)

    def for_sources(self, texts: Tokenizer) -> "EncodingRecipe":
        """Return the recipe of the sources, which have a tokenizer of their own.

        Args:
            texts: The tokenizer of the texts; a new one for the sources is of its kind.
        """
        tokenizer = self.sources if isinstance(self.sources, Tokenizer) else texts.kind
        normalization, unknown = self.normalization, self.unknown_rule
        return EncodingRecipe(tokenizer=tokenizer, normalization=normalization, unknown=unknown)

    def tokenized(self, counted: Counted, learnt_counts: Callable[[], NDArray[np.int64]]) -> TokenizedSymbols:
        """Make the tokenizer of counted symbols: a new one, or an existing one that has grown.

        Args:
            counted: The symbols of all texts, numbered by first appearance.
            learnt_counts: Function that returns how often each symbol is in the texts to learn from, without
                those that are held out.  # (symbols,)

        Returns:
            The tokenizer, the id of each number, and how many symbols of the texts became ``<unk>``.

        Raises:
            TokenizerError: If there are more different symbols than a tokenizer can hold.
        """
        kind = self.tokenizer_type
        if not issubclass(kind, VocabularyTokenizer):
            raise TypeError(f"a {kind.kind} tokenizer is not made of counted symbols")
        if self.known is None:
            tokenizer, ranking = kind.of_counted(
                counted, self.max_vocab_size, self.normalization, learnt_counts
            )
            return tokenizer, ranking.table, ranking.lost
        ranking = rank(counted)
        unk = self.known.unk_id is not None
        former = self.known.symbols[:-1] if unk else self.known.symbols
        symbols = list(dict.fromkeys([*former, *ranking.symbols]))
        spelling_model = self.known.spelling_model
        grown = kind(symbols, unk=unk, normalization=self.form, spelling_model=spelling_model)
        ids = {symbol: i for i, symbol in enumerate(symbols, start=1)}
        by_rank = np.array([0, *map(ids.__getitem__, ranking.symbols), grown.eos_id], np.uint32)
        return grown, by_rank[ranking.table], 0

    def to_json(self) -> dict[str, object]:
        """Return the choices that decide the usual split, in JSON types; a hash stands for the tokenizer."""
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        del values["minds_repeats"]
        plain = {
            name: _digest(value) if isinstance(value, Tokenizer) else to_plain(value)
            for name, value in values.items()
        }
        return {**plain, "unknown": self.unknown_rule}


def _digest(tokenizer: Tokenizer) -> str:
    return hashlib.blake2b(tokenizer.to_json().encode(), digest_size=16).hexdigest()
