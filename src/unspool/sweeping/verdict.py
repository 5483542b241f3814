"""Which configuration is best, and how sure that is: differences beside the noise between seeds.

The noise of two configurations is their pooled standard deviation, the root of
``((n1 - 1) s1² + (n2 - 1) s2²) / (n1 + n2 - 2)``. Whether their means differ by more than it explains is
asked with Student's t-test, at a risk of 5 % over all comparisons with the best together (Bonferroni): with m
rivals each is asked at 5 % / m. Two seeds or more are needed for an answer.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from unspool.sweeping.results import SweepOutcome
from unspool.sweeping.space import label, varying

RISK = 0.05
MOST_NAMED = 3


@dataclass(frozen=True)
class NetworkComparison:
    """Compare a rival with the best.

    Args:
        rival: The other one.
        difference: How much more bits per character it needs, on average; ≥ 0.
        noise: Pooled standard deviation between seeds; None where neither has two.
        risk: Chance of a difference as large or larger by noise alone; None where there is no noise to tell.
    """

    rival: SweepOutcome
    difference: float
    noise: float | None
    risk: float | None


@dataclass(frozen=True)
class SweepVerdict:
    """Say which is best.

    Args:
        best: The best of those trained with the most seeds, or None.
        sentence: The answer in words.
        comparisons: With every rival that was trained to the end, the nearest first.
    """

    best: SweepOutcome | None
    sentence: str
    comparisons: tuple[NetworkComparison, ...] = ()


def judge(found: Sequence[SweepOutcome], *, seeds: int) -> SweepVerdict:
    """Name the best and say how sure that is.

    Args:
        found: The configurations, in any order.
        seeds: Trainings that each was to get.
    """
    trained = [outcome for outcome in found if outcome.complete]
    if not trained:
        return SweepVerdict(None, "No training went on to the end of its budget, so nothing can be said.")
    most = min(seeds, max(len(outcome.complete) for outcome in trained))
    best = min((each for each in trained if len(each.complete) >= most), key=_mean)
    rivals = sorted((each for each in trained if each is not best), key=_mean)
    comparisons = tuple(compare(best, rival) for rival in rivals)
    return SweepVerdict(best, _sentence(best, comparisons, varying([each.configuration for each in found])),
                   comparisons)  # fmt: skip


def compare(best: SweepOutcome, rival: SweepOutcome) -> NetworkComparison:
    """Compare two configurations by their complete trainings."""
    one, other = ([run.bits_per_character for run in each.complete] for each in (best, rival))
    difference = fmean(other) - fmean(one)
    freedom = len(one) + len(other) - 2
    if freedom < 1:
        return NetworkComparison(rival, difference, None, None)
    squares = sum((len(v) - 1) * variance(v) for v in (one, other) if len(v) > 1)
    noise = math.sqrt(squares / freedom)
    error = noise * math.sqrt(1 / len(one) + 1 / len(other))
    t = difference / error if error > 0 else math.copysign(math.inf, difference) if difference else 0.0
    return NetworkComparison(rival, difference, noise, two_sided_risk(t, freedom))


def two_sided_risk(t: float, freedom: int) -> float:
    """Give the chance that Student's t lies further from 0 than `t`.

    Abramowitz and Stegun, "Handbook of Mathematical Functions" (1964), 26.7.3 and 26.7.4.

    Args:
        t: Any number.
        freedom: Degrees of freedom, ≥ 1.
    """
    angle = math.atan(abs(t) / math.sqrt(freedom))
    odd = freedom % 2
    term = math.cos(angle) if odd else 1.0
    total = 0.0
    for k in range(3 if odd else 2, freedom + 1, 2):
        total += term
        term *= (k - 1) / k * math.cos(angle) ** 2
    total *= math.sin(angle)
    inside = 2 / math.pi * (angle + total) if odd else total
    return max(0.0, 1.0 - inside)


def _mean(outcome: SweepOutcome) -> float:
    return outcome.bits_per_character or 0.0


def _sentence(best: SweepOutcome, comparisons: Sequence[NetworkComparison], named: Sequence[str]) -> str:
    name, figure = label(best.configuration, named), _figure(best)
    if not comparisons:
        return f"Only {name} was trained to the end: {figure}. There is nothing to compare it with."
    nearest = comparisons[0]
    if all(each.risk is None for each in comparisons):
        return (
            f"Lowest: {name} with {figure}, {nearest.difference:.4f} less than the next, "
            f"{label(nearest.rival.configuration, named)}. More seeds are needed to know how much is noise."
        )
    alike = [each for each in comparisons if each.risk is None or each.risk > RISK / len(comparisons)]
    if not alike:
        return (
            f"Best for this text: {name} with {figure}, {nearest.difference:.4f} less than the next, "
            f"{label(nearest.rival.configuration, named)}, {_times(nearest)}."
        )
    beaten = len(comparisons) - len(alike)
    others = [f"{label(each.rival.configuration, named)} ({each.difference:+.4f}, {_times(each)})"
              for each in alike[:MOST_NAMED]]  # fmt: skip
    more = f" and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    rest = f" It is better than the other {beaten}." if beaten else ""
    seeds = " More seeds may show a difference." if any(_looks_larger(each) for each in alike) else ""
    alike_words = "; ".join(others) + more
    return f"Lowest: {name} with {figure}, but not clearly better than {alike_words}.{rest}{seeds}"


def _looks_larger(comparison: NetworkComparison) -> bool:
    return comparison.noise is None or comparison.difference > 2 * comparison.noise


def _figure(outcome: SweepOutcome) -> str:
    runs = len(outcome.complete)
    spread = f" ± {outcome.spread:.4f}" if outcome.spread is not None else ""
    seeds = "1 seed" if runs == 1 else f"{runs} seeds"
    return f"{outcome.bits_per_character:.4f}{spread} bits per character over {seeds}"


def _times(comparison: NetworkComparison) -> str:
    if comparison.noise is None:
        return "noise unknown"
    if comparison.noise == 0:
        return "with no noise between seeds"
    return f"{comparison.difference / comparison.noise:.1f} times the noise between seeds"
