"""What a choice has to know of a text: how much there is of it, its alphabet, the length of its records."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from unspool.text.encoding.corpus import encode_corpus
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.records import Record, Records

LOOK = 1 << 22  # characters that are read; what comes after them is estimated


@dataclass(frozen=True, kw_only=True)
class CorpusFacts:
    """Describe a corpus to the rule that chooses.

    Args:
        document: Whether it is one document.
        records: Records in it.
        characters: Characters of text in it.
        symbols: What there is to predict: the symbols of the text and an `<eos>` for each record.
        vocab_size: Symbols of its tokenizer.
        typical_length: Symbols of a middling record.
        complete: Whether all of it was read; else the figures go on from the part that was.
        seconds: Time that reading all of it takes.
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
    """Read the beginning of a corpus, all of it if it is no longer than that, and describe the whole.

    Args:
        records: The corpus; it must be one that can be read again.
        recipe: How its texts become ids.
        most: Characters to read.
        clock: Seconds, from anywhere.

    Raises:
        CorpusError: If the corpus cannot be read or has no text.
    """
    began, beginning = clock(), _Beginning(records, most)
    seen = encode_corpus(beginning, recipe)
    seconds = clock() - began
    times = 1.0 if beginning.complete else max(1.0, _file_characters(records) / seen.training.characters)
    return _facts(records.document, seen, times, seconds, beginning.complete)


def _facts(document: bool, seen: EncodedCorpus, times: float, seconds: float, complete: bool) -> CorpusFacts:
    """Describe a corpus that is `times` as long as the part that was read."""
    stream = seen.training
    lengths = np.diff(stream.starts, append=len(stream))
    return CorpusFacts(
        document=document,
        records=round(times * stream.num_records),
        characters=round(times * stream.characters),
        symbols=round(times * len(stream)),
        vocab_size=seen.tokenizer.vocab_size,
        typical_length=int(np.median(lengths)),
        complete=complete,
        seconds=times * seconds,
    )


class _Beginning:
    """Read records until there are enough characters, and know whether that was all."""

    def __init__(self, records: Records, most: int) -> None:
        self._records, self._most = records, most
        self.complete = True

    def __iter__(self) -> Iterator[Record]:
        characters = 0
        for record in self._records:
            if characters >= self._most:
                self.complete = False
                return
            characters += len(record.text)
            yield record


def _file_characters(records: Records) -> float:
    """Guess the characters of a plain text from its bytes; 0 where they say nothing of it."""
    source = records.spec.get("source")
    if records.spec.get("format") != "text" or not isinstance(source, str):
        return 0.0
    path = Path(source)
    files = path.rglob("*") if path.is_dir() else [path]
    return float(sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".gz"))
