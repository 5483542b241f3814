"""The protocol of a writer of sequences, and its two usual uses: to the end, and piece by piece."""

import itertools
from collections.abc import Callable, Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool._errors import NetworkError
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.pace import Pace
from unspool._generation.search.forward import Floats, Forward
from unspool._generation.written import Written
from unspool._text.streams.lanes import Conditions

PIECE_SECONDS = 0.01  # between two pieces of a stream, about; the first is one token, to show text at once

Parameters = Mapping[str, Floats]


class Writer(Protocol):
    """A writer of sequences, each with its own options, context, guide and limits.

    Sequences are added between two steps, and are removed when they end. The text of a sequence does not
    depend on the other sequences, on the time when it was added, or on the number of threads. Only one thread
    at a time may use a writer.
    """

    def add(self, request: EngineRequest, *, whole: bool = False) -> range:
        """Add sequences with the same options.

        Args:
            request: The sequences.
            whole: Whether `advance` returns nothing of them before they have ended, then all tokens.

        Returns:
            The ids of the sequences, in the order of the prompts.

        Raises:
            ConfigError: If the options name ids that the network does not have.
        """
        ...

    def advance(self, steps: int, *, whole: bool = False, spared: int = 0) -> Written:
        """Advance every sequence by some steps; in a step it reads a token of its prompt or draws one.

        Sequences that have ended are removed.

        Args:
            steps: Number of steps, ≥ 1.
            whole: Whether to return only the sequences that have ended, each with all its tokens.
            spared: Threads of the engine that take no part, where others need a processor; one always does.
        """
        ...

    def remove(self, sequence: int) -> bool:
        """Remove a sequence.

        Returns:
            Whether it was there.
        """
        ...

    def __len__(self) -> int:
        """Return the number of sequences that have not ended."""
        ...


class WritingEngine(Protocol):
    """The part of an engine for writing; `unspool._engines.protocol.Engine` adds the part for training."""

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> Floats:
        """Return the state of a fresh start (L, S, B, H).

        Args:
            batch_size: Number of sequences, B.
            parameters: The parameters of the network, which may have a learnt first state; None for zeros.
        """
        ...

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: Floats,
        *,
        reset_id: int | None = None,
        conditions: Conditions | None = None,
    ) -> tuple[Floats, Floats]:
        """Run ids (T, B) forward, under the conditions of their records if there are any.

        Returns:
            Logits (T, B, V), the <pad> column -inf; the state after the last step.

        Raises:
            NetworkError: If a logit is not finite.
        """
        ...

    def forward(self, parameters: Parameters, *, lanes: int) -> Forward:
        """Prepare `logits` for many short calls with the same parameters.

        Args:
            parameters: The network's parameters; they must not change while the result is in use.
            lanes: Approximate number of sequences of a call.

        Returns:
            A function like `logits`, without its parameters; the engine may be used for other calls between.
        """
        ...

    def writer(self, parameters: Parameters) -> Writer:
        """Make a writer with the threads of the engine; the parameters are packed once.

        Args:
            parameters: The network's parameters; they must not change while the writer is in use.
        """
        ...


def generate(
    writer: Writer, request: EngineRequest, *, stopped: Callable[[], bool] = lambda: False
) -> list[GeneratedIds]:
    """Write sequences to their end.

    Args:
        writer: A writer without sequences.
        request: The sequences.
        stopped: A function that is called about every 0.05 s; once it returns true, nothing more is written.

    Returns:
        The drawn tokens of each prompt, in their order; after a stop, of the first ones that are finished.

    Raises:
        ConfigError: If the options name ids that the network does not have.
        NetworkError: If a logit is not finite.
    """
    pace, total, sequences = Pace(), len(request.prompts), list[int]()
    texts: dict[int, GeneratedIds] = {}
    try:
        while len(writer) or len(sequences) < total:
            if (room := pace.sequences - len(writer)) > 0 and len(sequences) < total:
                sequences += writer.add(request.part(len(sequences), len(sequences) + room))
            with pace.call(writer) as steps:
                texts.update(writer.advance(steps, whole=True).pieces())
            if stopped():
                break
    finally:
        for sequence in itertools.filterfalse(texts.__contains__, sequences):
            writer.remove(sequence)
    return [_finite(texts[each]) for each in itertools.takewhile(texts.__contains__, sequences)]


def stream(writer: Writer, request: EngineRequest) -> Iterator[GeneratedIds]:
    """Write the only sequence of a request piece by piece; together the pieces are the result of `generate`.

    Args:
        writer: A writer without sequences.
        request: The sequence.

    Raises:
        ConfigError: At the call, if the options name ids that the network does not have.
        NetworkError: If a logit is not finite.
    """
    writer.add(request)
    return _pieces(writer, len(request.prompts[0]) + 1)


def _pieces(writer: Writer, to_read: int) -> Iterator[GeneratedIds]:
    """Yield pieces; after `to_read` steps the prompt is read, and the first token is drawn."""
    pace = Pace()
    pace.seconds = PIECE_SECONDS
    while len(writer):
        with pace.call(writer, most=to_read or None) as steps:
            written = writer.advance(steps)
        to_read -= min(to_read, steps)
        yield from (_finite(piece) for _, piece in written.pieces())


def _finite(piece: GeneratedIds) -> GeneratedIds:
    if piece.finish_reason == "overflow":
        raise NetworkError
    return piece
