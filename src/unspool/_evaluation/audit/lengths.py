"""Compare the spans that generated texts share with the training text with those of real texts.

Real texts repeat each other too: names, stock phrases, whole sentences. So the spans of generated texts are
compared with the spans of held-out texts, cut to the same lengths.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np

QUANTILES = (0.1, 0.25, 0.5, 0.75, 0.9, 0.99, 1.0)
FEWEST = 20  # least number of texts on each side for a comparison
CLEARLY = 3.0  # standard errors
MORE = 0.6  # chance that a generated text's span is the longer one

Compared = Literal["more", "as much", "less"]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthSpread:
    """The spread of a list of numbers.

    Args:
        count: How many numbers there are.
        mean: Their mean.
        quantiles: Their `QUANTILES`; each is one of the numbers.
    """

    count: int
    mean: float
    quantiles: tuple[int, ...]

    @property
    def median(self) -> int:
        """Return the median."""
        return self.quantiles[QUANTILES.index(0.5)]


@dataclass(frozen=True, slots=True, kw_only=True)
class LengthComparison:
    """A comparison of the numbers of two samples by their ranks (Mann and Whitney, 1947).

    Args:
        chance: The chance that a number of the first is larger than one of the second; a tie counts half.
        errors: The distance of `chance` from one half, in standard errors.
        verdict: "more" if the chance is at least `MORE` and at least `CLEARLY` standard errors above one
            half, "less" if it is as far below, else "as much".
    """

    chance: float
    errors: float
    verdict: Compared


def spread_of(numbers: Sequence[int]) -> LengthSpread | None:
    """Return the spread of numbers; None without numbers."""
    if not numbers:
        return None
    quantiles = np.quantile(np.array(numbers), QUANTILES, method="inverted_cdf")
    return LengthSpread(
        count=len(numbers),
        mean=math.fsum(numbers) / len(numbers),
        quantiles=tuple(int(value) for value in quantiles),
    )


def compare(first: Sequence[int], second: Sequence[int]) -> LengthComparison | None:
    """Compare two samples by ranks; return None if one has fewer than `FEWEST` numbers."""
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
    """Return the share of numbers from each edge to the next; the last bin has no upper limit."""
    counts, _ = np.histogram(np.minimum(numbers, edges[-1]), bins=[*edges, edges[-1] + 1])
    shares: list[float] = (counts / max(1, len(numbers))).tolist()
    return shares


def edges_for(*samples: Sequence[int], bins: int = 16) -> list[int]:
    """Return the lower edges of about `bins` equal bins over several samples."""
    largest = max((max(numbers, default=0) for numbers in samples), default=0)
    width = max(1, math.ceil((largest + 1) / bins))
    return list(range(0, largest + 1, width)) or [0]
