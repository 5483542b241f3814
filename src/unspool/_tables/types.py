"""The types of columns: how a value becomes characters that are learnt, and which characters are a value.

To add a type, write a class with the methods of `ValueType`, give it a line in `TYPES`, and say in `looking`
when a column has it.
"""

import re
from datetime import date
from decimal import ROUND_HALF_EVEN, Decimal, InvalidOperation
from functools import cached_property

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._generation.constraints.characters import CharacterAutomaton, intersect
from unspool._generation.constraints.determinize import regex
from unspool._generation.constraints.parts import lengths
from unspool._tables.columns import Column
from unspool._tables.dates import DateForm
from unspool._tables.languages import Language

WHOLE = re.compile(r"0|-?[1-9]\d{0,17}", re.ASCII)
DECIMAL = re.compile(r"[-+]?(\d{1,18}\.?\d{0,30}|\.\d{1,30})([eE][-+]?\d{1,2})?", re.ASCII)
MOST_DIGITS = 18  # of a number
SYMBOLS = ("\U000f0000", "\U000ffffd")  # the first and the last character that stand for columns and values
SYMBOL = re.compile(f"[{SYMBOLS[0]}-{SYMBOLS[1]}]")

Value = str | int | float | bool


class ValueType:
    """The type of a column with its bounds.

    A value is learnt as a body: characters without `SYMBOLS`.

    Args:
        column: The column.

    Raises:
        ConfigError: If the schema of the column lacks something, or contradicts itself.
    """

    one_symbol = False  # whether a value is one symbol, and has no body
    fixed = False  # whether no body is the beginning of another one, so that nothing need say where it ends
    is_number = False
    longest = 1  # most characters of a body

    def __init__(self, column: Column) -> None:
        self.column = column

    def body(self, text: str) -> str:
        """Return the body of a value.

        Raises:
            ValueError: If it is no value of the column; the message says what would be.
        """
        raise NotImplementedError

    def text(self, body: str) -> str:
        """Return the value as the table writes it."""
        raise NotImplementedError

    def value(self, text: str) -> Value:
        """Return the value as JSON has it."""
        return text

    def words(self, alphabet: str) -> CharacterAutomaton:
        """Return the automaton of all bodies.

        Args:
            alphabet: The characters that the model knows.
        """
        raise NotImplementedError

    def bounds(self) -> tuple[int | date, int | date]:
        """Return the lowest and the highest value, in an order of their own.

        Raises:
            ConfigError: If values of this type have no order.
        """
        raise ConfigError(f"a range of {self.column.name!r}", expected="a column of numbers or dates",
                          got=f"type {self.column.type!r}")  # fmt: skip

    def place(self, text: str) -> int | date:
        """Return where a value stands among the others, as `bounds` has it.

        Raises:
            ValueError: If it is written wrongly; bounds are ignored.
        """
        raise NotImplementedError

    def spelled(self, place: int | date) -> str:
        """Return the value at a place, as the table writes it."""
        raise NotImplementedError


class Number(ValueType):
    """Whole numbers, and decimals in units of their last place."""

    is_number = True
    places = 0

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        for name in ("least", "most"):
            bound = getattr(column, name)
            try:
                self.place(str(bound))
            except ValueError as error:
                raise ConfigError(f"{column.name!r}: {name}", expected=str(error), got=repr(bound)) from None
        self.least, self.most = self.place(str(column.least)), self.place(str(column.most))
        check(f"{column.name!r}: least", column.least, "at most most", self.least <= self.most)
        self.longest = max(len(str(self.least)), len(str(self.most)))

    @cached_property
    def fixed(self) -> bool:  # type: ignore[override]
        """Whether all bodies have the same number of digits."""
        return self.least >= 0 and len(str(self.least)) == len(str(self.most))

    def place(self, text: str) -> int:
        """Return a number in units of its last place; see `ValueType.place`."""
        raise NotImplementedError

    def bounds(self) -> tuple[int, int]:
        """Return the lowest and the highest number, in units of the last place."""
        return self.least, self.most

    def spelled(self, place: int | date) -> str:
        """Return a number that is given in units of its last place."""
        return self.text(str(place))

    def body(self, text: str) -> str:
        """Return the digits of a number; see `ValueType.body`."""
        number = self.place(text)
        if not self.least <= number <= self.most:
            raise ValueError(f"a number from {self.column.least} to {self.column.most}")
        return str(number)

    def words(self, alphabet: str) -> CharacterAutomaton:
        """Return the automaton of the numbers between the bounds."""
        language = Language()
        return language.automaton(language.numbers(self.least, self.most), alphabet)


class WholeNumbers(Number):
    """Whole numbers."""

    def place(self, text: str) -> int:
        """Return the number."""
        if not WHOLE.fullmatch(text):
            raise ValueError(f"a whole number of at most {MOST_DIGITS} digits, without leading zeros")
        return int(text)

    def text(self, body: str) -> str:
        """Return the digits themselves."""
        return body

    def value(self, text: str) -> int:
        """Return the number."""
        return int(text)


class Decimals(Number):
    """Numbers with a number of places after their point, to which others are rounded."""

    def __init__(self, column: Column) -> None:
        places = column.places
        ok = places is not None and 0 <= places <= MOST_DIGITS
        check(f"{column.name!r}: places", places, f"a whole number from 0 to {MOST_DIGITS}", ok)
        self.places = int(places or 0)
        super().__init__(column)

    def place(self, text: str) -> int:
        """Return the number in units of its last place, rounded to it."""
        if not DECIMAL.fullmatch(text):
            raise ValueError("a number")
        try:
            scaled = Decimal(text).scaleb(self.places).to_integral_value(ROUND_HALF_EVEN)
        except InvalidOperation:
            raise ValueError("a number") from None
        if abs(scaled) >= 10**MOST_DIGITS:
            raise ValueError(f"a number of at most {MOST_DIGITS} digits, with its {self.places} places")
        return int(scaled)

    def text(self, body: str) -> str:
        """Return the number with its places."""
        sign, digits = ("-", body[1:]) if body.startswith("-") else ("", body)
        digits = digits.zfill(self.places + 1)
        return f"{sign}{digits[: len(digits) - self.places]}.{digits[len(digits) - self.places :]}".rstrip(
            "."
        )

    def value(self, text: str) -> float:
        """Return the number."""
        return float(text)


class Category(ValueType):
    """One of some values, each a symbol of its own."""

    one_symbol = fixed = True

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        some = len(column.values) + len(column.missing) > 0
        check(f"{column.name!r}: values", column.values, "at least one value", some)
        self.known = frozenset(column.values)

    def body(self, text: str) -> str:
        """Return a known value."""
        if text not in self.known:
            shown = ", ".join(map(repr, self.column.values[:8])) + (", …" if len(self.known) > 8 else "")
            raise ValueError(f"one of {shown}")
        return text


class Boolean(Category):
    """Two values, false and true."""

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        check(f"{column.name!r}: values", column.values, "two: false and true", len(column.values) == 2)

    def value(self, text: str) -> bool:
        """Return the truth value."""
        return text == self.column.values[1]


class Dates(ValueType):
    """Dates, with or without a time of day, in one format; the bounds hold for the days."""

    fixed = True

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        try:
            self.form = DateForm(column.format or "%Y-%m-%d")
        except ValueError as error:
            what = f"{column.name!r}: format"
            raise ConfigError(what, expected=str(error), got=repr(column.format)) from None
        for name in ("least", "most"):
            bound = getattr(column, name)
            try:
                self.place(str(bound))
            except ValueError as error:
                raise ConfigError(f"{column.name!r}: {name}", expected=str(error), got=repr(bound)) from None
        self.least, self.most = self.bounds()
        check(f"{column.name!r}: least", column.least, "at most most", self.least <= self.most)
        self.longest = len("YYYYmmdd") + 2 * self.form.timed

    def place(self, text: str) -> date:
        """Return the day."""
        return self.form.day(self.form.digits(text))

    def bounds(self) -> tuple[date, date]:
        """Return the first and the last day."""
        return self.place(str(self.column.least)), self.place(str(self.column.most))

    def spelled(self, place: int | date) -> str:
        """Return the first moment of a day."""
        return self.form.text(f"{place:%Y%m%d}".zfill(8) + "00" * self.form.timed)

    def body(self, text: str) -> str:
        """Return the digits of the date, the year first."""
        digits = self.form.digits(text)
        if not self.least <= self.form.day(digits) <= self.most:
            raise ValueError(f"a day from {self.column.least} to {self.column.most}")
        return digits

    def text(self, body: str) -> str:
        """Return the date in the format of the column."""
        return self.form.text(body)

    def value(self, text: str) -> str:
        """Return the date as ISO 8601 has it."""
        return self.form.iso(text)

    def words(self, alphabet: str) -> CharacterAutomaton:
        """Return the automaton of the days between the bounds, with any time of day."""
        language = Language()
        return language.automaton(language.days(self.least, self.most, timed=self.form.timed), alphabet)


class Text(ValueType):
    """Free text, up to a length, which may have to match a regular expression."""

    def __init__(self, column: Column) -> None:
        super().__init__(column)
        longest = column.longest
        ok = longest is not None and longest >= 1
        check(f"{column.name!r}: longest", longest, "a whole number ≥ 1", ok)
        self.longest = int(longest or 1)
        try:
            self.pattern = None if column.pattern is None else re.compile(column.pattern)
        except re.error as error:
            what, expected = f"{column.name!r}: pattern", "a regular expression"
            raise ConfigError(what, expected=expected, got=str(error)) from None

    def body(self, text: str) -> str:
        """Return the text itself."""
        if not 1 <= len(text) <= self.longest:
            raise ValueError(f"a text of 1 to {self.longest} characters")
        if SYMBOL.search(text):
            raise ValueError("a text without characters of the private plane 15 of Unicode")
        if self.pattern is not None and not self.pattern.fullmatch(text):
            raise ValueError(f"a text that matches {self.column.pattern!r}")
        return text

    def text(self, body: str) -> str:
        """Return the text itself."""
        return body

    def words(self, alphabet: str) -> CharacterAutomaton:
        """Return the automaton of the texts that are short enough and match the pattern."""
        short = lengths(1, self.longest, alphabet)
        if self.column.pattern is None:
            return short
        return intersect(short, regex(self.column.pattern, alphabet))


TYPES: dict[str, type[ValueType]] = {
    "whole": WholeNumbers,
    "decimal": Decimals,
    "category": Category,
    "boolean": Boolean,
    "date": Dates,
    "text": Text,
}


def of_type(column: Column) -> ValueType:
    """Return the type of a column with its bounds.

    Raises:
        ConfigError: If the schema of the column lacks something, or contradicts itself.
    """
    return TYPES[column.type](column)
