"""What a text is taken for: Bayes' rule over its probabilities under several values."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._evaluation.scorer import Scorer, blocks
from unspool._views.short_repr import short_repr


@dataclass(frozen=True, slots=True)
class Classification:
    """What a text is taken for.

    Args:
        value: The most probable value.
        probabilities: The probability of each value given the text; together 1.

    Example:
        >>> from unspool import Classification
        >>> Classification("Sports", {"Sports": 0.75, "Business": 0.25}).value
        'Sports'
    """

    value: str
    probabilities: dict[str, float]

    __repr__ = short_repr


def classified(
    texts: Iterable[str], scorers: Mapping[str, Scorer], priors: NDArray[np.float64] | None
) -> Iterator[Classification]:
    """Classify texts, a block of them at a time.

    Args:
        texts: Any texts.
        scorers: Value -> what scores texts under it.
        priors: How probable each value is before its text is read; None where all are as probable.  # (V,)

    Raises:
        UnknownSymbolError: If a symbol is not known and that is an error.
    """
    logs = np.zeros(len(scorers)) if priors is None else np.log(priors)
    done = 0
    for block in blocks(texts):
        columns = [[s.total_logprob for s in scorer.scores(block, first=done)] for scorer in scorers.values()]
        done += len(block)
        for row in np.array(columns).T + logs:
            shares = np.exp(row - row.max())
            shares /= shares.sum()
            probabilities = dict(zip(scorers, shares.tolist(), strict=True))
            yield Classification(max(probabilities, key=lambda value: probabilities[value]), probabilities)
