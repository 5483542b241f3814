"""The best configuration, and how sure this is: differences compared with the noise between seeds.

The noise of two configurations is their pooled standard deviation, the root of
``((n1 - 1) s1² + (n2 - 1) s2²) / (n1 + n2 - 2)``. Student's t-test
decides whether their means differ by more than noise, at a risk of 5 % over all comparisons with the best
together (Bonferroni): with m rivals each test has a risk of 5 % / m. It needs at least two seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from statistics import fmean, variance

from unspool._screen.wording import counted
from unspool._sweeping.results import SweepOutcome
from unspool._sweeping.space import label, varying

RISK = 0.05
MOST_NAMED = 3


@dataclass(frozen=True)
class NetworkComparison:
    """The comparison of a rival with the best configuration.

    Args:
        rival: The other configuration.
        difference: Mean bits per character of the rival minus those of the best, ≥ 0.
        noise: Pooled standard deviation between seeds; None if neither has two seeds.
        risk: Probability of at least this difference by noise alone; None if the noise is unknown.
    """

    rival: SweepOutcome
    difference: float
    noise: float | None
    risk: float | None


@dataclass(frozen=True)
class SweepVerdict:
    """The verdict of a sweep.

    Args:
        best: The best configuration of those trained with the most seeds, or None.
        sentence: The verdict in words.
        comparisons: The comparison with every rival that was trained to the end, the nearest first.
    """

    best: SweepOutcome | None
    sentence: str
    comparisons: tuple[NetworkComparison, ...] = ()


def judge(tried: Sequence[SweepOutcome], *, seeds: int) -> SweepVerdict:
    """Return the best configuration, and how sure this is.

    Args:
        tried: The outcomes of the configurations, in any order.
        seeds: Planned number of trainings of each configuration.
    """
    trained = [outcome for outcome in tried if outcome.complete]
    if not trained:
        return SweepVerdict(None, "No training went on to the end of its budget, so nothing can be said.")
    most = min(seeds, max(len(outcome.complete) for outcome in trained))
    best = min((each for each in trained if len(each.complete) >= most), key=_mean)
    rivals = sorted((each for each in trained if each is not best), key=_mean)
    comparisons = tuple(compare(best, rival) for rival in rivals)
    return SweepVerdict(best, _sentence(best, comparisons, varying([each.configuration for each in tried])),
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
    """Return the probability that Student's t is further from 0 than `t`.

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
    named_rivals = [f"{label(each.rival.configuration, named)} ({each.difference:+.4f}, {_times(each)})"
              for each in alike[:MOST_NAMED]]  # fmt: skip
    more = f" and {len(alike) - MOST_NAMED} more" if len(alike) > MOST_NAMED else ""
    rest = f" It is better than the other {beaten}." if beaten else ""
    seeds = " More seeds may show a difference." if any(_looks_larger(each) for each in alike) else ""
    alike_words = "; ".join(named_rivals) + more
    return f"Lowest: {name} with {figure}, but not clearly better than {alike_words}.{rest}{seeds}"


def _looks_larger(comparison: NetworkComparison) -> bool:
    return comparison.noise is None or comparison.difference > 2 * comparison.noise


def _figure(outcome: SweepOutcome) -> str:
    runs = len(outcome.complete)
    spread = f" ± {outcome.spread:.4f}" if outcome.spread is not None else ""
    seeds = counted(runs, "seed")
    return f"{outcome.bits_per_character:.4f}{spread} bits per character over {seeds}"


def _times(comparison: NetworkComparison) -> str:
    if comparison.noise is None:
        return "noise unknown"
    if comparison.noise == 0:
        return "with no noise between seeds"
    return f"{comparison.difference / comparison.noise:.1f} times the noise between seeds"
