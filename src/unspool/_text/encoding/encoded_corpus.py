"""A corpus as token ids, in two parts."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

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
    """

    training: StreamBuilder
    validation: StreamBuilder
    tokenizer: Tokenizer
    table: NDArray[np.uint32]
    unknown: int


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
    """

    tokenizer: Tokenizer
    training: TokenStream
    validation: TokenStream
    unknown: int
    note: str | None = None
    source_tokenizer: Tokenizer | None = None

    @property
    def schema(self) -> ContextSchema | None:
        """The schema of the contexts of the records; None without contexts."""
        return None if self.training.contexts is None else self.training.contexts.schema
