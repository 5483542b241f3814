"""What the columns of a table hold, seen in one pass over its rows, in memory that does not grow with them.

Only the hashes of a column whose values all differ so far are kept, 8 bytes for each row.
"""

import hashlib
from array import array
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from decimal import Decimal
from itertools import islice

import numpy as np

from unspool._errors import CorpusError
from unspool._screen.wording import counted
from unspool._tables.columns import Column, ColumnType
from unspool._tables.dates import FORMATS, DateForm
from unspool._tables.reading import OpenTable
from unspool._tables.types import DECIMAL, MOST_DIGITS, WHOLE

MOST_CATEGORIES = 1_000  # different values of a category
FEW = 20  # different values that are a category in a table of any length
REPEATED = 4  # times that a value of a category comes, on average, if there are more than few
MOST_SHARE = 0.9  # of the values of a column that are numbers, or dates, for which the others are errors
SIGNIFICANT = 9  # digits of decimals that are learnt
DENSE = 2  # a key of whole numbers leaves out every second one at most
MISSING = ("", "?")  # what is missing in any column
MISSING_NUMBERS = ("NA", "N/A", "NaN", "nan", "null", "NULL", "None", "#N/A", "-")  # in those of numbers
BOOLEANS = (("false", "true"), ("no", "yes"), ("f", "t"), ("n", "y"))
BLOCK = 1 << 12  # rows that are looked at together

Kind = str  # "missing", "absent", "whole", "decimal", "date" or "text"
Place = tuple[int, str]  # a row and its value


@dataclass
class ColumnLook:
    """What has been seen of one column."""

    name: str

    def __post_init__(self) -> None:
        """Begin with nothing."""
        self.kinds: dict[str, Kind] = {}  # of the first different values
        self.counts: Counter[Kind] = Counter()
        self.first: dict[Kind, Place] = {}
        self.missing: dict[str, None] = {}
        self.absent: dict[str, None] = {}
        self.numbers: list[Decimal] = []  # the least and the most
        self.days: list[str] = []  # likewise, as digits, in the first format that is left
        self.forms = [DateForm(written) for written in FORMATS]
        self.places, self.longest = 0, 0
        self.hashes: array[int] | None = array("Q")

    def add(self, first: int, values: Sequence[str]) -> None:
        """Look at the values of some rows.

        Args:
            first: The number of the first of them.
            values: The values.
        """
        for text, times in Counter(values).items():
            kind = self.kinds.get(text)
            known = kind is not None
            if kind is None:
                kind = self._looked_at(text)
                if len(self.kinds) <= MOST_CATEGORIES:
                    self.kinds[text] = kind
                if kind not in self.first:
                    self.first[kind] = (first + values.index(text), text)
            self.counts[kind] += times
            if self.hashes is not None and kind not in ("missing", "absent"):
                digest = hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=8).digest()
                self.hashes.append(int.from_bytes(digest, "little"))
                if known or times > 1:
                    self.hashes = None

    @property
    def unique(self) -> bool:
        """Whether all values differ, and none is missing."""
        alone = self.hashes is not None and not self.counts["missing"] and not self._repeats(self.hashes)
        return alone and sum(self.counts.values()) > FEW

    @staticmethod
    def _repeats(hashes: "array[int]") -> bool:
        return len(np.unique(np.frombuffer(hashes, np.uint64))) < len(hashes)

    def _looked_at(self, text: str) -> Kind:
        if text in MISSING:
            self.missing[text] = None
            return "missing"
        if text in MISSING_NUMBERS:
            self.absent[text] = None
            return "absent"
        self.longest = max(self.longest, len(text))
        if WHOLE.fullmatch(text):
            self._bound(Decimal(text))
            return "whole"
        plain = text.lstrip("-+")
        leads = len(plain) > 1 and plain[0] == "0" and plain[1].isdigit()  # a code, such as 007
        if DECIMAL.fullmatch(text) and not leads and not plain.isdigit():
            number = Decimal(text)
            if abs(number) < 10**MOST_DIGITS:
                self._bound(number)
                self.places = max(self.places, -int(number.normalize().as_tuple().exponent), _written(text))
                return "decimal"
        return "date" if self._dated(text) else "text"

    def _bound(self, number: Decimal) -> None:
        self.numbers = (
            [min(*self.numbers, number), max(*self.numbers, number)] if self.numbers else [number] * 2
        )

    def _dated(self, text: str) -> bool:
        """Note a date; the formats that do not fit are left out, unless none fits."""
        if not (text[:1].isdigit() and any(mark in text for mark in "-/.")):
            return False
        left = [form for form in self.forms if _fits(form, text)]
        if left:
            self.forms = left
        self.days = [*self.days, text] if left else self.days
        if len(self.days) > BLOCK:
            self.days = self._ends()
        return bool(left)

    def _ends(self) -> list[str]:
        """Return the first and the last of the dates that were seen."""
        form = self.forms[0]
        dates = sorted((text for text in self.days if _fits(form, text)), key=form.digits)
        return [dates[0], dates[-1]]

    def column(self, where: str, rows: int) -> Column:
        """Return what the column holds.

        Args:
            where: The table, for messages.
            rows: Number of its rows.

        Raises:
            CorpusError: If its types are mixed.
        """
        kinds = {kind for kind in self.counts if kind not in ("missing", "absent")}
        if kinds == {"whole"}:
            return self._numbers("whole", rows)
        if kinds <= {"whole", "decimal"} and kinds:
            return self._numbers("decimal", rows)
        if kinds == {"date"}:
            first, last = self._ends()
            return Column(name=self.name, type="date", format=self.forms[0].written, least=first, most=last,
                          missing=self._all_missing())  # fmt: skip
        boolean = self._boolean()
        if boolean:
            return Column(name=self.name, type="boolean", values=boolean, missing=tuple(self.missing))
        values = [value for value, kind in self.kinds.items() if kind != "missing"]
        most = max(FEW, min(MOST_CATEGORIES, rows // REPEATED))
        if len(values) <= most:
            return Column(
                name=self.name, type="category", values=tuple(sorted(values)), missing=tuple(self.missing)
            )
        self._refuse_mixed(where, kinds)
        key = self.unique and not any(" " in value for value in values)
        return Column(name=self.name, type="text", longest=self.longest, key=key, missing=tuple(self.missing))

    def _numbers(self, kind: ColumnType, rows: int) -> Column:
        least, most = self.numbers
        if kind == "whole":
            key = self.unique and most - least < DENSE * rows
            return Column(name=self.name, type="whole", key=key, least=int(least), most=int(most),
                          missing=self._all_missing())  # fmt: skip
        largest = max(abs(least), abs(most))
        places = max(0, min(self.places, SIGNIFICANT - 1 - (largest.adjusted() if largest else 0)))
        places = min(places, MOST_DIGITS - max(1, largest.adjusted() + 1))
        ends = (float(round(least, places)), float(round(most, places)))
        return Column(name=self.name, type="decimal", places=places, least=ends[0], most=ends[1],
                      missing=self._all_missing())  # fmt: skip

    def _all_missing(self) -> tuple[str, ...]:
        return (*self.missing, *self.absent)

    def _boolean(self) -> tuple[str, ...] | None:
        """Return the words for false and true, if the column has these two alone."""
        values = {value.lower(): value for value, kind in self.kinds.items() if kind != "missing"}
        words = next((words for words in BOOLEANS if values.keys() == set(words)), None)
        alone = sum(kind != "missing" for kind in self.kinds.values()) == len(values)
        return tuple(values[word] for word in words) if words and alone else None

    def _refuse_mixed(self, where: str, kinds: set[Kind]) -> None:
        """Refuse a column of which nearly all values are numbers, or dates, and a few are not."""
        total = sum(self.counts[kind] for kind in kinds)
        for some, words in (({"whole", "decimal"}, "a number"), ({"date"}, "a date")):
            usual = sum(self.counts[kind] for kind in some)
            if usual >= MOST_SHARE * total:
                row, text = min(place for kind, place in self.first.items() if kind in kinds - some)
                got = f"{text[:60]!r} among {counted(usual, 'value')} of that type"
                hint = 'mend it; or say in a schema (unspool schema) that it is missing, or type = "text"'
                what = f"{where}, row {row:,}, column {self.name!r}: mixed types"
                raise CorpusError(what, expected=words, got=got, hint=hint)


def _written(text: str) -> int:
    """Return the number of digits that are written after the point; trailing zeros count."""
    plain = text.lower().partition("e")[0]
    return len(plain.partition(".")[2]) if "e" not in text.lower() else 0


def _fits(form: DateForm, text: str) -> bool:
    try:
        form.digits(text)
    except ValueError:
        return False
    return True


def look(table: OpenTable) -> tuple[Column, ...]:
    """Return what the columns of a table hold.

    Raises:
        CorpusError: If it cannot be read, has no row, or has a column of mixed types.
    """
    looks, seen, rows = [ColumnLook(name) for name in table.names], 0, iter(table)
    while block := list(islice(rows, BLOCK)):
        for column, values in zip(looks, zip(*(row for _, row in block), strict=True), strict=True):
            column.add(seen + 1, values)
        seen += len(block)
    where = table.records.description
    return tuple(column.column(where, seen) for column in looks)
