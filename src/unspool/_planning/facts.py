"""Facts about a text for the choice of a network: its size, its vocabulary, the length of its records."""

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

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
    times = 1.0 if beginning.complete else max(1.0, _file_characters(records) / encoded.training.characters)
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
    """The first records of a corpus, with enough characters; it knows whether they were all."""

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
    """Estimate the characters of a plain text from its bytes; 0 if the bytes do not tell."""
    if records.lines is None and not records.document:
        return 0.0
    source = records.spec.get("source", [])
    paths = [Path(str(each)) for each in ([source] if isinstance(source, str) else source)]  # type: ignore[attr-defined]
    files = [file for path in paths for file in (path.rglob("*") if path.is_dir() else [path])]
    return float(sum(file.stat().st_size for file in files if file.is_file() and file.suffix != ".gz"))
