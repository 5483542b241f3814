"""Measure how well a network predicts a whole stream: loss, bits per character, perplexity."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np

from unspool._engines.encoder_decoder import EncoderDecoder
from unspool._engines.protocol import Engine, Parameters
from unspool._errors import CorpusError, NetworkError
from unspool._evaluation.exact_answers import exact_share
from unspool._evaluation.forward import PART, most_columns, steered, stream_losses, token_losses
from unspool._kernels.adapting import AdaptiveCounts
from unspool._kernels.matching import hash_records
from unspool._text.streams.batches import padded_batches
from unspool._text.streams.lanes import Window, conditions_of, record_of
from unspool._text.streams.stream import TokenStream
from unspool._views.frames import data_frame
from unspool._views.html import html_table
from unspool._views.short_repr import short_repr

BATCH_SYMBOLS = 1 << 14  # tokens of a padded batch: enough lanes to keep every thread busy
RECORDS_AT_ONCE = 1 << 14  # records that are sorted by length together
CONTEXT = 256  # tokens that a lane of a document reads before the first counted one
LANE_SYMBOLS = 1024  # least number of counted tokens of a lane
MAX_LANES = 64
LEAST_TEXTS = 10  # different records from which on a held-out stream says enough
LEAST_CHARACTERS = 200  # the same of a document


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The quality of a network's predictions on a stream.

    Args:
        loss: Mean loss in nats per token, every `<eos>` counted.
        bits_per_character: All nats / ln 2 over the characters of text, in which `<eos>` is not counted. The
            nats include the spelling of each word that is read as `<unk>`.
        perplexity: exp(loss).
        symbols: Number of counted targets, `<eos>` included.
        characters: Number of characters of text.
        exact: Share of the sources that the network answers exactly (greedily); None without sources, and if
            a context steers the texts as well.
        unspelled: Number of `<unk>` whose spelling `bits_per_character` leaves out, since the model, of an
            older version, does not spell them; None if there is no `<unk>`, or each is spelled.

    Example:
        >>> from unspool import Evaluation
        >>> result = Evaluation(0.69, bits_per_character=1.0, perplexity=2.0, symbols=900, characters=890)
        >>> result.bits_per_character
        1.0
    """

    loss: float
    bits_per_character: float
    perplexity: float
    symbols: int
    characters: int
    exact: float | None = None
    unspelled: int | None = None

    __repr__ = short_repr

    def to_frame(self, library: str | None = None) -> Any:
        """Return the numbers as a data frame of one row, so that the frames of several can be joined.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> frame = model.evaluate(["anna", "hanna"]).to_frame()
            >>> list(frame.columns)[:3], len(frame)
            (['loss', 'bits_per_character', 'perplexity'], 1)
        """
        columns = [field.name for field in fields(self)]
        return data_frame(columns, [{name: getattr(self, name) for name in columns}], library)

    def _repr_html_(self) -> str:
        """Return the numbers as a table for a notebook."""
        rows = [(field.name.replace("_", " "), getattr(self, field.name)) for field in fields(self)]
        known = [row for row in rows if row[1] is not None]
        return html_table((), known, title="Evaluation")


def bits_per_character(nats: float, characters: int) -> float:
    """Return the bits per character of a text from its total negative log-likelihood in nats."""
    return nats / math.log(2) / max(1, characters)


def evaluate_stream(
    engine: Engine,
    parameters: Parameters,
    stream: TokenStream,
    *,
    eos_id: int,
    document: bool,
    most_answers: int | None = None,
) -> Evaluation:
    """Measure how well a network predicts every token of a stream; each counts once.

    Line mode is exact: each record is read by itself from a fresh state, with its context. A document is read
    in up to `MAX_LANES` parallel lanes. Each reads `CONTEXT` tokens of the text before its first counted one,
    so that no lane starts from an empty state; only the text before that is missing.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: The stream to predict, at least one token.
        eos_id: The id of `<eos>`.
        document: Whether the stream is one document.
        most_answers: Highest number of records whose sources are answered, to find `exact`; None for all.

    Raises:
        CorpusError: If the stream is empty.
        NetworkError: If a loss is not finite.
    """
    parts = stream_nats(engine, parameters, stream, eos_id=eos_id, document=document)
    nats = [nats for nats, _ in parts]
    if not np.isfinite(nats).all():
        raise NetworkError
    exact = answered_exactly(engine, parameters, stream, eos_id=eos_id, most=most_answers)
    return evaluation_of(stream, nats, exact=exact)


def evaluate_adapting(
    engine: Engine, parameters: Parameters, stream: TokenStream, *, eos_id: int, document: bool
) -> Evaluation:
    """Measure how well a network predicts a stream that is read from its start to its end, and counted.

    What it has said before is expected again, in later texts as well; see `AdaptiveCounts`. A document is one
    sequence, without parallel lanes.

    Args:
        engine: The engine of a network without sources.
        parameters: The network's parameters.
        stream: The stream to predict, at least one token.
        eos_id: The id of `<eos>`.
        document: Whether the stream is one document.

    Raises:
        CorpusError: If the stream is empty.
        NetworkError: If a loss is not finite.
    """
    ids = stream.ids.astype(np.int32)
    if not ids.size:
        raise CorpusError("nothing to evaluate", expected="at least one record", got="an empty stream")
    sizes = np.array([ids.size]) if document else np.diff(np.append(stream.starts, ids.size))
    columns = most_columns(parameters)
    nats = stream_losses(
        engine,
        parameters,
        padded_batches(ids, sizes, max_symbols=BATCH_SYMBOLS, max_columns=columns, first_id=eos_id),
        count=ids.size,
        contexts=stream.contexts,
        eos_id=None if stream.contexts is None else eos_id,
    )
    adapted = AdaptiveCounts(eos_id).adapt(ids, nats)
    return evaluation_of(stream, [float(adapted.sum(dtype=np.float64))])


def stream_nats(
    engine: Engine, parameters: Parameters, stream: TokenStream, *, eos_id: int, document: bool
) -> Iterator[tuple[float, int]]:
    """Measure a stream part by part, so that a caller can show the progress; see `evaluate_stream`.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: The stream to predict, at least one token.
        eos_id: The id of `<eos>`.
        document: Whether the stream is one document.

    Yields:
        The nats of a part, and the number of its tokens.

    Raises:
        CorpusError: If the stream is empty.
    """
    if not len(stream.ids):
        raise CorpusError("nothing to evaluate", expected="at least one record", got="an empty stream")
    readings = (
        [document_lanes(stream, eos_id)]
        if document
        else _record_batches(stream, eos_id, most_columns(parameters))
    )
    for windows in readings:
        counts: list[int] = []
        reset_id = None if document else eos_id
        for losses in token_losses(engine, parameters, _counted(windows, counts), reset_id=reset_id):
            yield float(losses.sum(dtype=np.float64)), counts.pop()
        stream.give_back()


def _counted(windows: Iterator[Window], counts: list[int]) -> Iterator[Window]:
    """Yield the windows, and note the number of counted targets of each."""
    for window in windows:
        counts.append(int(np.count_nonzero(window.targets)))
        yield window


def answered_exactly(
    engine: Engine, parameters: Parameters, stream: TokenStream, *, eos_id: int, most: int | None = None
) -> float | None:
    """Return the share of a stream's sources that are answered exactly; None for records without sources.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: The texts to write, with their sources.
        eos_id: The id of `<eos>`.
        most: Highest number of sources to answer; None for all.
    """
    if not isinstance(engine, EncoderDecoder) or stream.contexts is not None:
        return None
    return exact_share(engine, parameters, stream, eos_id=eos_id, most=most)


def evaluation_of(stream: TokenStream, nats: Iterable[float], *, exact: float | None = None) -> Evaluation:
    """Return the evaluation of a whole stream from the nats of its parts.

    Args:
        stream: The whole stream.
        nats: The nats of its parts, from `stream_nats`.
        exact: Share of the sources that are answered exactly, or None.
    """
    total = math.fsum(nats)
    loss = total / len(stream.ids)
    return Evaluation(
        loss=loss,
        bits_per_character=bits_per_character(total + stream.spelling_nats, stream.characters),
        perplexity=math.exp(loss) if loss < 700 else math.inf,
        symbols=len(stream.ids),
        characters=stream.characters,
        exact=exact,
        unspelled=stream.unspelled or None,
    )


def measured_part(stream: TokenStream, most: int | None, *, document: bool) -> TokenStream:
    """Return the part of a held-out stream that is measured again and again during a training.

    Args:
        stream: The held-out stream; it may be empty.
        most: Highest number of tokens of the part; None for all.
        document: Whether the stream is one document.

    Returns:
        The stream itself if it is short enough. For a document, its beginning. Otherwise the records with the
        smallest hashes, in their order, and at least one. They are the same in every run on the same texts,
        and equal records stay together.
    """
    if most is None or len(stream) <= most:
        return stream
    if document:
        return stream.beginning(most)
    ends = np.append(stream.starts[1:], len(stream))
    hashes, sizes = hash_records(stream.ids, stream.starts, ends), ends - stream.starts
    stream.give_back()
    few = 1 + 2 * most * len(sizes) // len(stream)  # twice as many as are needed if all have one length
    while True:  # to sort all of them would take much longer
        near = np.arange(len(sizes))
        if few < len(sizes):
            near = np.flatnonzero(hashes <= np.partition(hashes, few)[few])
        order = near[np.argsort(hashes[near], kind="stable")]
        ends = np.cumsum(sizes[order])
        if len(near) == len(sizes) or ends[-1] > most:
            break
        few *= 2
    count = max(1, int(np.searchsorted(ends, most, side="right")))
    return stream.take(np.sort(order[:count]))


def says_enough(stream: TokenStream, *, document: bool) -> bool:
    """Return whether a held-out stream is long enough to tell a good model from a bad one.

    The text of a few records may be unlike all others. A network that has learnt nothing then knows it best.

    Args:
        stream: The held-out stream; it may be empty.
        document: Whether the stream is one document.
    """
    if document:
        return stream.characters >= LEAST_CHARACTERS
    starts = stream.starts[:RECORDS_AT_ONCE]
    ends = np.append(stream.starts[1:], len(stream))[: len(starts)]
    return len(np.unique(hash_records(stream.ids, starts, ends))) >= LEAST_TEXTS


def _record_batches(stream: TokenStream, eos_id: int, columns: int) -> Iterator[Iterator[Window]]:
    """Yield the windows of padded batches of records, each batch from the start of its records."""
    sizes = np.diff(stream.starts, append=len(stream.ids))  # (R,), with the <eos> of each
    for first in range(0, len(sizes), RECORDS_AT_ONCE):
        block_sizes = sizes[first : first + RECORDS_AT_ONCE]
        ids = stream.ids[stream.starts[first] :]
        for batch in padded_batches(
            ids, block_sizes, max_symbols=BATCH_SYMBOLS, max_columns=columns, first_id=eos_id
        ):
            records = first + batch.indices
            yield steered(batch.windows(PART), stream.contexts, records, sources=stream.sources)


def document_lanes(stream: TokenStream, eos_id: int) -> Iterator[Window]:
    """Yield consecutive windows that cover a document in overlapping lanes.

    With N tokens in B lanes of n counted ones, lane b reads positions b·n to b·n + C + n, where C is
    `CONTEXT`. The first C of them count in lane 0 only, so every position counts once.
    """
    N = len(stream.ids)
    B = max(1, min(MAX_LANES, N // LANE_SYMBOLS))
    C = CONTEXT if B > 1 else 0
    n = -(-(N - C) // B)
    for begin in range(0, C + n, PART):
        times = np.arange(begin, min(begin + PART, C + n))[:, None]  # (T, 1)
        positions = times + n * np.arange(B)  # (T, B)
        counted = (positions < N) & ((times >= C) | (np.arange(B) == 0))
        last = np.minimum(positions, N - 1)
        targets = np.where(counted, stream.ids[last], 0).astype(np.int32)
        ids = np.where(last > 0, stream.ids[np.maximum(last - 1, 0)], eos_id).astype(np.int32)
        contexts = stream.contexts
        conditions = None if contexts is None else conditions_of(stream, record_of(stream.starts, last))
        yield Window(ids=ids, targets=targets, conditions=conditions)
