"""What a search gives back: texts with their exact probability, one list of them or one after the other."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from unspool.generation.results import Generation
from unspool.generation.search.enumeration import OutcomeSearch
from unspool.generation.search.tree import Outcome


@dataclass(frozen=True, eq=False, kw_only=True)
class FoundText(Generation):
    """Hold one text that a search found.

    Args:
        summed_logprob: `total_logprob`, as the search summed it in float64.
        constrained_logprob: The log-probability of drawing the text under the constraint, where each step's
            probabilities are shared out among the symbols that it allows; None without a constraint.
        score: What the search ranks it by: for beams `total_logprob` over a power of the length, for an
            enumeration `total_logprob`.
    """

    summed_logprob: float = field(repr=False)
    constrained_logprob: float | None = None
    score: float

    @property
    def total_logprob(self) -> float:
        """The sum of the log-probabilities, in nats."""
        return self.summed_logprob

    @property
    def probability(self) -> float:
        """The probability that the model, at temperature 1, goes on from the prompt in this way."""
        return math.exp(self.summed_logprob)

    @classmethod
    def told(cls, outcome: Outcome, *, prompt: str, continuation: str) -> Self:
        """Put an outcome into words."""
        return cls(
            text=prompt + continuation,
            prompt=prompt,
            continuation=continuation,
            ids=outcome.ids,
            token_logprobs=outcome.logprobs,
            finish_reason="stop" if outcome.ended else "length",
            summed_logprob=outcome.total,
            constrained_logprob=outcome.constrained,
            score=outcome.score,
        )


class Enumeration(Iterator[FoundText]):
    """Give texts one after the other, as they are found.

    Args:
        search: Finds them.
        told: Puts an outcome into words.
    """

    def __init__(self, search: OutcomeSearch, told: Callable[[Outcome], FoundText]) -> None:
        self._search, self._outcomes, self._told = search, search.run(), told

    def __next__(self) -> FoundText:
        """Return the next text.

        Raises:
            ConfigError: If the search needs more memory than it may have; what was given is right.
        """
        return self._told(next(self._outcomes))

    @property
    def covered(self) -> float:
        """Sum the probabilities of the texts given so far."""
        return self._search.covered

    @property
    def remaining(self) -> float:
        """Bound the probability of all texts that are still to come; 0 once there are none.

        What is left of 1 beside `covered` and this belongs to texts that are too improbable, that are
        beyond the limit, or that a constraint refuses.
        """
        return self._search.remaining
