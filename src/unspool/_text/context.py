"""The attributes of records in numbers, as columns of a table.

A categorical attribute has a column for each of its values. A number has two columns: the
standardized number, and 1 to mark that it is known. A missing attribute is 0 in all its columns.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._views.short_repr import short_repr

Numbers = NDArray[np.float32]
LARGEST = float(np.finfo(np.float32).max)
SHOWN_VALUES = 20  # number of values of an attribute that a message shows


@dataclass(frozen=True)
class Attribute:
    """An attribute of records: a categorical one or a number.

    Args:
        name: Name of the attribute.
        values: The values of a categorical attribute, the most frequent first; empty for a number.
        counts: Number of training texts with each value.
        mean: Mean of a number over the training texts; None for a categorical attribute.
        deviation: Standard deviation of a number, above 0; None for a categorical attribute.

    Raises:
        ConfigError: If it is neither categorical nor a number, or both.
    """

    name: str
    values: tuple[str, ...] = ()
    counts: tuple[int, ...] = ()
    mean: float | None = None
    deviation: float | None = None

    def __post_init__(self) -> None:
        number = self.mean is not None and self.deviation is not None and self.deviation > 0
        counted = len(self.counts) == len(self.values) == len(set(self.values))
        if number == bool(self.values) or not counted:
            expected = "values with their counts, or a mean and a deviation above 0"
            raise ConfigError(f"attribute {self.name}", expected=expected, got=str(self))

    @property
    def is_number(self) -> bool:
        """Whether the attribute is a number."""
        return not self.values

    @property
    def size(self) -> int:
        """Number of columns."""
        return len(self.values) or 2

    def number(self, value: object) -> float:
        """Return the number of a value: its column, or the number itself; NaN for a missing value.

        Raises:
            ConfigError: If the attribute has no such value.
        """
        text = "" if value is None else str(value).strip()
        if not text:
            return math.nan
        if self.is_number:
            if (number := number_in(text)) is not None:
                return number
        elif text in self.values:
            return float(self.values.index(text))
        raise ConfigError(f"context {self.name}", expected=self.allowed, got=repr(value))

    @property
    def allowed(self) -> str:
        """The allowed values in words."""
        if self.is_number:
            return "a number"
        shown = ", ".join(map(repr, self.values[:SHOWN_VALUES]))
        more = len(self.values) - SHOWN_VALUES
        return f"one of {shown}" + (f" or {more} more" if more > 0 else "")

    @property
    def described(self) -> str:
        """The attribute in words, for people."""
        if self.is_number:
            return f"a number, {self.mean:.6g} ± {self.deviation:.6g}"
        shown = ", ".join(self.values[:SHOWN_VALUES])
        return f"{shown}, …" if len(self.values) > SHOWN_VALUES else shown

    def columns(self, numbers: NDArray[np.floating[Any]]) -> Numbers:
        """Return the columns (N, size) for numbers (N,)."""
        known = ~np.isnan(numbers)
        out = np.zeros((len(numbers), self.size), np.float32)
        if self.mean is not None and self.deviation is not None:
            out[known, 0] = (numbers[known] - self.mean) / self.deviation
            out[known, 1] = 1
        else:
            out[known, numbers[known].astype(np.int64)] = 1
        return out


@dataclass(frozen=True)
class ContextSchema:
    """The attributes that a model knows, and the size of its start vector.

    Args:
        attributes: The attributes, in the order of their columns.
        vector_size: Size of the start vector of a record; None for no start vector.
    """

    attributes: tuple[Attribute, ...] = ()
    vector_size: int | None = None

    __repr__ = short_repr

    @property
    def size(self) -> int | None:
        """Number of columns, F; None without attributes."""
        return sum(one.size for one in self.attributes) or None

    @property
    def described(self) -> list[tuple[str, str]]:
        """The name and the description of each attribute and of the vector, for people."""
        vector = [] if self.vector_size is None else [("vector", f"{self.vector_size} numbers")]
        return [(one.name, one.described) for one in self.attributes] + vector

    @property
    def width(self) -> int:
        """Number of the parts that can be left out: each attribute, and the vector."""
        return len(self.attributes) + (self.vector_size is not None)

    def attribute(self, name: str) -> Attribute:
        """Find an attribute by its name.

        Raises:
            ConfigError: If there is no such attribute.
        """
        for one in self.attributes:
            if one.name == name:
                return one
        if not self.attributes:
            raise ConfigError(f"context {name!r} cannot be used: the model was trained without context")
        known = ", ".join(one.name for one in self.attributes)
        raise ConfigError(f"context {name!r} is not known to the model", expected=f"one of {known}")

    def numbers(self, context: Mapping[str, object]) -> Numbers:
        """Return the number of each attribute (A,), NaN where the context has no value.

        Raises:
            ConfigError: If the context has an attribute or a value that the model does not know.
        """
        for name in context:
            self.attribute(name)
        values = [one.number(context.get(one.name)) for one in self.attributes]
        return np.array(values, np.float32)

    def rows(self, numbers: Numbers) -> Numbers:
        """Return the rows of columns (N, F) for the numbers of records (N, A)."""
        parts = [one.columns(numbers[:, i]) for i, one in enumerate(self.attributes)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(numbers), 0), np.float32)

    def row(self, context: Mapping[str, object]) -> Numbers:
        """Return the row of columns (F,) for a context.

        Raises:
            ConfigError: If the context has an attribute or a value that the model does not know.
        """
        row: Numbers = self.rows(self.numbers(context)[None])[0]
        return row

    def vector(self, numbers: Any) -> Numbers:
        """Check a start vector and return it as an array (D,).

        Raises:
            ConfigError: If the model has no start vector, or one of another size, or a number is not finite.
        """
        size = self.vector_size
        expected = "None: the model was trained without vectors" if size is None else f"{size} finite numbers"
        try:
            with np.errstate(over="ignore"):  # beyond the range of 32 bits is infinite, and refused
                vector: Numbers = np.asarray(numbers, np.float32)
        except (TypeError, ValueError):
            raise ConfigError("vector", expected=expected, got=repr(numbers)) from None
        if size is None or vector.shape != (size,) or not np.isfinite(vector).all():
            raise ConfigError("vector", expected=expected, got=f"shape {vector.shape}")
        return vector


@dataclass(frozen=True, eq=False)
class RecordContexts:
    """The attributes and vectors of the records of a stream, four bytes for each number.

    Args:
        schema: The attributes and the size of the vector.
        numbers: The number of each attribute, NaN where it is missing.  # (R, A)
        vectors: The vector of each record, zeros where it is missing; None if the schema has none.  # (R, D)
    """

    schema: ContextSchema
    numbers: Numbers
    vectors: Numbers | None = None

    def take(self, records: "slice | Sequence[int] | NDArray[np.int64]") -> "RecordContexts":
        """Return the contexts of some records alone."""
        vectors = None if self.vectors is None else self.vectors[records]
        return RecordContexts(self.schema, self.numbers[records], vectors)

    def rows(
        self, records: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
    ) -> tuple[Numbers | None, Numbers | None]:
        """Return the contexts and the vectors of some records.

        Args:
            records: The numbers of the records.  # (N,)
            kept: Which parts are kept for every record of the stream; None for all.  # (R, width)

        Returns:
            Contexts (N, F), or None without attributes; vectors (N, D), or None without vectors.
        """
        numbers, vectors = self.numbers[records], None if self.vectors is None else self.vectors[records]
        if kept is not None:
            chosen = kept[records]
            numbers = np.where(chosen[:, : numbers.shape[1]], numbers, np.float32(np.nan))
            vectors = None if vectors is None else vectors * chosen[:, -1:]
        return (self.schema.rows(numbers) if self.schema.attributes else None), vectors

    def bytes(self) -> bytes:
        """Return the numbers and vectors as bytes, the same on every machine."""
        vectors = b"" if self.vectors is None else self.vectors.astype("<f4").tobytes()
        return self.numbers.astype("<f4").tobytes() + vectors


def kept_attributes(
    records: int, width: int, *, dropout: float, seed: int, epoch: int
) -> NDArray[np.bool_] | None:
    """Draw the parts of the context that each record keeps in an epoch of training.

    The result depends only on the seed, the epoch and the number of the record. Only the generator's raw
    output is used, which NumPy keeps the same from version to version.

    Args:
        records: Number of records, R.
        width: Number of parts of the context of a record.
        dropout: Probability that a part is left out, in [0, 1).
        seed: Seed of the run.
        epoch: Number of the epoch, from 0.

    Returns:
        Whether each part is kept (R, width), or None if all are.
    """
    if not dropout:
        return None
    raw = np.random.PCG64(np.random.SeedSequence([seed, epoch, 1])).random_raw(records * width)
    return np.asarray(raw >= np.uint64(dropout * 2.0**64)).reshape(records, width)


def number_in(text: str) -> float | None:
    """Read a number that is finite in 32 bits; return None if the text is not one."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if abs(number) <= LARGEST else None
