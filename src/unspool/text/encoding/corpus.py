"""Encode a corpus in two parts, one to learn from and one that is held out, by the one rule for runs.

What was made of large files is kept, and taken from the cache the next time.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Literal

from unspool.text.context import ContextSchema
from unspool.text.encoding.cache import reused, tokenizer_digest
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.lines_to_ids import encode_lines
from unspool.text.encoding.records_to_ids import encode_corpus
from unspool.text.encoding.split import hash_split
from unspool.text.records import Record, Records
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown, unknown_rule

Contexts = ContextSchema | Literal["learn"] | None
Sources = Tokenizer | Literal["learn"] | None


def encode_in_parts(
    corpus: Records,
    validation: Records | None,
    *,
    fraction: float | None,
    tokenizer: str | Tokenizer,
    max_vocab_size: int | None = None,
    unknown: Unknown | None = None,
    grow: bool = False,
    contexts: Contexts = None,
    sources: Sources = None,
) -> EncodedCorpus:
    """Read a corpus once, and hold out what is for validation.

    Args:
        corpus: The texts.
        validation: Texts to hold out in place of a part of the corpus, or None.
        fraction: Share to hold out where `validation` is None: in line mode the texts whose hash says so, the
            same for every seed; of a document the end. None for nothing.
        tokenizer: A name in `TOKENIZERS` to make a new one, or one that exists.
        max_vocab_size: Most symbols of a new tokenizer; None for no limit.
        unknown: What becomes of symbols that a tokenizer does not know; None for "replace" if it has an
            ``<unk>``, else "error".
        grow: Whether a tokenizer that exists gets the new symbols of the texts.
        contexts: What may be said of a record, "learn" to see it from the corpus, or None, as in
            `encode_corpus`.
        sources: The tokenizer of the sources, "learn" to make one, or None, as in `encode_corpus`.

    Returns:
        The tokenizer and the two parts.

    Raises:
        ConfigError: If an argument is out of its range.
        CorpusError: If a text cannot be read, or nothing is left to learn from.
        UnknownSymbolError: If a symbol is unknown and `unknown` is "error".
    """
    rule = unknown_rule(unknown, unk_id=tokenizer.unk_id if isinstance(tokenizer, Tokenizer) else None)
    how = _How(fraction, tokenizer, max_vocab_size, rule, grow, contexts, sources)
    if not how.texts_alone:  # what goes with them is kept nowhere
        return _encode(corpus, validation, how)
    return reused(
        lambda: _encode(corpus, validation, how),
        [corpus] if validation is None else [corpus, validation],
        how.choices(),
        same_as=lambda made: _How(
            fraction, made.tokenizer, None, unknown_rule(None, unk_id=made.tokenizer.unk_id), False
        ).choices(),
    )


@dataclass(frozen=True)
class _How:
    """Hold all that decides how texts are encoded, beside the texts."""

    fraction: float | None
    tokenizer: str | Tokenizer
    max_vocab_size: int | None
    unknown: Unknown
    grow: bool
    contexts: Contexts = None
    sources: Sources = None

    @property
    def texts_alone(self) -> bool:
        """Tell whether nothing is read but texts."""
        return self.contexts is None and self.sources is None

    def choices(self) -> dict[str, object]:
        """Give it in JSON types, where texts alone are read."""
        kind = self.tokenizer if isinstance(self.tokenizer, str) else tokenizer_digest(self.tokenizer)
        return {
            "fraction": self.fraction,
            "tokenizer": kind,
            "max_vocab_size": self.max_vocab_size,
            "unknown": self.unknown,
            "grow": self.grow,
        }


def _encode(corpus: Records, validation: Records | None, how: _How) -> EncodedCorpus:
    if corpus.lines is not None and validation is None and how.texts_alone:
        encoded = encode_lines(
            corpus.lines(),
            tokenizer=how.tokenizer,
            max_vocab_size=how.max_vocab_size,
            fraction=how.fraction or 0.0,
            normalization=corpus.normalization,
            unknown=how.unknown,
            grow=how.grow,
        )
        if encoded is not None:
            return encoded
    both = _Both(corpus, validation)
    held_out: Callable[[Record], bool] | None = None
    if validation is not None:
        held_out = both.in_validation
    elif how.fraction is not None and not corpus.document:
        held_out = hash_split(fraction=how.fraction)  # not by the run's seed: all seeds are measured alike
    encoded = encode_corpus(
        both,
        tokenizer=how.tokenizer,
        max_vocab_size=how.max_vocab_size,
        held_out=held_out,
        normalization=corpus.normalization,
        unknown=how.unknown,
        grow=how.grow,
        contexts=how.contexts,
        sources=how.sources,
    )
    if validation is None and how.fraction is not None and corpus.document:
        head, tail = encoded.training.tail_split(how.fraction)
        return replace(encoded, training=head, validation=tail)
    return encoded


def fingerprints(encoded: EncodedCorpus) -> dict[str, str]:
    """Hash both parts, so that it can be told later whether a corpus is still the same."""
    return {
        "training": encoded.training.fingerprint(),
        "validation": encoded.validation.fingerprint(),
    }


class _Both:
    """Read the texts to learn from, then those held out, and know at each moment which of the two it is."""

    def __init__(self, training: Records, validation: Records | None) -> None:
        self._training, self._validation = training, validation
        self._second = False

    def __iter__(self) -> Iterator[Record]:
        self._second = False
        yield from self._training
        self._second = True
        yield from self._validation or ()

    def in_validation(self, record: Record) -> bool:
        """Tell whether the record that was just read is held out."""
        return self._second
