"""What is known of rows that shall be written: values of some columns, or ranges of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

from unspool._configuration import refuse_unknown
from unspool._errors import ConfigError
from unspool._tables.row_form import RowForm
from unspool._tables.types import ValueType, of_type

RANGE = ".."  # between the ends of a range on the command line


@dataclass(frozen=True)
class Given:
    """The known part of rows.

    Args:
        fixed: The symbols of the fixed columns.  # column -> symbols
        ranges: The types of the columns that have a range, narrowed to it.  # column -> type
    """

    fixed: dict[int, str]
    ranges: dict[int, ValueType]

    @classmethod
    def of(cls, form: RowForm, given: Mapping[str, Any]) -> "Given":
        """Check what is given against a schema.

        Args:
            form: The form of the rows.
            given: Name -> a value; a range, as a tuple of its ends or ``"30..40"``; None for a missing one.

        Raises:
            ConfigError: If a column is unknown, or no row can have such a value.
        """
        names = form.schema.names
        refuse_unknown(given, names, "given", {})
        known = cls({}, {})
        for name, value in given.items():
            known._add(form, names.index(name), value)
        if form.schema.order == "source":
            known._refuse_gap(form)
        return known

    def _add(self, form: RowForm, number: int, value: Any) -> None:
        ends = _ends(form.types[number], value)
        if ends is not None:
            self.ranges[number] = _narrowed(form, number, ends)
            return
        column, kind = form.schema.columns[number], form.types[number]
        text = (column.missing or ("",))[0] if value is None else _spelled(kind, value)
        try:
            code = form.code(number, text)
        except ValueError as error:
            raise ConfigError(f"given {column.name!r}", expected=str(error), got=repr(value)) from None
        if not column.is_learnt:
            expected = "no key: keys are counted on" if column.is_counted else f"{column.constant!r} alone"
            if text != column.constant:
                raise ConfigError(f"given {column.name!r}", expected=expected, got=repr(value))
            return
        self.fixed[number] = code

    def _refuse_gap(self, form: RowForm) -> None:
        """Refuse columns that are not the first ones, which a model of one order cannot fix."""
        known = self.fixed.keys() | self.ranges.keys()
        first = form.learnt[: len(known)]
        if known != set(first):
            names = ", ".join(repr(form.schema.columns[number].name) for number in first)
            hint = 'train with order = "random" in the schema, and any columns can be fixed'
            expected = f"the first columns ({names}): the model learnt them in one order"
            raise ConfigError("given", expected=expected, got="others", hint=hint)

    def in_ranges(self, form: RowForm, row: Sequence[str]) -> bool:
        """Return whether the values of a row are in the ranges; a missing one is not."""
        return all(_within(kind, row[number], form.schema.columns[number].missing)
                   for number, kind in self.ranges.items())  # fmt: skip

    def rest(self, form: RowForm) -> tuple[int, ...]:
        """Return the columns that are to be written after the fixed ones, those with a range first."""
        others = (number for number in form.learnt if number not in self.fixed and number not in self.ranges)
        return (*(number for number in form.learnt if number in self.ranges), *others)


def _within(kind: ValueType, text: str, missing: tuple[str, ...]) -> bool:
    if text in missing:
        return False
    least, most = kind.bounds()
    return bool(least <= kind.place(text) <= most)  # type: ignore[operator]


def _ends(kind: ValueType, value: Any) -> tuple[str, str] | None:
    """Return the ends of a range; None if the value is none."""
    if isinstance(value, tuple) and len(value) == 2:
        return _spelled(kind, value[0]), _spelled(kind, value[1])
    ordered = kind.column.type in ("whole", "decimal", "date")
    if isinstance(value, str) and RANGE in value and ordered:
        least, _, most = value.partition(RANGE)
        return least, most
    return None


def _spelled(kind: ValueType, value: Any) -> str:
    """Return a value as the table writes it."""
    if value is None:
        return ""
    if isinstance(value, bool) and kind.column.type == "boolean":
        return kind.column.values[value]
    return str(value)


def _narrowed(form: RowForm, number: int, ends: tuple[str, str]) -> ValueType:
    """Return the type of a column with the bounds of a range, open ends as the column has them.

    Raises:
        ConfigError: If the column has no order, or the range has no value of the column.
    """
    column, kind = form.schema.columns[number], form.types[number]
    least, most = kind.bounds()
    what = f"given {column.name!r}"
    if not column.is_learnt:
        raise ConfigError(what, expected="no range: the column is not learnt", got=RANGE.join(ends))
    try:
        low = least if ends[0] == "" else max(least, kind.place(ends[0]))
        high = most if ends[1] == "" else min(most, kind.place(ends[1]))
    except ValueError as error:
        raise ConfigError(what, expected=f"a range of {error}s", got=RANGE.join(ends)) from None
    if low > high:  # type: ignore[operator]
        expected = f"values from {column.least} to {column.most}, the least first"
        raise ConfigError(what, expected=expected, got=RANGE.join(ends))
    return of_type(replace(column, least=kind.spelled(low), most=kind.spelled(high)))
