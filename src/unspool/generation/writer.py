"""What an engine writes with, and the two usual ways of using it: to the end, and piece by piece."""

import time
from collections.abc import Iterator, Mapping
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.errors import NetworkError
from unspool.generation.engine import EngineRequest
from unspool.generation.generated_ids import GeneratedIds
from unspool.generation.search.forward import Floats, Forward
from unspool.generation.written import Written

WRITTEN_AT_ONCE = 4096  # sequences that are added to a writer together
FIRST_TOKENS = 256  # of all sequences in the first call
HEARD_SECONDS = 0.1  # that a call takes, about, so that Ctrl-C is heard in between
MOST_GROWTH = 8  # of the steps of a call beside those of the one before it
LONGEST_PIECE = 128  # tokens of a stream's piece; the first are shorter, so that something shows at once
GROWTH = 16  # of a piece beside the one before it

Parameters = Mapping[str, Floats]


class Writer(Protocol):
    """Sequences that are written side by side, each with its own options, context, guide and limits.

    They join between two steps, and leave when they are over. Each is the same text alone, among thousands,
    added early or late, on any number of threads. One thread at a time drives a writer.
    """

    def add(self, request: EngineRequest) -> range:
        """Add sequences that share their options.

        Returns:
            Their ids, in the order of the prompts.

        Raises:
            ConfigError: If the options name ids that the network does not have.
        """
        ...

    def advance(self, steps: int, *, whole: bool = False) -> Written:
        """Take every sequence some steps further: in each it reads a token of its prompt or draws one.

        Sequences that are over leave.

        Args:
            steps: How many, ≥ 1.
            whole: Whether to return sequences that are over alone, each with all that it has drawn.
        """
        ...

    def remove(self, sequence: int) -> bool:
        """Take a sequence out.

        Returns:
            Whether it was there.
        """
        ...

    def __len__(self) -> int:
        """Count the sequences that are under way."""
        ...


class WritingEngine(Protocol):
    """What writing needs of an engine; `unspool.engines.protocol.Engine` is this and what training needs."""

    def initial_state(self, batch_size: int, parameters: Parameters | None = None) -> Floats:
        """Make the state of a fresh start (L, S, B, H).

        It is zeros, unless the network learns its first state, which is then among the parameters; without
        these it is zeros in any case.
        """
        ...

    def logits(
        self,
        parameters: Parameters,
        ids: NDArray[np.integer[Any]],
        state: Floats,
        *,
        reset_id: int | None = None,
    ) -> tuple[Floats, Floats]:
        """Run ids (T, B) forward.

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
            lanes: How many sequences a call will have, or about.

        Returns:
            A function that does as `logits` does; other calls of the engine may come between two of it.
        """
        ...

    def writer(self, parameters: Parameters) -> Writer:
        """Make a writer, whose sequences share its threads and the parameters, packed once.

        Args:
            parameters: The network's parameters; they must not change as long as the writer is in use.
        """
        ...


def generate(writer: Writer, request: EngineRequest) -> list[GeneratedIds]:
    """Write sequences to their end.

    Args:
        writer: One without sequences.
        request: The sequences.

    Returns:
        What was drawn after each prompt, in the order of the prompts.

    Raises:
        ConfigError: If the options name ids that the network does not have.
        NetworkError: If a logit is not finite.
    """
    results: list[GeneratedIds] = []
    for first in range(0, max(1, len(request.prompts)), WRITTEN_AT_ONCE):
        sequences = writer.add(request.part(first, first + WRITTEN_AT_ONCE))
        texts: dict[int, GeneratedIds] = {}
        steps = max(1, FIRST_TOKENS // max(1, len(sequences)))
        while len(writer):
            began = time.perf_counter()
            texts.update(writer.advance(steps, whole=True).pieces())
            share = HEARD_SECONDS / (time.perf_counter() - began)
            steps = max(1, int(steps * min(MOST_GROWTH, share)))
        results += [_finite(texts[sequence]) for sequence in sequences]
    return results


def stream(writer: Writer, request: EngineRequest) -> Iterator[GeneratedIds]:
    """Write the only sequence of a request piece by piece; together the pieces are what `generate` returns.

    Args:
        writer: One without sequences.
        request: The sequence.

    Raises:
        ConfigError: At the call, if the options name ids that the network does not have.
        NetworkError: If a logit is not finite.
    """
    writer.add(request)
    return _pieces(writer, len(request.prompts[0]) + 1)


def _pieces(writer: Writer, steps: int) -> Iterator[GeneratedIds]:
    size = 1
    while len(writer):
        yield from (_finite(piece) for _, piece in writer.advance(steps).pieces())
        steps = size = min(GROWTH * size, LONGEST_PIECE)


def _finite(piece: GeneratedIds) -> GeneratedIds:
    if piece.finish_reason == "overflow":
        raise NetworkError
    return piece
