r"""The form in which a row is learnt: a text of symbols, each column apart, in any order.

Symbols are characters of the private plane 15 of Unicode. A value of a category is one symbol, which says its
column as well. Any other value is the symbol of its column, then its characters, then `END` if they do not
say themselves where they end: a number is ``<age>7<end>``, a date ``<born>19840229``. A missing value is one
symbol of its column. So a row of 15 columns has some 35 symbols. Where a value ends does not depend on which
column follows: the next one can be chosen freely, without a change of what is drawn.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from functools import lru_cache, partial
from itertools import starmap

from unspool._configuration import check
from unspool._errors import CorpusError
from unspool._tables.rules import RowRule
from unspool._tables.schema import TableSchema
from unspool._tables.types import SYMBOLS, Value, ValueType, of_type

FIRST, LAST = map(ord, SYMBOLS)
END = SYMBOLS[0]
PIECE = re.compile(f"([{SYMBOLS[0]}-{SYMBOLS[1]}])([^{SYMBOLS[0]}-{SYMBOLS[1]}]*){END}?")
KEPT_VALUES = 1 << 14  # of a column that are remembered with their codes

Row = list[str]


class RowForm:
    """The form of the rows of a table.

    Args:
        schema: The schema of the table.

    Attributes:
        types: The type of each column.
        learnt: The numbers of the columns that are learnt; the others are constant or counted.
        markers: The symbol of a column, for those whose values are spelled.  # column -> symbol
        gaps: The symbol of a missing value, for columns that have any.  # column -> symbol
        choices: The symbols of the values of a category.  # column -> value -> symbol
    """

    def __init__(self, schema: TableSchema) -> None:
        self.schema = schema
        self.types: list[ValueType] = [of_type(column) for column in schema.columns]
        self.learnt = tuple(number for number, column in enumerate(schema.columns) if column.is_learnt)
        self._is_learnt = frozenset(self.learnt)
        self.rules = [RowRule(rule, schema.columns) for rule in schema.rules]
        self.markers: dict[int, str] = {}
        self.gaps: dict[int, str] = {}
        self.choices: dict[int, dict[str, str]] = {}
        self._meaning: dict[str, tuple[int, str | None]] = {}  # symbol -> column, and value if it is whole
        for number in self.learnt:
            self._allot(number)
        columns = schema.columns
        self._unlearnt = [column.constant or "" for column in columns]
        self._counted = [(i, int(str(column.most))) for i, column in enumerate(columns) if column.is_counted]
        self._codes = [
            lru_cache(KEPT_VALUES)(partial(self._code, number)) for number in range(len(self.types))
        ]
        self._field = lru_cache(KEPT_VALUES)(self._field_of)

    def _allot(self, number: int) -> None:
        """Allot the symbols of a column."""
        column, kind = self.schema.columns[number], self.types[number]
        if kind.one_symbol:
            self.choices[number] = {value: self._next(number, value) for value in column.values}
        else:
            self.markers[number] = self._next(number, None)
        if column.missing:
            self.gaps[number] = self._next(number, column.missing[0])

    def _next(self, number: int, value: str | None) -> str:
        code = FIRST + 1 + len(self._meaning)
        most = LAST - FIRST
        check("columns", code - FIRST, f"columns and values of categories, {most:,} at most", code < LAST)
        self._meaning[chr(code)] = (number, value)
        return chr(code)

    def code(self, number: int, text: str) -> str:
        """Return the symbols of a value.

        Args:
            number: The number of its column.
            text: The value, as the table writes it.

        Raises:
            ValueError: If it is no value of the column; the message says what would be.
        """
        return self._codes[number](text)

    def _code(self, number: int, text: str) -> str:
        column, kind = self.schema.columns[number], self.types[number]
        if text in column.missing:
            return self.gaps.get(number, "")
        if text == "" and not column.missing:
            raise ValueError('a value; say in the schema how missing ones are written: missing = [""]')
        if column.is_counted:
            kind.place(text)
            return ""
        body = kind.body(text)
        if number in self.choices:
            return self.choices[number][body]
        return f"{self.markers.get(number, '')}{body}{'' if kind.fixed else END}"

    def codes(self, row: Sequence[str], where: str, *, missing: Sequence[int] = ()) -> list[str]:
        """Return the symbols of each learnt column of a row.

        Args:
            row: The fields.
            where: Where the row is, for messages.
            missing: Columns that are left out.

        Raises:
            CorpusError: If a value contradicts the schema.
        """
        codes = []
        for number, text in enumerate(row):
            if number in missing:
                continue
            try:
                code = self._codes[number](text)
            except ValueError as error:
                what = f"{where}, column {self.schema.columns[number].name!r}"
                hint = "mend the row, or the schema: unspool schema FILE > schema.toml, --schema schema.toml"
                raise CorpusError(what, expected=str(error), got=repr(text[:60]), hint=hint) from None
            if number in self._is_learnt:
                codes.append(code)
        return codes

    def row(self, text: str, first_key: int = 0) -> Row:
        """Return the fields of a row that is whole.

        Args:
            text: Its symbols.
            first_key: How many rows were written before, which the counted keys go on from.
        """
        row = self.fresh_row(first_key)
        for number, field in self.fields(text):
            row[number] = field
        return row

    def fields(self, text: str) -> Iterator[tuple[int, str]]:
        """Return the number of each column that is written, and its value as the table writes it."""
        return starmap(self._field, PIECE.findall(text))

    def fresh_row(self, count: int) -> Row:
        """Return a row that has only what needs no learning: constant values and counted keys."""
        row = list(self._unlearnt)
        for number, most in self._counted:
            row[number] = str(most + 1 + count)
        return row

    def _field_of(self, symbol: str, body: str) -> tuple[int, str]:
        number, value = self._meaning[symbol]
        return number, self.types[number].text(body) if value is None else value

    def values(self, row: Sequence[str]) -> dict[str, Value | None]:
        """Return the values of a row by the names of the columns; None for missing ones."""
        return {
            column.name: None if text in column.missing else kind.value(text)
            for column, kind, text in zip(self.schema.columns, self.types, row, strict=True)
        }

    def broken(self, row: Sequence[str], rules: Iterable[RowRule]) -> str | None:
        """Return the first rule that a row breaks, or None."""
        values = self.values(row)
        return next((rule.text for rule in rules if not rule.holds(values)), None)

    @property
    def longest(self) -> int:
        """Most symbols of a row."""
        return sum(self.length(number) for number in self.learnt)

    def length(self, number: int) -> int:
        """Return the most symbols of a value of a column, those that mark it included."""
        kind = self.types[number]
        return 1 if kind.one_symbol else kind.longest + 2
