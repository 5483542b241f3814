"""The results of generation: texts with their log-probabilities."""

import math
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._generation.generated_ids import Alternatives
from unspool._generation.selecting.report import CollectionReport
from unspool._text.novelty import NoveltyIndex
from unspool._views.frames import data_frame
from unspool._views.html import Cell, Marked, html_table
from unspool._views.short_repr import repr_lines, short_repr

COLUMNS = (
    "text", "prompt", "continuation", "finish_reason", "stop_reason", "tokens", "total_logprob",
    "mean_logprob"
)  # fmt: skip


@dataclass(frozen=True, eq=False)
class Generation:
    """A generated text.

    Args:
        text: The prompt and its continuation.
        prompt: The prompt as the model read it: normalized, without symbols that were dropped.
        continuation: What the model wrote.
        ids: The tokens of the continuation, int32.  # (N,)
        token_logprobs: Natural log-probability of each token under the model at temperature 1, float32; one
            more than `ids` if the model ended the text.  # (N,) or (N + 1,)
        finish_reason: "stop" if the model or a stop string ended the text, "length" if `max_new_tokens` did,
            "blocked" if no token was allowed.
        stop_reason: The stop string that ended the text, or None. Its tokens stay in `ids`, though it is cut
            from the text.
        constrained_logprobs: Log-probability of each token among the allowed tokens, float32; None without a
            constraint and `bad_words`.  # as token_logprobs
        alternatives: The most probable tokens at each place; None without the option `logprobs`.
        prompt_logprobs: Log-probability of each token of the prompt, float32; None without the option
            `echo`.  # (P,)
        prompt_alternatives: The most probable tokens at each place of the prompt; None unless both options
            are set.

    Example:
        >>> import numpy as np
        >>> from unspool import Generation
        >>> ids, logprobs = np.array([1, 2], np.int32), np.array([-1.5, -0.5], np.float32)
        >>> text = Generation("see it", "see ", "it", ids, logprobs, "length")
        >>> print(text, text.total_logprob)
        see it -2.0
    """

    text: str
    prompt: str
    continuation: str = field(repr=False)
    ids: NDArray[np.int32] = field(repr=False)
    token_logprobs: NDArray[np.float32] = field(repr=False)
    finish_reason: str
    stop_reason: str | None = None
    constrained_logprobs: NDArray[np.float32] | None = field(repr=False, default=None)
    alternatives: Alternatives | None = field(repr=False, default=None)
    prompt_logprobs: NDArray[np.float32] | None = field(repr=False, default=None)
    prompt_alternatives: Alternatives | None = field(repr=False, default=None)

    __repr__ = short_repr

    def __str__(self) -> str:
        return self.text

    @property
    def total_logprob(self) -> float:
        """The sum of the log-probabilities, in nats.

        Example:
            >>> (text,) = model.generate("a", seed=0)
            >>> text.total_logprob < 0
            True
        """
        return math.fsum(self.token_logprobs.tolist())

    @property
    def mean_logprob(self) -> float:
        """The mean log-probability of a token, in nats; minus infinity without tokens.

        Example:
            >>> (text,) = model.generate("a", seed=0)
            >>> text.total_logprob <= text.mean_logprob < 0
            True
        """
        return self.total_logprob / len(self.token_logprobs) if len(self.token_logprobs) else -math.inf


class Generations(list[Generation]):
    """A list of generated texts, with a report on the refused ones.

    Args:
        texts: The texts.
        report: The numbers of drawn and refused texts; None if there was no selection.
        known: An index of the training texts, whose copies a notebook underlines; None if there is none, or
            it has not been read.

    Example:
        >>> from unspool import Generations
        >>> from unspool._generation.selecting.report import CollectionReport
        >>> Generations(report=CollectionReport(asked=2, accepted=2, attempts=3)).report.complete
        True
    """

    def __init__(
        self,
        texts: Iterable[Generation] = (),
        *,
        report: CollectionReport | None = None,
        known: NoveltyIndex | None = None,
    ) -> None:
        super().__init__(texts)
        self.report, self.known = report, known

    def to_frame(self, library: str | None = None) -> Any:
        """Return the texts as a data frame, a row for each.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> frame = model.generate("an", n=2, seed=0).to_frame()
            >>> list(frame["prompt"])
            ['an', 'an']
        """
        rows = [
            {
                "text": each.text,
                "prompt": each.prompt,
                "continuation": each.continuation,
                "finish_reason": each.finish_reason,
                "stop_reason": each.stop_reason,
                "tokens": len(each.ids),
                "total_logprob": each.total_logprob,
                "mean_logprob": each.mean_logprob,
                **({} if self.known is None else {"copied": bool(self.known.known_spans(each.text))}),
            }
            for each in self
        ]
        return data_frame(COLUMNS if self.known is None else (*COLUMNS, "copied"), rows, library)

    def __repr__(self) -> str:
        """Return the first texts, a line for each."""
        return repr_lines(type(self).__name__, (each.text for each in self), len(self), "text")

    def _repr_html_(self) -> str:
        """Return the texts as a table for a notebook."""
        rows = ((self._text(each), len(each.ids), each.total_logprob, each.finish_reason) for each in self)
        notes = [] if self.report is None else [str(self.report)]
        return html_table(("text", "tokens", "log-probability", "end"), rows, count=len(self), notes=notes)

    def _text(self, generation: Generation) -> Cell:
        if self.known is None:
            return generation.text
        return Marked(
            generation.text, self.known.known_spans(generation.text), "stands in the training texts"
        )
