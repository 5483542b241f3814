"""Pairs with an answer that can be checked: dates in many written forms, numbers into words and back."""

import datetime
import random
from collections.abc import Callable, Iterator

MONTHS = (
    "January", "February", "March", "April", "May", "June", "July", "August", "September", "October",
    "November", "December",
)  # fmt: skip
DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
UNITS = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten", "eleven", "twelve",
    "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen", "nineteen",
)  # fmt: skip
TENS = ("", "", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety")

Pair = tuple[str, str]  # source, text
DateForm = Callable[[datetime.date], str]


def ordinal(day: int) -> str:
    """Return 1st, 2nd, 3rd, 4th, 11th, 21st ..."""
    ending = {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th") if day // 10 != 1 else "th"
    return f"{day}{ending}"


FORMS: tuple[DateForm, ...] = (
    lambda d: f"{ordinal(d.day)} of {MONTHS[d.month - 1]}, {d.year}",
    lambda d: f"{d.month:02}/{d.day:02}/{d.year}",
    lambda d: f"{MONTHS[d.month - 1]} {d.day}, {d.year}",
    lambda d: f"{d.day} {MONTHS[d.month - 1]} {d.year}",
    lambda d: f"{d.day}.{d.month}.{d.year}",
    lambda d: f"{MONTHS[d.month - 1][:3]} {ordinal(d.day)} {d.year}",
    lambda d: f"{d.day:02}-{MONTHS[d.month - 1][:3].upper()}-{d.year}",
    lambda d: f"{DAYS[d.weekday()]}, {MONTHS[d.month - 1]} {ordinal(d.day)}, {d.year}",
)


def date_pairs() -> dict[str, list[Pair]]:
    """Return the pairs of every day from 1900 to 2049, by day: each form with the day in ISO 8601."""
    first, last = datetime.date(1900, 1, 1).toordinal(), datetime.date(2049, 12, 31).toordinal()
    days = map(datetime.date.fromordinal, range(first, last + 1))
    return {day.isoformat(): [(form(day), day.isoformat()) for form in FORMS] for day in days}


def in_words(number: int) -> str:
    """Return a number from 0 to 999,999 in English words."""
    if number < 20:
        return UNITS[number]
    if number < 100:
        return TENS[number // 10] + (f"-{UNITS[number % 10]}" if number % 10 else "")
    base, name = (1000, "thousand") if number >= 1000 else (100, "hundred")
    rest = f" {in_words(number % base)}" if number % base else ""
    return f"{in_words(number // base)} {name}{rest}"


def numbers(count: int, seed: int) -> Iterator[int]:
    """Draw different numbers up to 999,999; short numbers come more often than by chance."""
    draw, drawn = random.Random(seed), set[int]()
    while len(drawn) < count:
        number = draw.randrange(10 ** draw.choice((3, 4, 5, 6, 6, 6)))
        if number not in drawn:
            drawn.add(number)
            yield number


def number_pairs(count: int, *, back: bool = False) -> dict[str, list[Pair]]:
    """Return `count` numbers with their words, by number; `back` is from the words to the number."""
    pairs = {str(number): (str(number), in_words(number)) for number in numbers(count, seed=0)}
    return {number: [pair[::-1] if back else pair] for number, pair in pairs.items()}


MOST_NUMBERS = 60_000
TASKS: dict[str, Callable[[], dict[str, list[Pair]]]] = {
    "dates to ISO 8601": date_pairs,
    "numbers to words": lambda: number_pairs(MOST_NUMBERS),
    "words to numbers": lambda: number_pairs(MOST_NUMBERS, back=True),
}


def split_by_value(
    pairs: dict[str, list[Pair]], *, train: int, held_out: int, seed: int = 0
) -> tuple[list[Pair], list[Pair]]:
    """Draw pairs to learn from and pairs to hold out; no value is on both sides.

    Args:
        pairs: All pairs, by value.
        train: Highest number of pairs to learn from.
        held_out: Highest number of pairs to hold out.
        seed: The seed of the draw.
    """
    draw, values = random.Random(seed), sorted(pairs)
    draw.shuffle(values)
    apart = max(1, len(values) // 10)
    sides = [[pair for value in side for pair in pairs[value]] for side in (values[apart:], values[:apart])]
    for side in sides:
        draw.shuffle(side)
    return sides[0][:train], sides[1][:held_out]
