"""A corpus as token ids, in two parts."""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unspool.text.context import ContextSchema
from unspool.text.streams.builder import StreamBuilder
from unspool.text.streams.stream import TokenStream
from unspool.text.tokenizers.registry import Tokenizer


class NumberedCorpus(NamedTuple):
    """Hold a corpus in the numbers that its symbols got while it was read.

    Args:
        training: The records to learn from.
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
    """Hold a corpus as token ids.

    Args:
        tokenizer: What the ids mean.
        training: The records to learn from.
        validation: The records that were held out; may be empty.
        unknown: How many symbols of the text were dropped, replaced, or cut off by `max_vocab_size`.
        note: What there is to say about where it was kept, if anything.
        source_tokenizer: What the ids of the sources mean; None where the records have none.
    """

    tokenizer: Tokenizer
    training: TokenStream
    validation: TokenStream
    unknown: int
    note: str | None = None
    source_tokenizer: Tokenizer | None = None

    @property
    def schema(self) -> ContextSchema | None:
        """Say what is known about the records; None where nothing is."""
        return None if self.training.contexts is None else self.training.contexts.schema
