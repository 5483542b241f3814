"""The share of held-out sources that a network answers exactly."""

import numpy as np
from numpy.typing import NDArray

from unspool._engines.encoder_decoder import EncoderDecoder
from unspool._engines.protocol import Parameters
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._network.conditions import no_source
from unspool._text.streams.lanes import padded_sources
from unspool._text.streams.stream import TokenStream

AT_ONCE = 512  # sources that are read in parallel


def exact_share(
    engine: EncoderDecoder,
    parameters: Parameters,
    stream: TokenStream,
    *,
    eos_id: int,
    most: int | None = None,
) -> float:
    """Return the share of records whose text is exactly what the network writes for their source.

    The network always writes the most probable token (greedy).

    Args:
        engine: The engine.
        parameters: The network's parameters.
        stream: The records, with their sources; at least one.
        eos_id: The id of `<eos>`.
        most: Number of records to look at, spread evenly over all of them; None for all.
    """
    count = stream.num_records
    chosen = np.arange(count) if most is None or most >= count else np.arange(most) * count // most
    right = sum(
        _right(engine, parameters, stream, chosen[first : first + AT_ONCE], eos_id)
        for first in range(0, len(chosen), AT_ONCE)
    )
    return right / len(chosen)


def _right(
    engine: EncoderDecoder,
    parameters: Parameters,
    stream: TokenStream,
    records: NDArray[np.int64],
    eos_id: int,
) -> int:
    """Return the number of exact answers among some records."""
    if stream.sources is None:
        raise no_source()
    begins = stream.starts[records]
    ends = np.append(stream.starts, len(stream))[records + 1]
    texts = [stream.ids[begin:end] for begin, end in zip(begins, ends, strict=True)]
    states = engine.encode(parameters, padded_sources(stream.sources, records))
    options = GenerationOptions(temperature=0, max_new_tokens=max(map(len, texts)))
    options = options.without(stream.unk_id)
    start = np.array([eos_id], np.int32)
    request = EngineRequest([start] * len(texts), options, states=states)
    answers = generate(engine.writer(parameters), request)
    return sum(
        answer.finish_reason == "stop" and np.array_equal(answer.ids, text[:-1])
        for answer, text in zip(answers, texts, strict=True)
    )
