"""Facts about a text for the choice of a network: its size, its vocabulary, the length of its records."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import chain

import numpy as np

from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record, Records

LOOK = 1 << 22  # characters that are read; the rest of the text is estimated


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """The facts about a corpus for the rule that chooses a network.

    Args:
        document: Whether the corpus is one document.
        records: Number of records.
        characters: Number of characters of text.
        symbols: Number of tokens to predict: those of the text and an `<eos>` for each record.
        vocab_size: Number of ids of its tokenizer.
        typical_length: Median length of a record, in tokens.
        complete: Whether the whole corpus was read; otherwise the numbers are estimates from the part read.
        seconds: Time to read the whole corpus.
    """

    document: bool
    records: int
    characters: int
    symbols: int
    vocab_size: int
    typical_length: int
    complete: bool
    seconds: float


def look_at(
    records: Records,
    recipe: EncodingRecipe,
    *,
    most: int = LOOK,
    clock: Callable[[], float] = time.monotonic,
) -> CorpusFacts:
    """Read the beginning of a corpus, or all of a short one, and return the facts about the whole.

    Args:
        records: The corpus; it must be readable twice.
        recipe: The encoding recipe of its texts.
        most: Number of characters to read.
        clock: A function that returns the time in seconds, from any starting point.

    Raises:
        CorpusError: If the corpus cannot be read or has no text.
    """
    began, beginning = clock(), _Beginning(records, most)
    encoded = encode_corpus(beginning, recipe)
    seconds = clock() - began
    times = 1.0 if beginning.complete else beginning.times()
    return _facts(records.document, encoded, times, seconds, beginning.complete)


def _facts(document: bool, part: EncodedCorpus, times: float, seconds: float, complete: bool) -> CorpusFacts:
    """Return the facts about a corpus that is `times` as long as the part read."""
    stream = part.training
    lengths = np.diff(stream.starts, append=len(stream))
    return CorpusFacts(
        document=document,
        records=round(times * stream.num_records),
        characters=round(times * stream.characters),
        symbols=round(times * len(stream)),
        vocab_size=part.tokenizer.vocab_size,
        typical_length=int(np.median(lengths)),
        complete=complete,
        seconds=times * seconds,
    )


class _Beginning:
    """The first records of a corpus, with enough characters; it knows how long the whole is beside them.

    What counts is the text that is learnt: the other columns of a table, the packing of a file and the bytes
    of a character have no effect. The files are read block by block; where a block begins, the bytes before
    it have given the characters so far, and all bytes give as many times more.
    """

    def __init__(self, records: Records, most: int) -> None:
        self._records, self._most = records, most
        self._rest: Iterator[Record] = iter(())
        self._characters = 0
        self._at_block = (0, 0)  # characters and bytes up to the end of the last block but one
        self.complete = True

    def __iter__(self) -> Iterator[Record]:
        meter, done, self._rest = self._records.meter, 0, iter(self._records)
        for record in self._rest:
            if meter.done > done:
                self._at_block, done = (self._characters, done), meter.done
            if self._characters >= self._most and (self._at_block[1] or not meter.total):
                self._rest = chain([record], self._rest)
                self.complete = False
                return
            self._characters += len(record.text)
            yield record

    def times(self) -> float:
        """Return how many times as long the whole corpus is; one without files is counted to its end."""
        characters, done = self._at_block
        if done and self._records.meter.total:
            whole = characters * self._records.meter.total / done
        else:
            whole = self._characters + sum(len(record.text) for record in self._rest)
        return max(1.0, whole / self._characters)
