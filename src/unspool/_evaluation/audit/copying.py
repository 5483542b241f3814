"""Find what texts share with a training text: their longest common spans, and verbatim texts.

Everything is exact and works on token ids: a token matches only itself, ``<unk>`` matches nothing, and no
span crosses the end of a record.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._kernels.matching import Matcher, hash_records
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer

PART = 1 << 22  # tokens read at a time; a run can be stopped between two parts
CONTEXT = 60  # tokens of the training text that are shown on each side of a span

IdText = NDArray[np.int32]
ReportMatches = Callable[[int, int], None]  # tokens done, tokens in total


@dataclass(frozen=True, slots=True, kw_only=True)
class CopiedText:
    """The longest span that a text shares with the training text.

    Args:
        text: The text.
        characters: The length of the text in characters.
        copied: Characters of the longest span that the training text has as well; 0 for none.
        start: The place in the text where the span begins, in characters.
        verbatim: Whether the training text has the whole text: in line mode as a record, in document mode
            anywhere.
        record: Number of the training record with the span, from 1; None without a span.
        position: The place in that record where the span begins, in characters.
        before: The part of the record before the span, at most `CONTEXT` tokens.
        span: The span.
        after: The part of the record after the span, at most `CONTEXT` tokens.
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
    """Return the longest span of each text that the training text has, with its place.

    The time depends on the training text, about 10 million tokens a second; the memory depends on the texts.

    Args:
        texts: The token ids of each text, without `<eos>`.
        training: The token stream of the training text.
        tokenizer: The tokenizer of the ids.
        document: Whether the training text is one document.
        report: A function that is called with the number of tokens read and their total number.
    """
    lengths, ends = _matches(texts, training, tokenizer, report)
    whole = None if document else _whole_records(texts, training)
    results = []
    first = 0
    for number, ids in enumerate(texts):
        span = slice(first, first + len(ids))
        first = span.stop + 1
        best = int(lengths[span].argmax()) if len(ids) else 0
        length = int(lengths[span][best]) if len(ids) else 0
        verbatim = bool(len(ids)) and length == len(ids) and (whole is None or bool(whole[number]))
        text = _Text(ids, tokenizer)
        if not length:
            results.append(text.apart())
            continue
        place = CopiedPlace(training, int(ends[span][best]) - length, length, tokenizer)
        results.append(text.sharing(place, start=best + 1 - length, verbatim=verbatim))
    return results


def count_whole(texts: Sequence[IdText], stream: TokenStream) -> int:
    """Return the number of texts that are records of a stream."""
    return int(np.count_nonzero(_whole_records(texts, stream)))


@dataclass(frozen=True, slots=True, kw_only=True)
class RecordCounts:
    """Counts of the records of a stream.

    Args:
        records: Number of all records.
        different: Number of different texts.
        repeated: Number of records whose text another record has as well.
    """

    records: int
    different: int
    repeated: int


def count_records(stream: TokenStream) -> RecordCounts:
    """Count the records of a stream, the different ones and the repeated ones."""
    _, counts = np.unique(_hashes(stream), return_counts=True)
    repeated = int(counts[counts > 1].sum())
    return RecordCounts(records=stream.num_records, different=len(counts), repeated=repeated)


def _matches(
    texts: Sequence[IdText], training: TokenStream, tokenizer: Tokenizer, report: ReportMatches
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Return the longest match that ends at every position of the joined texts, and its place."""
    gap = np.zeros(1, np.int32)
    joined = np.concatenate([gap[:0], *(part for ids in texts for part in (ids, gap))]).astype(np.int32)
    joined[np.isin(joined, [tokenizer.eos_id, tokenizer.unk_id or 0])] = 0
    matcher = Matcher(joined)
    for begin in range(0, len(training), PART):
        matcher.scan(training.ids[begin : begin + PART])
        report(min(begin + PART, len(training)), len(training))
    return matcher.matches()


def _whole_records(texts: Sequence[IdText], stream: TokenStream) -> NDArray[np.bool_]:
    """Return which texts are records of a stream; an empty text never is."""
    lengths = np.fromiter(map(len, texts), np.int64, len(texts))
    ends = np.cumsum(lengths)
    joined = np.concatenate([np.zeros(0, np.int32), *texts]).astype(np.uint32)
    return np.isin(hash_records(joined, ends - lengths, ends), _hashes(stream)) & (lengths > 0)


def _hashes(stream: TokenStream) -> NDArray[np.uint64]:
    ends = np.append(stream.starts[1:], len(stream)) - 1  # the place of each record's <eos>
    return hash_records(stream.ids, stream.starts, ends[: stream.num_records])


class CopiedPlace:
    """A span of the training text, with the text around it.

    Args:
        training: The token stream of the training text.
        begin: The place where the span begins, in tokens.
        length: The length of the span, in tokens.
        tokenizer: The tokenizer of the ids.
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
    """One of the texts that are compared with the training text."""

    def __init__(self, ids: IdText, tokenizer: Tokenizer) -> None:
        self._ids, self._tokenizer = ids, tokenizer
        self._text = tokenizer.decode(ids)

    def apart(self) -> CopiedText:
        """Return the result for a text that shares nothing."""
        return CopiedText(
            text=self._text, characters=len(self._text), copied=0, start=0, verbatim=False, record=None,
            position=0, before="", span="", after="",
        )  # fmt: skip

    def sharing(self, place: CopiedPlace, *, start: int, verbatim: bool) -> CopiedText:
        """Return the result for a text that shares a span; `start` is in tokens."""
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
    """Return the number of characters of ids; an `<unk>` counts one."""
    if tokenizer.kind == "char":
        return len(ids)
    return int(np.abs(tokenizer.symbol_lengths[ids]).sum())
