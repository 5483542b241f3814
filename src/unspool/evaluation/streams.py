"""How well a network predicts a whole stream of texts: loss, bits per character, perplexity."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from unspool.engines.encoder_decoder import EncoderDecoder
from unspool.engines.protocol import Engine, Parameters
from unspool.errors import CorpusError, NetworkError
from unspool.evaluation.exact_answers import exact_share
from unspool.evaluation.forward import PART, steered, token_losses
from unspool.kernels.matching import hash_records
from unspool.text.streams.batches import padded_batches
from unspool.text.streams.lanes import Window, conditions_of, record_of
from unspool.text.streams.stream import TokenStream

BATCH_SYMBOLS = 1 << 14  # of a padded batch: enough lanes to keep every thread busy
RECORDS_AT_ONCE = 1 << 14  # sorted by length together
CONTEXT = 256  # symbols that a lane of a document reads before the first one that counts
LANE_SYMBOLS = 1024  # counted symbols of a lane, at the least
MAX_LANES = 64


@dataclass(frozen=True, slots=True)
class Evaluation:
    """Tell how well a network predicts a stream.

    Args:
        loss: Nats per symbol, every `<eos>` counted.
        bits_per_character: All nats / ln 2 over the characters of text, `<eos>` not being one.
        perplexity: exp(loss).
        symbols: Targets counted, `<eos>` included.
        characters: Characters of text.
        exact: Share of the sources that the network answers exactly (greedily); None without sources,
            and where a context steers the texts as well.
    """

    loss: float
    bits_per_character: float
    perplexity: float
    symbols: int
    characters: int
    exact: float | None = None


def bits_per_character(nats: float, characters: int) -> float:
    """Spread a total negative log-likelihood over the characters of the text that it is of."""
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
    """Measure how well a network predicts every symbol of a stream, each counted once.

    In line mode this is exact: each record is read on its own from a fresh state. What is known about the
    records is said. A document is read in
    up to `MAX_LANES` lanes side by side, each of which reads `CONTEXT` symbols of the text before its
    first counted one, so that none starts cold; only what lies further back is forgotten there.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: What to predict, at least one symbol.
        eos_id: The id of `<eos>`.
        document: Whether the stream is one document.
        most_answers: Records of which it is looked at whether their source is answered exactly; None for all.

    Raises:
        CorpusError: If the stream is empty.
        NetworkError: If what the network says of it is not finite.
    """
    parts = stream_nats(engine, parameters, stream, eos_id=eos_id, document=document)
    nats = [nats for nats, _ in parts]
    if not np.isfinite(nats).all():
        raise NetworkError
    exact = answered_exactly(engine, parameters, stream, eos_id=eos_id, most=most_answers)
    return evaluation_of(stream, nats, exact=exact)


def stream_nats(
    engine: Engine, parameters: Parameters, stream: TokenStream, *, eos_id: int, document: bool
) -> Iterator[tuple[float, int]]:
    """Measure a stream part by part, so that whoever waits can see how far it is; see `evaluate_stream`.

    Yields:
        The nats of a part, and how many symbols it has.

    Raises:
        CorpusError: If the stream is empty.
    """
    if not len(stream.ids):
        raise CorpusError("nothing to evaluate", expected="at least one record", got="an empty stream")
    readings = [document_lanes(stream, eos_id)] if document else _record_batches(stream, eos_id)
    for windows in readings:
        counts: list[int] = []
        reset_id = None if document else eos_id
        for losses in token_losses(engine, parameters, _counted(windows, counts), reset_id=reset_id):
            yield float(losses.sum(dtype=np.float64)), counts.pop()
        stream.give_back()


def _counted(windows: Iterator[Window], counts: list[int]) -> Iterator[Window]:
    """Note how many targets of each window count."""
    for window in windows:
        counts.append(int(np.count_nonzero(window.targets)))
        yield window


def answered_exactly(
    engine: Engine, parameters: Parameters, stream: TokenStream, *, eos_id: int, most: int | None = None
) -> float | None:
    """Give the share of a stream's sources that are answered exactly; None where records have no sources.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: The answers, with their sources.
        eos_id: The id of `<eos>`.
        most: Sources that are answered at the most; None for all.
    """
    if not isinstance(engine, EncoderDecoder) or stream.contexts is not None:
        return None
    return exact_share(engine, parameters, stream, eos_id=eos_id, most=most)


def evaluation_of(stream: TokenStream, nats: Iterable[float], *, exact: float | None = None) -> Evaluation:
    """Sum up what `stream_nats` has given of a whole stream."""
    total = math.fsum(nats)
    loss = total / len(stream.ids)
    return Evaluation(
        loss=loss,
        bits_per_character=bits_per_character(total, stream.characters),
        perplexity=math.exp(loss) if loss < 700 else math.inf,
        symbols=len(stream.ids),
        characters=stream.characters,
        exact=exact,
    )


def measured_part(stream: TokenStream, most: int | None, *, document: bool) -> TokenStream:
    """Choose the part of a held-out stream that is measured again and again while a network learns.

    Args:
        stream: What is held out; it may be empty.
        most: Most symbols of the part; None for all.
        document: Whether the stream is one document.

    Returns:
        The stream itself if it is short enough. Of a document its beginning. Otherwise the records whose
        hashes are smallest, in their order, and at least one: the same ones in every run on the same texts,
        and equal records together.
    """
    if most is None or len(stream) <= most:
        return stream
    if document:
        return stream.beginning(most)
    ends = np.append(stream.starts[1:], len(stream))
    hashes, sizes = hash_records(stream.ids, stream.starts, ends), ends - stream.starts
    stream.give_back()
    few = 1 + 2 * most * len(sizes) // len(stream)  # twice as many as will do where all are alike
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


def _record_batches(stream: TokenStream, eos_id: int) -> Iterator[Iterator[Window]]:
    """Yield the windows of records side by side, every batch from its records' start."""
    sizes = np.diff(stream.starts, append=len(stream.ids))  # (R,) the <eos> of each included
    for first in range(0, len(sizes), RECORDS_AT_ONCE):
        some = sizes[first : first + RECORDS_AT_ONCE]
        ids = stream.ids[stream.starts[first] :]
        for batch in padded_batches(ids, some, max_symbols=BATCH_SYMBOLS, first_id=eos_id):
            records = first + batch.indices
            yield steered(batch.windows(PART), stream.contexts, records, sources=stream.sources)


def document_lanes(stream: TokenStream, eos_id: int) -> Iterator[Window]:
    """Yield windows that follow each other and cover a document, their lanes overlapping.

    With N symbols in B lanes of n counted ones, lane b reads positions b·n to b·n + C + n, C being
    `CONTEXT`; the first C of them count in lane 0 alone, so every position counts once.
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
        told = None if contexts is None else conditions_of(stream, record_of(stream.starts, last))
        yield Window(ids=ids, targets=targets, conditions=told)
