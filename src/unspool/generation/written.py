"""What a writer has drawn in one call, in packed arrays, and the piece of each sequence in it."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.generation.generated_ids import Alternatives, GeneratedIds

# Why a sequence is over, by the writers' numbers; -1 where it goes on.
FINISH = ("length", "end", "stop", "blocked", "overflow")


@dataclass(frozen=True, eq=False)
class TokenReport:
    """What is reported about tokens of N sequences, packed.

    Args:
        offsets: The tokens of sequence i stand from offsets[i] to offsets[i + 1].  # (N + 1,)
        tokens: The tokens, `<eos>` among them where it was drawn, int32.  # (K,)
        logprobs: Log-probability of each under the model itself, float32.  # (K,)
        constrained: Log-probability of each among what the guide allows, float32, zeros for a sequence
            without one; None where no sequence has one.  # (K,)
        alternatives: The most probable tokens at each place, int32, as many as each sequence reports; None
            where none does.  # (A,)
        alternative_logprobs: Log-probability of each of these, float32.  # (A,)
    """

    offsets: NDArray[np.int64]
    tokens: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    constrained: NDArray[np.float32] | None = None
    alternatives: NDArray[np.int32] | None = None
    alternative_logprobs: NDArray[np.float32] | None = None

    def alternatives_of(self, i: int, widths: NDArray[np.int32]) -> Alternatives | None:
        """Return the alternatives of sequence i, None where it reports none.

        Args:
            i: The sequence.
            widths: How many each sequence reports at a place.  # (N,)
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
    """What one call of a writer's `advance` has brought.

    The fields from `widths` on are None where no sequence reports more than its tokens.

    Args:
        ids: The sequences of which there is news, in the order in which they were added.  # (N,)
        finish: Why each is over: an index of `FINISH`, or -1 where it goes on.  # (N,)
        drawn: The tokens drawn.
        widths: How many alternatives each reports at a place.  # (N,)
        guided: Whether each has a guide.  # (N,)
        echoed: Whether each reports about its prompt.  # (N,)
        echo: The tokens of prompts that were read, where that is reported.
    """

    ids: NDArray[np.int64]
    finish: NDArray[np.int32]
    drawn: TokenReport
    widths: NDArray[np.int32] | None = None
    guided: NDArray[np.bool_] | None = None
    echoed: NDArray[np.bool_] | None = None
    echo: TokenReport | None = None

    def pieces(self) -> Iterator[tuple[int, GeneratedIds]]:
        """Yield the id of each sequence and its piece; the arrays are views of the packed ones."""
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
        """Add to a piece what the sequence reports beside its tokens."""
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
