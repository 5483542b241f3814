"""What a writer has drawn in one call, in packed arrays, and the piece of each sequence in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unspool.generation.generated_ids import Alternatives, GeneratedIds

# Why a sequence is over, by the writers' numbers; -1 where it goes on.
FINISH = ("length", "end", "stop", "blocked", "overflow")
REASONS = {"length": "length", "end": "stop", "stop": "stop", "blocked": "blocked", "overflow": "overflow"}


@dataclass(frozen=True, eq=False)
class TokenReport:
    """What is reported about tokens of N sequences, packed.

    Args:
        offsets: The tokens of sequence i stand from offsets[i] to offsets[i + 1].  # (N + 1,)
        tokens: The tokens, `<eos>` among them where it was drawn, int32.  # (K,)
        logprobs: Log-probability of each under the model itself, float32.  # (K,)
        constrained: The same of what the guide allows, float32; zeros for a sequence without one.  # (K,)
        alternatives: The most probable tokens at each place, int32; the sequences differ in how many they
            report.  # (A,)
        alternative_logprobs: Log-probability of each of these, float32.  # (A,)
    """

    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    constrained: NDArray[np.float32]
    alternatives: NDArray[np.int32]
    alternative_logprobs: NDArray[np.float32]

    def alternatives_of(self, widths: NDArray[np.int32]) -> list[Alternatives | None]:
        """Return the alternatives of each sequence, None where none are reported.

        Args:
            widths: How many each sequence reports at a place.  # (N,)
        """
        counts = np.diff(self.offsets)
        ends = np.cumsum(counts * widths)
        return [
            Alternatives(
                self.alternatives[end - count * width : end].reshape(count, width),
                self.alternative_logprobs[end - count * width : end].reshape(count, width),
            )
            if width
            else None
            for count, width, end in zip(counts.tolist(), widths.tolist(), ends.tolist(), strict=True)
        ]


@dataclass(frozen=True, eq=False)
class Written:
    """What one call of a writer's `advance` has brought.

    Args:
        ids: The sequences of which there is news, in the order in which they were added.  # (N,)
        finish: Why each is over: an index of `FINISH`, or -1 where it goes on.  # (N,)
        widths: How many alternatives each reports at a place.  # (N,)
        guided: Whether each has a guide.  # (N,)
        echoed: Whether each reports about its prompt.  # (N,)
        drawn: The tokens drawn.
        echo: The tokens of prompts that were read, where that is reported.
    """

    ids: NDArray[np.int64]
    finish: NDArray[np.int32]
    widths: NDArray[np.int32]
    guided: NDArray[np.bool_]
    echoed: NDArray[np.bool_]
    drawn: TokenReport
    echo: TokenReport

    def pieces(self) -> Iterator[tuple[int, GeneratedIds]]:
        """Yield the id of each sequence and its piece; the arrays are views of the packed ones."""
        ends, drawn = self.drawn.offsets.tolist(), self.drawn
        others = drawn.alternatives_of(self.widths) if self.widths.any() else [None] * len(self.ids)
        plain = not (self.guided.any() or self.echoed.any())
        for i, (sequence, finish) in enumerate(zip(self.ids.tolist(), self.finish.tolist(), strict=True)):
            start, end = ends[i], ends[i + 1]
            reason = FINISH[finish] if finish >= 0 else None
            piece = GeneratedIds(
                ids=drawn.tokens[start : end - (reason == "end")],
                logprobs=drawn.logprobs[start:end],
                finish_reason=None if reason is None else REASONS[reason],
                alternatives=others[i],
            )
            yield sequence, piece if plain else self._with_reports(piece, i)

    def _with_reports(self, piece: GeneratedIds, i: int) -> GeneratedIds:
        """Add to a piece what its guide and its prompt have to say."""
        if self.guided[i]:
            places = slice(self.drawn.offsets[i], self.drawn.offsets[i + 1])
            piece = replace(piece, constrained_logprobs=self.drawn.constrained[places])
        if self.echoed[i]:
            places = slice(self.echo.offsets[i], self.echo.offsets[i + 1])
            others = self.echo.alternatives_of(self.widths)[i]
            piece = replace(piece, prompt_logprobs=self.echo.logprobs[places], prompt_alternatives=others)
        return piece


def joined(pieces: Sequence[GeneratedIds]) -> GeneratedIds:
    """Return the pieces of one sequence as a single one."""
    if len(pieces) == 1:
        return pieces[0]
    first = pieces[0]
    return replace(
        first,
        ids=np.concatenate([piece.ids for piece in pieces]),
        logprobs=np.concatenate([piece.logprobs for piece in pieces]),
        finish_reason=pieces[-1].finish_reason,
        constrained_logprobs=_concatenated([piece.constrained_logprobs for piece in pieces]),
        alternatives=_joined_alternatives([piece.alternatives for piece in pieces]),
        prompt_logprobs=_concatenated([piece.prompt_logprobs for piece in pieces]),
        prompt_alternatives=_joined_alternatives([piece.prompt_alternatives for piece in pieces]),
    )


def _concatenated(arrays: Sequence[NDArray[np.float32] | None]) -> NDArray[np.float32] | None:
    present = [array for array in arrays if array is not None]
    return np.concatenate(present) if present else None


def _joined_alternatives(pieces: Sequence[Alternatives | None]) -> Alternatives | None:
    present = [piece for piece in pieces if piece is not None]
    if not present:
        return None
    return Alternatives(
        ids=np.concatenate([piece.ids for piece in present]),
        logprobs=np.concatenate([piece.logprobs for piece in present]),
    )
