"""Compare how much generated texts share with the training text with how much real texts do.

Real texts repeat each other too: names, stock phrases, whole sentences. So what generated texts share with
the training text is held against what texts do that were held out of training, cut to the same lengths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
FEWEST = 20  # texts on each side, below which nothing is compared
CLEARLY = 3.0  # standard errors
MORE = 0.6  # chance that a generated text's span is the longer one

Compared = Literal["more", "as much", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthSpread:
    """Tell how numbers are spread.

    Args:
        count: How many there are.
        mean: Their mean.
        quantiles: Their `QUANTILES`, each one of the numbers.
    """

    count: int
    mean: float
    quantiles: tuple[int, ...]

    @property
    def median(self) -> int:
        """Give the number in the middle."""
        return self.quantiles[QUANTILES.index(0.5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthComparison:
    """Tell which of two samples has the larger numbers (Mann and Whitney, 1947).

    Args:
        chance: The chance that a number of the first is larger than one of the second, ties counted half.
        errors: How many standard errors that is away from one half.
        verdict: "more" where the chance is at least `MORE` and at least `CLEARLY` standard errors above one
            half, "less" where it is as far below, else "as much".
    """

    chance: float
    errors: float
    verdict: Compared


def spread_of(numbers: Sequence[int]) -> LengthSpread | None:
    """Sum up numbers; None for none."""
    if not numbers:
        return None
    quantiles = np.quantile(np.array(numbers), QUANTILES, method="inverted_cdf")
    return LengthSpread(
        count=len(numbers),
        mean=math.fsum(numbers) / len(numbers),
        quantiles=tuple(int(value) for value in quantiles),
    )


def compare(first: Sequence[int], second: Sequence[int]) -> LengthComparison | None:
    """Compare two samples by ranks; None where one has fewer than `FEWEST` numbers."""
    m, n = len(first), len(second)
    if min(m, n) < FEWEST:
        return None
    values, place, counts = np.unique([*first, *second], return_inverse=True, return_counts=True)
    ranks = (np.cumsum(counts) - (counts - 1) / 2)[place]  # ties share their mean rank
    chance = float((ranks[:m].sum() - m * (m + 1) / 2) / (m * n))
    ties = float((counts.astype(np.float64) ** 3 - counts).sum()) / ((m + n) * (m + n - 1))
    variance = (m + n + 1 - ties) / (12 * m * n)
    errors = (chance - 0.5) / math.sqrt(variance) if len(values) > 1 else 0.0
    verdict: Compared = "as much"
    if abs(errors) >= CLEARLY and max(chance, 1 - chance) >= MORE:
        verdict = "more" if errors > 0 else "less"
    return LengthComparison(chance=chance, errors=errors, verdict=verdict)


def histogram(numbers: Sequence[int], edges: Sequence[int]) -> list[float]:
    """Give the share of numbers from each edge to below the next; the last bin takes all that is above."""
    counts, _ = np.histogram(np.minimum(numbers, edges[-1]), bins=[*edges, edges[-1] + 1])
    shares: list[float] = (counts / max(1, len(numbers))).tolist()
    return shares


def edges_for(*samples: Sequence[int], bins: int = 16) -> list[int]:
    """Choose the lower edges of about so many equal bins over several samples."""
    largest = max((max(numbers, default=0) for numbers in samples), default=0)
    width = max(1, math.ceil((largest + 1) / bins))
    return list(range(0, largest + 1, width)) or [0]
