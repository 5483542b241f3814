"""The result of one call of a writer, in packed arrays, and the piece of each sequence in it."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
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

    def alternatives_of(self, i: int, start: int, width: int) -> Alternatives | None:
        """Return the alternatives of sequence i, or None if it reports none.

        Args:
            i: Index of the sequence.
            start: Index of its first alternative.
            width: Number of alternatives that it reports at a place.
        """
        if self.alternatives is None or self.alternative_logprobs is None or not width:
            return None
        count = int(self.offsets[i + 1] - self.offsets[i])
        places, shape = slice(start, start + count * width), (count, width)
        return Alternatives(
            self.alternatives[places].reshape(shape), self.alternative_logprobs[places].reshape(shape)
        )

    def starts_of_alternatives(self, widths: NDArray[np.int32]) -> list[int]:
        """Return the index of the first alternative of each sequence.

        Args:
            widths: Number of alternatives that each sequence reports at a place.  # (N,)
        """
        starts: list[int] = np.cumsum([0, *(np.diff(self.offsets) * widths).tolist()]).tolist()
        return starts


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
        for i, sequence in enumerate(self.ids.tolist()):
            yield sequence, self.piece(i)

    def piece(self, i: int) -> GeneratedIds:
        """Return the piece at index i, whose arrays are views of the packed ones."""
        start, end = self.ends[i], self.ends[i + 1]
        reason = self.reasons[i]
        return GeneratedIds(
            ids=self.drawn.tokens[start : end - (reason == "end")],
            logprobs=self.drawn.logprobs[start:end],
            finish_reason="stop" if reason == "end" else reason,
            **({} if self.widths is None else self._reports(i)),
        )

    @cached_property
    def ends(self) -> list[int]:
        """Return where the tokens of each sequence begin, and where those of the last one end."""
        ends: list[int] = self.drawn.offsets.tolist()
        return ends

    @cached_property
    def tokens(self) -> list[int]:
        """Return the tokens that were drawn, of one sequence after the other."""
        tokens: list[int] = self.drawn.tokens.tolist()
        return tokens

    @cached_property
    def reasons(self) -> list[str | None]:
        """Return why each sequence has ended, an entry of `FINISH`; None for one that continues."""
        return [FINISH[code] if code >= 0 else None for code in self.finish.tolist()]

    @cached_property
    def _starts(self) -> tuple[list[int], list[int]]:
        """Where the alternatives of each sequence begin: of drawn tokens, and of prompts."""
        if self.widths is None:
            return [], []
        echo = [] if self.echo is None else self.echo.starts_of_alternatives(self.widths)
        return self.drawn.starts_of_alternatives(self.widths), echo

    def _reports(self, i: int) -> dict[str, Any]:
        """Return the further reports of the sequence at index i, if it has any."""
        drawn, echo, widths = self.drawn, self.echo, self.widths
        width = 0 if widths is None else int(widths[i])
        guided = self.guided is not None and bool(self.guided[i]) and drawn.constrained is not None
        echoed = self.echoed is not None and bool(self.echoed[i])
        more: dict[str, Any] = {}
        if width:
            more["alternatives"] = drawn.alternatives_of(i, self._starts[0][i], width)
        if guided and drawn.constrained is not None:
            more["constrained_logprobs"] = drawn.constrained[self.ends[i] : self.ends[i + 1]]
        if echoed and echo is not None:
            more["prompt_logprobs"] = echo.logprobs[echo.offsets[i] : echo.offsets[i + 1]]
            if width:
                more["prompt_alternatives"] = echo.alternatives_of(i, self._starts[1][i], width)
        return more


def joined(reports: Sequence[Written]) -> Written:
    """Return the reports on different sequences as one, in the order in which the sequences were added.

    Args:
        reports: The reports of writers that share the ids of their sequences.
    """
    full = [_with_every_field(report) for report in reports]
    ids = np.concatenate([report.ids for report in full] or [np.zeros(0, np.int64)])
    order = np.argsort(ids, kind="stable")
    fields: dict[str, Any] = {
        name: np.concatenate([getattr(report, name) for report in full] or [np.zeros(0, np.int32)])[order]
        for name in ("ids", "finish", "widths", "guided", "echoed")
    }
    for name in ("drawn", "echo"):
        fields[name] = _joined_tokens([getattr(each, name) for each in full], full, order)
    return Written(**fields)


def _with_every_field(report: Written) -> Written:
    """Return a report that says of each sequence also what it does not report."""
    if report.widths is not None:
        return report
    count, none = len(report.ids), np.zeros(0, np.int32)
    no_floats = none.astype(np.float32)
    nothing: dict[str, Any] = {"alternatives": none, "alternative_logprobs": no_floats}
    unguided = np.zeros(len(report.drawn.tokens), np.float32)
    return replace(
        report,
        widths=np.zeros(count, np.int32),
        guided=np.zeros(count, bool),
        echoed=np.zeros(count, bool),
        drawn=replace(report.drawn, constrained=unguided, **nothing),
        echo=TokenReport(np.zeros(count + 1, np.int64), none, no_floats, no_floats, **nothing),
    )


def _joined_tokens(
    parts: Sequence[TokenReport], reports: Sequence[Written], order: NDArray[np.int64]
) -> TokenReport:
    """Return the tokens of all sequences, packed in an order."""
    lengths = np.concatenate([np.diff(part.offsets) for part in parts] or [np.zeros(0, np.int64)])
    widths = np.concatenate([report.widths for report in reports if report.widths is not None] or [lengths])
    fields = {
        name: np.concatenate([getattr(part, name) for part in parts] or [np.zeros(0)])
        for name in ("tokens", "logprobs", "constrained", "alternatives", "alternative_logprobs")
    }
    places, wide = _in_order(lengths, order), _in_order(lengths * widths, order)
    taken: dict[str, Any] = {
        name: values[wide if name.startswith("alternative") else places] for name, values in fields.items()
    }
    return TokenReport(offsets=np.cumsum([0, *lengths[order]], dtype=np.int64), **taken)


def _in_order(lengths: NDArray[np.int64], order: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the places of the items of packed runs, once the runs are in another order."""
    starts = np.cumsum(lengths) - lengths
    runs = [np.arange(starts[i], starts[i] + lengths[i]) for i in order]
    return np.concatenate([*runs, np.zeros(0, np.int64)]).astype(np.int64)
