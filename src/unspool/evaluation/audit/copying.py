"""What texts share with a training text: their longest spans, and whether they stand in it word for word.

Everything is exact and works on token ids: a symbol matches itself alone, ``<unk>`` matches nothing, and no
span crosses the end of a record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.kernels.matching import Matcher, hash_records
from unspool.text.streams.stream import TokenStream
from unspool.text.tokenizers.registry import Tokenizer

PART = 1 << 22  # symbols read at a time, between which one can stop
CONTEXT = 60  # symbols shown of the training text on either side of a span

IdText = NDArray[np.int32]
ReportMatches = Callable[[int, int], None]  # how much is done, of how much


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedText:
    """Tell what a text shares with the training text.

    Args:
        text: The text.
        characters: Its length.
        copied: Characters of the longest span that stands in the training text as well; 0 for none.
        start: Where in the text the span begins, in characters.
        verbatim: Whether the whole text stands there: in line mode as a record, in document mode anywhere.
        record: The training record that the span stands in, from 1; None for no span.
        position: Where in that record it begins, in characters.
        before: What the record has before the span, at most `CONTEXT` symbols.
        span: The span.
        after: What the record has after the span, at most `CONTEXT` symbols.
    """

    text: str
    characters: int
    copied: int
    start: int
    verbatim: bool
    record: int | None
    position: int
    before: str
    span: str
    after: str


def compare_with_training(
    texts: Sequence[IdText],
    training: TokenStream,
    *,
    tokenizer: Tokenizer,
    document: bool,
    report: ReportMatches = lambda done, total: None,
) -> list[CopiedText]:
    """Find the longest span of each text that stands in the training text, and where it does.

    Time goes by the training text, 10 million symbols a second or so; memory beside it by the texts.

    Args:
        texts: Token ids without `<eos>`.
        training: The training text.
        tokenizer: What the ids mean.
        document: Whether the training text is one document.
        report: Told how many symbols are read, of how many.
    """
    lengths, ends = _matches(texts, training, tokenizer, report)
    whole = None if document else _whole_records(texts, training)
    found = []
    first = 0
    for number, ids in enumerate(texts):
        own = slice(first, first + len(ids))
        first = own.stop + 1
        best = int(lengths[own].argmax()) if len(ids) else 0
        length = int(lengths[own][best]) if len(ids) else 0
        verbatim = bool(len(ids)) and length == len(ids) and (whole is None or bool(whole[number]))
        text = _Text(ids, tokenizer)
        if not length:
            found.append(text.apart())
            continue
        place = CopiedPlace(training, int(ends[own][best]) - length, length, tokenizer)
        found.append(text.sharing(place, start=best + 1 - length, verbatim=verbatim))
    return found


def count_whole(texts: Sequence[IdText], stream: TokenStream) -> int:
    """Count the texts that are records of a stream."""
    return int(np.count_nonzero(_whole_records(texts, stream)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCounts:
    """Count the records of a stream.

    Args:
        records: All of them.
        different: Those with different texts.
        repeated: Those whose text another record has as well.
    """

    records: int
    different: int
    repeated: int


def count_records(stream: TokenStream) -> RecordCounts:
    """Count how many records of a stream are the same."""
    _, counts = np.unique(_hashes(stream), return_counts=True)
    repeated = int(counts[counts > 1].sum())
    return RecordCounts(records=stream.num_records, different=len(counts), repeated=repeated)


def _matches(
    texts: Sequence[IdText], training: TokenStream, tokenizer: Tokenizer, report: ReportMatches
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Give for every position of the joined texts the longest match that ends there, and where it stands."""
    gap = np.zeros(1, np.int32)
    joined = np.concatenate([gap[:0], *(part for ids in texts for part in (ids, gap))]).astype(np.int32)
    joined[np.isin(joined, [tokenizer.eos_id, tokenizer.unk_id or 0])] = 0
    matcher = Matcher(joined)
    for begin in range(0, len(training), PART):
        matcher.scan(training.ids[begin : begin + PART])
        report(min(begin + PART, len(training)), len(training))
    return matcher.matches()


def _whole_records(texts: Sequence[IdText], stream: TokenStream) -> NDArray[np.bool_]:
    """Tell which texts are records of a stream; an empty one never is."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    joined = np.concatenate([np.zeros(0, np.int32), *texts]).astype(np.uint32)
    return np.isin(hash_records(joined, ends - lengths, ends), _hashes(stream)) & (lengths > 0)


def _hashes(stream: TokenStream) -> NDArray[np.uint64]:
    ends = np.append(stream.starts[1:], len(stream)) - 1  # where the <eos> of each record stands
    return hash_records(stream.ids, stream.starts, ends[: stream.num_records])


class CopiedPlace:
    """A span of the training text, and what stands around it.

    Args:
        training: The training text.
        begin: Where the span begins, in symbols.
        length: Its length, in symbols.
        tokenizer: What the ids mean.
    """

    def __init__(self, training: TokenStream, begin: int, length: int, tokenizer: Tokenizer) -> None:
        self._ids, self._tokenizer = training.ids, tokenizer
        self.record = int(np.searchsorted(training.starts, begin, side="right"))
        first = int(training.starts[self.record - 1])
        end = begin + length
        last = int(training.starts[self.record]) if self.record < training.num_records else len(training.ids)
        self.position = _characters(training.ids[first:begin], tokenizer)
        self.before = self._text(max(first, begin - CONTEXT), begin)
        self.span = self._text(begin, end)
        self.after = self._text(end, min(last, end + CONTEXT))

    def _text(self, begin: int, end: int) -> str:
        return self._tokenizer.decode(self._ids[begin:end].astype(np.int32))


class _Text:
    """One of the texts that are looked for."""

    def __init__(self, ids: IdText, tokenizer: Tokenizer) -> None:
        self._ids, self._tokenizer = ids, tokenizer
        self._text = tokenizer.decode(ids)

    def apart(self) -> CopiedText:
        """Say that it shares nothing."""
        return CopiedText(
            text=self._text, characters=len(self._text), copied=0, start=0, verbatim=False, record=None,
            position=0, before="", span="", after="",
        )  # fmt: skip

    def sharing(self, place: CopiedPlace, *, start: int, verbatim: bool) -> CopiedText:
        """Say what it shares; `start` is in symbols."""
        return CopiedText(
            text=self._text,
            characters=len(self._text),
            copied=len(place.span),
            start=_characters(self._ids[:start], self._tokenizer),
            verbatim=verbatim,
            record=place.record,
            position=place.position,
            before=place.before,
            span=place.span,
            after=place.after,
        )


def _characters(ids: NDArray[Any], tokenizer: Tokenizer) -> int:
    """Count the characters that ids stand for; an `<unk>` counts one."""
    if tokenizer.kind == "char":
        return len(ids)
    return int(np.abs(tokenizer.symbol_lengths[ids]).sum())
