"""The result of one call of a writer, in packed arrays, and the piece of each sequence in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import Alternatives, GeneratedIds

# The reasons for the end of a sequence, by the numbers of the writers; -1 if it continues.
FINISH = ("length", "end", "stop", "blocked", "overflow")


@dataclass(frozen=True, eq=False)
class TokenReport:
    """The report on the tokens of N sequences, packed.

    Args:
        offsets: The tokens of sequence i are at offsets[i] to offsets[i + 1] - 1.  # (N + 1,)
        tokens: The tokens, with `<eos>` if it was drawn, int32.  # (K,)
        logprobs: Log-probability of each token under the model itself, float32.  # (K,)
        constrained: Log-probability of each token among the tokens that the guide allows, float32, 0 for a
            sequence without a guide; None if no sequence has one.  # (K,)
        alternatives: The most probable tokens at each place, int32, as many as the sequence reports; None if
            no sequence reports them.  # (A,)
        alternative_logprobs: Log-probability of each alternative, float32.  # (A,)
    """

    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    constrained: NDArray[np.float32] | None = None
    alternatives: NDArray[np.int32] | None = None
    alternative_logprobs: NDArray[np.float32] | None = None

    def alternatives_of(self, i: int, widths: NDArray[np.int32]) -> Alternatives | None:
        """Return the alternatives of sequence i, or None if it reports none.

        Args:
            i: Index of the sequence.
            widths: Number of alternatives that each sequence reports at a place.  # (N,)
        """
        if self.alternatives is None or self.alternative_logprobs is None or not widths[i]:
            return None
        counts = np.diff(self.offsets)
        start = int((counts[:i] * widths[:i]).sum())
        places, shape = slice(start, start + counts[i] * widths[i]), (counts[i], widths[i])
        return Alternatives(
            self.alternatives[places].reshape(shape), self.alternative_logprobs[places].reshape(shape)
        )


@dataclass(frozen=True, eq=False)
class Written:
    """The result of one call of a writer's `advance`.

    The fields from `widths` on are None if no sequence reports more than its tokens.

    Args:
        ids: The sequences with new tokens or an end, in the order in which they were added.  # (N,)
        finish: The reason for the end of each sequence: an index of `FINISH`, or -1 if it continues.  # (N,)
        drawn: The tokens that were drawn.
        widths: Number of alternatives that each sequence reports at a place.  # (N,)
        guided: Whether each sequence has a guide.  # (N,)
        echoed: Whether each sequence reports on its prompt.  # (N,)
        echo: The tokens of prompts that were read, if a sequence reports on them.
    """

    ids: NDArray[np.int64]
    finish: NDArray[np.int32]
    drawn: TokenReport
    widths: NDArray[np.int32] | None = None
    guided: NDArray[np.bool_] | None = None
    echoed: NDArray[np.bool_] | None = None
    echo: TokenReport | None = None

    def pieces(self) -> Iterator[tuple[int, GeneratedIds]]:
        """Yield the id of each sequence and its piece, whose arrays are views of the packed ones."""
        ends, tokens, logprobs = self.drawn.offsets.tolist(), self.drawn.tokens, self.drawn.logprobs
        for i, (sequence, code) in enumerate(zip(self.ids.tolist(), self.finish.tolist(), strict=True)):
            start, end = ends[i], ends[i + 1]
            reason = FINISH[code] if code >= 0 else None
            piece = GeneratedIds(
                ids=tokens[start : end - (reason == "end")],
                logprobs=logprobs[start:end],
                finish_reason="stop" if reason == "end" else reason,
            )
            yield sequence, piece if self.widths is None else self._with_reports(piece, i)

    def _with_reports(self, piece: GeneratedIds, i: int) -> GeneratedIds:
        """Return a piece with the further reports of its sequence."""
        drawn, echo, widths = self.drawn, self.echo, self.widths
        more: dict[str, Any] = {}
        if widths is not None:
            more["alternatives"] = drawn.alternatives_of(i, widths)
        if self.guided is not None and self.guided[i] and drawn.constrained is not None:
            more["constrained_logprobs"] = drawn.constrained[drawn.offsets[i] : drawn.offsets[i + 1]]
        if self.echoed is not None and self.echoed[i] and echo is not None and widths is not None:
            more["prompt_logprobs"] = echo.logprobs[echo.offsets[i] : echo.offsets[i + 1]]
            more["prompt_alternatives"] = echo.alternatives_of(i, widths)
        return replace(piece, **more)
