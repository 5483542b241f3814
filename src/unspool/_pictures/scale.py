"""Scales: the place of a value on an axis, round ticks, and their numbers in few characters."""

import math
import operator
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

MINUS = "\u2212"

Tick = tuple[float, str]  # a value and its label


@dataclass(frozen=True)
class Scale:
    """A range of values along an axis.

    Args:
        low: The value at the beginning.
        high: The value at the end, above `low`.
        logarithmic: Whether equal factors have equal distances; both ends must then be above 0.
        whole: Whether only whole numbers get a tick.
    """

    low: float
    high: float
    logarithmic: bool = False
    whole: bool = False

    @classmethod
    def over(
        cls, values: Iterable[float], *, zero: bool = False, margin: float = 0.0, whole: bool = False
    ) -> "Scale":
        """Return a linear scale that contains all values.

        Args:
            values: Any numbers, or none; numbers that are not finite are left out.
            zero: Whether the scale also contains 0.
            margin: Share of the range that is added at both ends; the margin does not cross 0.
            whole: Whether only whole numbers get a tick.
        """
        finite = [float(value) for value in values if math.isfinite(value)]
        finite = [*finite, 0.0] if zero or not finite else finite
        low, high = min(finite), max(finite)
        if high - low <= 1e-9 * max(-low, high):
            low, high = low - abs(low) / 20, high + (abs(high) / 20 or 1.0)
        wider = margin * (high - low)
        bottom = low - wider if low < 0 else max(0.0, low - wider)
        return cls(bottom, high + wider if high > 0 else min(0.0, high + wider), whole=whole)

    @classmethod
    def logarithm(cls, values: Iterable[float], *, margin: float = 0.0) -> "Scale":
        """Return a logarithmic scale that contains all values above 0; the arguments are those of `over`."""
        powers = [math.log10(value) for value in values if 0 < value < math.inf]
        low, high = min(powers, default=0.0), max(powers, default=1.0)
        wider = margin * (high - low) if high - low > 1e-9 else 0.3
        return cls(10 ** (low - wider), 10 ** (high + wider), logarithmic=True)

    def share(self, value: float) -> float:
        """Return the place of a value: 0 at the beginning, 1 at the end, less or more outside the scale."""
        if not self.logarithmic:
            return (value - self.low) / (self.high - self.low)
        return math.log(value / self.low) / math.log(self.high / self.low) if value > 0 else 0.0

    def ticks(self, count: int) -> list[float]:
        """Return about `count` round values within the scale, in rising order."""
        ticks = self._powers(count) if self.logarithmic else []
        ticks = ticks if len(ticks) > 1 else _multiples(self.low, self.high, count)
        return [tick for tick in ticks if tick == int(tick)] if self.whole else ticks

    def fitting(self, length: float, room: Callable[[str], float], *, apart: float) -> list[Tick]:
        """Return as many ticks with their labels as fit on an axis.

        Args:
            length: Length of the axis in pixels.
            room: A function that returns the pixels of a label along the axis.
            apart: Approximate number of pixels for each tick.
        """
        for count in range(max(1, int(length / apart)), 0, -1):
            ticks = self.ticks(count)
            labels = [numbers([tick])[0] for tick in ticks] if self.logarithmic else numbers(ticks)
            ends = [length * self.share(tick) for tick in ticks]
            free = [after - before for before, after in pairwise(ends)]
            if all(map(operator.ge, free, (sum(map(room, pair)) / 2 for pair in pairwise(labels)))):
                break
        return list(zip(ticks, labels, strict=True))

    def _powers(self, count: int) -> list[float]:
        """Return 1, 2 and 5 times the powers of ten, or only powers if there are too many."""
        first, last = math.floor(math.log10(self.low)), math.ceil(math.log10(self.high))
        every = math.ceil((last - first) / count)
        values = [float(f"{factor}e{power}") for power in range(first, last + 1) for factor in (1, 2, 5)]
        step = 1 if sum(self.low <= value <= self.high for value in values) <= count else 3 * every
        return [value for value in values[::step] if self.low <= value <= self.high]


def numbers(values: Sequence[float]) -> list[str]:
    """Return finite numbers in few characters, all with the same decimals and the same suffix.

    A million is 1M, a billion 1G and a trillion 1T; larger numbers and those below 0.0001 have a power of
    ten.
    """
    largest = max(map(abs, values), default=0.0)
    power = max(-300, math.floor(math.log10(largest))) if largest else 0
    if -4 <= power < 15:
        power = power // 3 * 3 if power >= 6 else 0
        suffix = {6: "M", 9: "G", 12: "T"}.get(power, "")
    else:
        suffix = f"e{power}"
    rounded = [f"{value / 10.0**power:.10f}".rstrip("0") for value in values]
    decimals = max((len(word.partition(".")[2]) for word in rounded), default=0)
    words = [f"{float(word):,.{decimals}f}{suffix}" if float(word) or not suffix else "0" for word in rounded]
    return [word.replace("-", MINUS) for word in words]


def _multiples(low: float, high: float, count: int) -> list[float]:
    """Return about `count` multiples of 1, 2 or 5 times a power of ten from `low` to `high`."""
    rough = (high - low) / count
    power = math.floor(math.log10(rough))
    factor = next(step for step in (1, 2, 5, 10) if step * 10.0**power >= rough * 0.999)
    step = float(f"{factor}e{power}")
    multiples = range(math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9) + 1)
    return [float(f"{multiple * factor}e{power}") for multiple in multiples]
