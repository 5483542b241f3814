"""Encode a corpus in two parts, one to learn from and one that is held out, by the one rule for runs."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from typing import Literal

from unspool.text.context import ContextSchema
from unspool.text.encoding import EncodedCorpus, encode_corpus
from unspool.text.records import Record, Records
from unspool.text.split import hash_split
from unspool.text.tokenizers import Tokenizer
from unspool.text.unknown_symbols import Unknown, unknown_rule


def encode_in_parts(
    corpus: Records,
    validation: Records | None,
    *,
    fraction: float | None,
    tokenizer: str | Tokenizer,
    max_vocab_size: int | None = None,
    unknown: Unknown | None = None,
    grow: bool = False,
    contexts: ContextSchema | Literal["learn"] | None = None,
    sources: Tokenizer | Literal["learn"] | None = None,
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
    both = _Both(corpus, validation)
    held_out: Callable[[Record], bool] | None = None
    if validation is not None:
        held_out = both.in_validation
    elif fraction is not None and not corpus.document:
        held_out = hash_split(fraction=fraction)  # not by the run's seed: all seeds are measured alike
    encoded = encode_corpus(
        both,
        tokenizer=tokenizer,
        max_vocab_size=max_vocab_size,
        held_out=held_out,
        normalization=corpus.normalization,
        unknown=unknown_rule(unknown, unk_id=tokenizer.unk_id if isinstance(tokenizer, Tokenizer) else None),
        grow=grow,
        contexts=contexts,
        sources=sources,
    )
    if validation is None and fraction is not None and corpus.document:
        head, tail = encoded.training.tail_split(fraction)
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
