"""A model that is told something of its texts: a context, a vector, what they are the answer to."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np

from unspool._configuration import check
from unspool._engines.encoder_decoder import EncoderDecoder
from unspool._engines.protocol import Floats
from unspool._errors import ConfigError
from unspool._generation.requests import StatesLike
from unspool._generation.states import State
from unspool._model.parts import ModelParts, Parts
from unspool._network.conditions import with_context, with_first_state, with_start
from unspool._text.encoding.source_texts import read_sources
from unspool._text.tokenizers.unknown import Unknown

SOURCES_AT_ONCE = 512  # read side by side

Context = Mapping[str, object]


def conditioned_on(
    parts: Parts,
    context: Context | None = None,
    *,
    vector: Any = None,
    source: str | None = None,
    unknown: Unknown = "error",
) -> Parts:
    """Return the model once something is known of its texts, or itself; see `Generator.conditioned_on`."""
    if context is None and vector is None and source is None:
        return parts
    parameters, network, schema = parts.parameters, parts.network, parts.schema
    expected = "names and values: {'label': 'Sports'}"
    check("context", context, expected, context is None or isinstance(context, Mapping))
    row = schema.row(context or {})
    if schema.attributes:
        parameters, network = with_context(parameters, network, row)
    if vector is not None or schema.vector_size is not None:
        numbers = np.zeros(schema.vector_size or 0) if vector is None else vector
        parameters, network = with_start(parameters, network, schema.vector(numbers))
    known = {name: str(value) for name, value in (context or {}).items()}
    tokenizer = parts.source_tokenizer
    if source is not None:
        (start,) = encode_sources(parts, [source], unknown=unknown)
        parameters, network = with_first_state(parameters, network, start)
        known, tokenizer = known | {"source": source}, None
    data = {**parts.data, "context": None, "given": {**parts.data.get("given", {}), **known}}
    return replace(
        parts,
        network=network,
        parameters=parameters,
        data=data,
        source_tokenizer=tokenizer,
        quantization=None,  # what was told is in the parameters now, in float32
    )


def row_and_start(
    parts: ModelParts, context: Context | None, vector: Any
) -> tuple[Floats | None, Floats | None]:
    """Return what `conditioned_on` would make part of the network, for a request to a writer of the model.

    Args:
        parts: The model.
        context: What is known of the texts; None for nothing.
        vector: The numbers that the first state is worked from; None for none.

    Returns:
        The row of the context (F,), and the first state (L, S, H); None for one that is not needed.

    Raises:
        ConfigError: If the model has no such attribute or value, or no vector of this size.
    """
    if context is None and vector is None:
        return None, None
    expected = "names and values: {'label': 'Sports'}"
    check("context", context, expected, context is None or isinstance(context, Mapping))
    schema = parts.schema
    row = schema.row(context or {})
    start: Floats | None = None
    if vector is not None or schema.vector_size is not None:
        numbers = np.zeros(schema.vector_size or 0) if vector is None else vector
        folded, _ = with_start(parts.parameters, parts.network, schema.vector(numbers))
        start = folded["start.bias"].reshape(parts.network.state_shape)
    return (row if schema.attributes else None), start


def encode_sources(parts: ModelParts, sources: Sequence[str], *, unknown: Unknown) -> list[Floats]:
    """Read sources side by side, and return the state (L, S, H) that the answer to each starts from.

    Raises:
        ConfigError: If the model was trained without sources.
        UnknownSymbolError: If a source has a symbol that the model does not know.
    """
    engine, tokenizer = parts.runner, parts.source_tokenizer
    if tokenizer is None or not isinstance(engine, EncoderDecoder):
        raise ConfigError("source cannot be used: the model was trained without sources")
    ok = isinstance(sources, Sequence) and all(isinstance(source, str) for source in sources)
    check("source", sources, "a text, or a list of texts", ok)
    states: list[Floats] = []
    for first in range(0, len(sources), SOURCES_AT_ONCE):
        read = read_sources(tokenizer, sources[first : first + SOURCES_AT_ONCE], unknown=unknown)
        states += list(engine.encode(parts.parameters, read).transpose(2, 0, 1, 3))
    return states


def start_states(
    parts: ModelParts, source: str | Sequence[str] | None, state: StatesLike, unknown: Unknown
) -> StatesLike:
    """Return the states that sources make, or the state that was given in their place."""
    if source is None:
        return state
    check("state", state, "None with a source: the source makes the state", state is None)
    check("source", source, "a text, or a list of texts", isinstance(source, Sequence))
    several = [source] if isinstance(source, str) else source
    check("source", source, "at least one text", len(several) > 0)
    return encode_sources(parts, several, unknown=unknown)


def state_after(parts: ModelParts, text: str, *, unknown: Unknown) -> State:
    """Read a text, and return the state after it; see `Generator.state_after`."""
    check("text", text, "a string", isinstance(text, str))
    ids = parts.tokenizer.encode(text, unknown=unknown)
    read = np.concatenate([[parts.tokenizer.eos_id], ids]).astype(np.int32)[:, None]  # (T, 1)
    before = parts.runner.initial_state(1, parts.parameters)
    _, state = parts.runner.logits(parts.parameters, read, before)
    return State(state[:, :, 0].astype(np.float32))
