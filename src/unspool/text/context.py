"""What is known about records, in numbers: the attributes that steer a text, as columns of a table.

A categorical attribute has a column for each of its values. A number has two: the standardized number, and 1,
which tells a missing number from an average one. What is not said is 0 in every column, so that any subset
can be said.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import ConfigError

Numbers = NDArray[np.float32]
SHOWN_VALUES = 20  # of an attribute, in a message


@dataclass(frozen=True)
class Attribute:
    """Describe one attribute.

    Args:
        name: Its name.
        values: Its values, the most frequent first; empty for a number.
        counts: How many of the training texts have each.
        mean: Of a number, over the training texts.
        deviation: Its standard deviation, above 0.

    Raises:
        ConfigError: If it is neither the one nor the other.
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
            raise ConfigError(f"attribute {self.name}", expected=expected, got=str(self)[:200])

    @property
    def is_number(self) -> bool:
        """Tell whether it is a number."""
        return not self.values

    @property
    def size(self) -> int:
        """Count its columns."""
        return len(self.values) or 2

    def number(self, value: object) -> float:
        """Give the number of a value: that of its column, or the number itself; NaN where nothing is said.

        Raises:
            ConfigError: If it has no such value.
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
        """Say what it may be."""
        if self.is_number:
            return "a number"
        shown = ", ".join(map(repr, self.values[:SHOWN_VALUES]))
        more = len(self.values) - SHOWN_VALUES
        return f"one of {shown}" + (f" or {more} more" if more > 0 else "")

    @property
    def described(self) -> str:
        """Say what it is, for people."""
        if self.is_number:
            return f"a number, {self.mean:.6g} ± {self.deviation:.6g}"
        shown = ", ".join(self.values[:SHOWN_VALUES])
        return f"{shown}, …" if len(self.values) > SHOWN_VALUES else shown

    def columns(self, numbers: NDArray[np.floating[Any]]) -> Numbers:
        """Write numbers (N,) as columns (N, size)."""
        said = ~np.isnan(numbers)
        out = np.zeros((len(numbers), self.size), np.float32)
        if self.mean is not None and self.deviation is not None:
            out[said, 0] = (numbers[said] - self.mean) / self.deviation
            out[said, 1] = 1
        else:
            out[said, numbers[said].astype(np.int64)] = 1
        return out


@dataclass(frozen=True)
class ContextSchema:
    """Describe what may be said of a record.

    Args:
        attributes: In the order of their columns.
        vector_size: Numbers of the vector that a record starts from; None for none.
    """

    attributes: tuple[Attribute, ...] = ()
    vector_size: int | None = None

    @property
    def size(self) -> int | None:
        """Count the columns, F; None where there are no attributes."""
        return sum(one.size for one in self.attributes) or None

    @property
    def described(self) -> list[tuple[str, str]]:
        """Name what may be said with what it is, for people."""
        vector = [] if self.vector_size is None else [("vector", f"{self.vector_size} numbers")]
        return [(one.name, one.described) for one in self.attributes] + vector

    @property
    def width(self) -> int:
        """Count what may be left out: the attributes, and the vector."""
        return len(self.attributes) + (self.vector_size is not None)

    def attribute(self, name: str) -> Attribute:
        """Find an attribute.

        Raises:
            ConfigError: If there is none of that name.
        """
        for one in self.attributes:
            if one.name == name:
                return one
        if not self.attributes:
            raise ConfigError(f"context {name!r} cannot be used: the model was trained without context")
        known = ", ".join(one.name for one in self.attributes)
        raise ConfigError(f"context {name!r} is not known to the model", expected=f"one of {known}")

    def numbers(self, context: Mapping[str, object]) -> Numbers:
        """Give the number of each attribute (A,), NaN where the context says nothing.

        Raises:
            ConfigError: If it says something that the model has never heard of.
        """
        for name in context:
            self.attribute(name)
        said = [one.number(context.get(one.name)) for one in self.attributes]
        return np.array(said, np.float32)

    def rows(self, numbers: Numbers) -> Numbers:
        """Write the numbers of records (N, A) as rows of columns (N, F)."""
        parts = [one.columns(numbers[:, i]) for i, one in enumerate(self.attributes)]
        return np.concatenate(parts, axis=1) if parts else np.zeros((len(numbers), 0), np.float32)

    def row(self, context: Mapping[str, object]) -> Numbers:
        """Write a context as one row (F,).

        Raises:
            ConfigError: If it says something that the model has never heard of.
        """
        row: Numbers = self.rows(self.numbers(context)[None])[0]
        return row

    def vector(self, numbers: Any) -> Numbers:
        """Check a vector (D,).

        Raises:
            ConfigError: If the model takes none, or one of another size.
        """
        size = self.vector_size
        vector: Numbers = np.asarray(numbers, np.float32)
        if size is None or vector.shape != (size,) or not np.isfinite(vector).all():
            expected = (
                "None: the model was trained without vectors" if size is None else f"{size} finite numbers"
            )
            raise ConfigError("vector", expected=expected, got=f"shape {vector.shape}")
        return vector


@dataclass(frozen=True, eq=False)
class RecordContexts:
    """Hold what is known about the records of a stream: four bytes for each attribute of each record.

    Args:
        schema: What the numbers mean.
        numbers: The number of each attribute, NaN where it is not known.  # (R, A)
        vectors: The vector of each record, zeros where it has none; None where the schema has none.  # (R, D)
    """

    schema: ContextSchema
    numbers: Numbers
    vectors: Numbers | None = None

    def take(self, records: "slice | Sequence[int] | NDArray[np.int64]") -> "RecordContexts":
        """Keep some records."""
        vectors = None if self.vectors is None else self.vectors[records]
        return RecordContexts(self.schema, self.numbers[records], vectors)

    def rows(
        self, records: NDArray[np.int64], kept: NDArray[np.bool_] | None = None
    ) -> tuple[Numbers | None, Numbers | None]:
        """Give what steers some records.

        Args:
            records: Their numbers.  # (N,)
            kept: What is said of every record of the stream; None for all that is known.  # (R, width)

        Returns:
            Contexts (N, F) and vectors (N, D), None where the schema has no such thing.
        """
        numbers, vectors = self.numbers[records], None if self.vectors is None else self.vectors[records]
        if kept is not None:
            said = kept[records]
            numbers = np.where(said[:, : numbers.shape[1]], numbers, np.float32(np.nan))
            vectors = None if vectors is None else vectors * said[:, -1:]
        return (self.schema.rows(numbers) if self.schema.attributes else None), vectors

    def bytes(self) -> bytes:
        """Give what the records are told apart by, the same on every machine."""
        vectors = b"" if self.vectors is None else self.vectors.astype("<f4").tobytes()
        return self.numbers.astype("<f4").tobytes() + vectors


def kept_attributes(
    records: int, width: int, *, dropout: float, seed: int, epoch: int
) -> NDArray[np.bool_] | None:
    """Draw what is said of each record in an epoch of training.

    It depends on the seed, the epoch and the number of the record alone. Only the generator's raw output is
    used, which NumPy keeps the same from version to version.

    Args:
        records: R.
        width: What may be left out of each.
        dropout: Chance of each of these to be left out, in [0, 1).
        seed: The run's seed.
        epoch: Number of the epoch, from 0.

    Returns:
        Whether it is said (R, width), or None where all is.
    """
    if not dropout:
        return None
    raw = np.random.PCG64(np.random.SeedSequence([seed, epoch, 1])).random_raw(records * width)
    return np.asarray(raw >= np.uint64(dropout * 2.0**64)).reshape(records, width)


def number_in(text: str) -> float | None:
    """Read a finite number; None where the text is none."""
    try:
        number = float(text)
    except ValueError:
        return None
    return number if math.isfinite(number) else None
