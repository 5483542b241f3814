"""A corpus as token ids, in two parts."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unspool._screen.wording import counted
from unspool._text.context import ContextSchema
from unspool._text.streams.builder import StreamBuilder
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer


class NumberedCorpus(NamedTuple):
    """A corpus in provisional numbers, which its symbols got while it was read.

    Args:
        training: The training records.
        validation: The records that were held out.
        tokenizer: The tokenizer.
        table: The id of each number.  # (numbers + 1,)
        unknown: How many symbols of the text were dropped, replaced, or cut off by `max_vocab_size`.
        spelling: Nats to spell the symbol of each number that became ``<unk>``; none if the builders have
            them already; None if no model spells ``<unk>``.
    """

    training: StreamBuilder
    validation: StreamBuilder
    tokenizer: Tokenizer
    table: NDArray[np.uint32]
    unknown: int
    spelling: dict[int, float] | None


def spelling_of_numbers(
    tokenizer: Tokenizer, table: NDArray[np.uint32], symbols: Sequence[str]
) -> dict[int, float] | None:
    """Return the nats to spell the symbol of each number that became ``<unk>``; None if no model spells it.

    Args:
        tokenizer: The tokenizer.
        table: The id of each number.  # (symbols + 1,)
        symbols: The symbol of each number from 1.
    """
    model = tokenizer.spelling_model
    if model is None:
        return None
    return {i: model.nats(symbols[i - 1]) for i in np.flatnonzero(table == tokenizer.unk_id).tolist()}


@dataclass(frozen=True, kw_only=True)
class UnusualSplit:
    """How a corpus was split that is not what most are; see `repeats`.

    Args:
        records: Number of records of the corpus.
        repeated_texts: Number of different texts that are learnt because there are many copies of them.
        copies: Number of records that are copies of these.
        held_out: Number of records that are held out.
    """

    records: int
    repeated_texts: int
    copies: int
    held_out: int

    @property
    def sentence(self) -> str:
        """What is unusual, in words."""
        texts = "one text" if self.repeated_texts == 1 else counted(self.repeated_texts, "text")
        repeats = f"{self.copies / self.records:.0%} of the records are copies of {texts}"
        if not self.held_out:
            few = "there are too few different texts"
            return f"nothing is held out: {repeats if self.repeated_texts else few}"
        held_out = f"{self.held_out:,} of {counted(self.records, 'record')} are held out"
        if not self.repeated_texts:
            return f"unusual split: {held_out}"
        return f"unusual split: {repeats}, all learnt; {held_out}, all of them others"


@dataclass(frozen=True, eq=False)
class EncodedCorpus:
    """A corpus in token ids.

    Args:
        tokenizer: The tokenizer of the texts.
        training: The training records.
        validation: The records that were held out; may be empty.
        unknown: How many symbols of the text were dropped, replaced, or cut off by `max_vocab_size`.
        note: A remark about the cache for people, or None.
        source_tokenizer: The tokenizer of the sources; None if the records have no sources.
        split: How it was split, if that was not as usual.
    """

    tokenizer: Tokenizer
    training: TokenStream
    validation: TokenStream
    unknown: int
    note: str | None = None
    source_tokenizer: Tokenizer | None = None
    split: UnusualSplit | None = None

    @property
    def schema(self) -> ContextSchema | None:
        """The schema of the contexts of the records; None without contexts."""
        return None if self.training.contexts is None else self.training.contexts.schema


def described(split: UnusualSplit) -> dict[str, object]:
    """Return an unusual split in JSON types, for config.json."""
    return {**asdict(split), "sentence": split.sentence}
