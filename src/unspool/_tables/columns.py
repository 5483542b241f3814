"""What one column of a table holds."""

from dataclasses import dataclass
from typing import Literal

from unspool._configuration import check
from unspool._errors import ConfigError

MOST_VALUES = 10_000  # of a category; each is a symbol of the network
Bound = int | float | str | None
ColumnType = Literal["whole", "decimal", "category", "boolean", "date", "text"]


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of a table.

    Args:
        name: Its name.
        type: What it holds.
        values: The values of a category; false and true of a boolean, as the table spells them.
        least: The lowest number, or the first date, as the table writes it.
        most: The highest number, or the last date.
        places: Digits after the point of a decimal.
        format: How dates are written: %Y, %m, %d, %H, %M and %S stand for digits.
        longest: Most characters of a text.
        pattern: A regular expression that a whole text matches.
        key: Whether all its values differ. Whole numbers are then counted on, and not learnt.
        missing: What a missing value is written as; the first is the one that is written. () for a column
            without missing values.

    Raises:
        ConfigError: If a value is out of its range.
    """

    name: str
    type: ColumnType
    values: tuple[str, ...] = ()
    least: Bound = None
    most: Bound = None
    places: int | None = None
    format: str | None = None
    longest: int | None = None
    pattern: str | None = None
    key: bool = False
    missing: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check what holds of every column; `of_type` in `types` checks the rest."""
        check("name", self.name, "a name that is not empty", self.name != "")
        check("key", self.key, "false, but for whole numbers and texts", not self.key or self.may_be_key)
        check("missing", self.missing, "left out for a key", not (self.key and self.missing))
        different = len(set(self.values)) == len(self.values)
        check("values", self.values, "each value once", different)
        apart = not set(self.values) & set(self.missing)
        check("missing", self.missing, "none of the values", apart)
        if len(self.values) > MOST_VALUES:
            expected, hint = f"at most {MOST_VALUES:,} values of a category", 'say type = "text"'
            raise ConfigError(self.name, expected=expected, got=f"{len(self.values):,}", hint=hint)

    @property
    def may_be_key(self) -> bool:
        """Whether the type of the column can be a key."""
        return self.type in ("whole", "text")

    @property
    def constant(self) -> str | None:
        """The only value that the column can have, which needs no learning; None if there are several."""
        if self.type in ("category", "boolean"):
            every = self.values + self.missing[:1]
            return every[0] if len(every) == 1 else None
        only = self.least if self.type in ("whole", "date") and self.least == self.most else None
        return None if only is None or self.missing or self.key else str(only)

    @property
    def words(self) -> str:
        """What the column holds, for people."""
        facts = [f"{self.type} as {self.format}" if self.format else self.type]
        if self.constant is not None:
            facts.append(f"always {self.constant!r}, so there is nothing to learn")
        elif self.values:
            facts.append(f"{len(self.values):,} values")
        elif self.least is not None:
            facts.append(f"{self.least} to {self.most}")
        elif self.longest is not None:
            facts.append(f"up to {self.longest:,} characters")
        if self.places is not None:
            facts.append(f"{self.places} places")
        if self.key:
            facts.append("a key, which is counted on" if self.is_counted else "a key")
        if self.missing:
            facts.append(f"missing as {' or '.join(map(repr, self.missing))}")
        return ", ".join(facts)

    @property
    def is_counted(self) -> bool:
        """Whether new rows get the next numbers, since the column is a key of whole numbers."""
        return self.key and self.type == "whole"

    @property
    def is_learnt(self) -> bool:
        """Whether the network learns its values."""
        return self.constant is None and not self.is_counted
