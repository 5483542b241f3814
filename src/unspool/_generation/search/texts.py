"""The results of a search: texts with their exact probability, in a list or one after the other."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Self

from unspool._generation.results import Generation
from unspool._generation.search.enumeration import OutcomeSearch
from unspool._generation.search.tree import Outcome
from unspool._views.short_repr import short_repr


@dataclass(frozen=True, eq=False, kw_only=True)
class FoundText(Generation):
    """A text that a search found.

    Args:
        summed_logprob: `total_logprob`, as the search summed it in float64.
        constrained_logprob: The log-probability of drawing the text under the constraint, with the
            probabilities of each step among the allowed tokens; None without a constraint.
        score: The score that ranks the text: `total_logprob` in an enumeration, and `total_logprob` over a
            power of the length in beam search.

    Example:
        >>> import numpy as np
        >>> from unspool import FoundText
        >>> ids, logprobs = np.ones(2, np.int32), np.zeros(2, np.float32)
        >>> FoundText("so", "s", "o", ids, logprobs, "stop", summed_logprob=0.0, score=0.0).probability
        1.0
    """

    summed_logprob: float = field(repr=False)
    constrained_logprob: float | None = None
    score: float

    __repr__ = short_repr

    @property
    def total_logprob(self) -> float:
        """The sum of the log-probabilities, in nats.

        Example:
            >>> (text,) = model.beam_search("a", num_beams=2)
            >>> text.total_logprob < 0
            True
        """
        return self.summed_logprob

    @property
    def probability(self) -> float:
        """The probability that the model, at temperature 1, goes on from the prompt in this way.

        Example:
            >>> (text,) = model.beam_search("a", num_beams=2)
            >>> 0 < text.probability < 1
            True
        """
        return math.exp(self.summed_logprob)

    @classmethod
    def told(cls, outcome: Outcome, *, prompt: str, continuation: str) -> Self:
        """Return the text of an outcome.

        Args:
            outcome: The outcome.
            prompt: The prompt.
            continuation: The text of the outcome's tokens.

        Example:
            >>> import numpy as np
            >>> from unspool._generation.search.tree import Outcome
            >>> ids, logprobs = np.array([2]), np.array([-1.5])
            >>> outcome = Outcome(ids, logprobs, total=-1.5, constrained=None, score=-1.5, ended=False)
            >>> unspool.FoundText.told(outcome, prompt="a", continuation="n").text
            'an'
        """
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
    """An iterator over texts, as they are found.

    Args:
        search: The search.
        describe: Function that returns the text of an outcome.

    Example:
        >>> import unspool
        >>> from unspool._network.parameters import initialize
        >>> from unspool._text.tokenizers.registry import CharTokenizer
        >>> tokenizer = CharTokenizer(["a", "b"])
        >>> network = unspool.NetworkConfig(hidden_size=8, vocab_size=tokenizer.vocab_size)
        >>> parameters = initialize(network, 0)
        >>> model = unspool.Generator(network=network, tokenizer=tokenizer, parameters=parameters)
        >>> texts = model.enumerate(limit=2)
        >>> isinstance(texts, unspool.Enumeration), len(list(texts))
        (True, 2)
    """

    def __init__(self, search: OutcomeSearch, describe: Callable[[Outcome], FoundText]) -> None:
        self._search, self._outcomes, self._describe = search, search.run(), describe

    def __next__(self) -> FoundText:
        """Return the next text.

        Raises:
            ConfigError: If the search needs more memory than `max_memory`; the texts before are right.
        """
        return self._describe(next(self._outcomes))

    def __repr__(self) -> str:
        """Return how much of the probability the texts so far cover."""
        return f"<{type(self).__name__}: {self.covered:.4g} covered, at most {self.remaining:.4g} remaining>"

    @property
    def covered(self) -> float:
        """The sum of the probabilities of the texts so far.

        Example:
            >>> texts = model.enumerate(limit=5)
            >>> found = list(texts)
            >>> 0 < texts.covered <= 1
            True
        """
        return self._search.covered

    @property
    def remaining(self) -> float:
        """An upper bound on the probability of all later texts; 0 at the end.

        The rest of 1, without this and `covered`, is the probability of texts that are too improbable, beyond
        the limit, or refused by a constraint.

        Example:
            >>> texts = model.enumerate(limit=5)
            >>> first = next(texts)
            >>> 0 < texts.remaining < 1
            True
        """
        return self._search.remaining
