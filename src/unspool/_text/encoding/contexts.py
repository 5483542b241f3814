"""Collect the contexts of records while they are read."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError, CorpusError
from unspool._text.context import Attribute, ContextSchema, Numbers, RecordContexts, number_in
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import Contexts
from unspool._text.encoding.split import Sided
from unspool._text.reading.columns import LENGTH
from unspool._text.records import Record

MOST_VALUES = 500  # of a categorical attribute: each has a row of weights
MANY_NUMBERS = 20  # an attribute with more different values than this, all numbers, is a number


class ContextGatherer:
    """A collector of the context of each record, and of its side of the split."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, int]] = {}
        self._sides = (_Side(), _Side())

    def passing(self, records: Iterable[Sided]) -> Iterator[Sided]:
        """Yield the records unchanged, and note the context of each text from its first piece.

        Args:
            records: The records, each with whether it is held out.
        """
        whole = True
        for record, held_out in records:
            if whole:
                self._note(record, held_out=held_out)
            whole = record.ends
            yield record, held_out

    def _note(self, record: Record, *, held_out: bool) -> None:
        values = {}
        for name, value in record.context.items():
            codes = self._codes.setdefault(name, {})
            if text := value.strip():
                values[name] = codes.setdefault(text, len(codes))
        self._sides[held_out].add(values, record.vector)

    def move(self, training: NDArray[np.int64], validation: NDArray[np.int64]) -> None:
        """Put the records on other sides.

        Args:
            training: The records to learn from, numbered through both sides, those learnt until now first.
            validation: The records to hold out.
        """
        self._sides = (_Side.of(self._sides, training), _Side.of(self._sides, validation))

    def joined(self, encoded: EncodedCorpus, contexts: Contexts) -> EncodedCorpus:
        """Add the contexts of the records to their streams.

        Args:
            encoded: The same records as ids.
            contexts: The schema of a model; "learn" to make one from the training records. Attributes and
                values that only held-out records have are then left out.

        Raises:
            ConfigError: If a training record has an attribute or a value that the schema does not have.
            CorpusError: If an attribute has too many values, or vectors differ in their size.
        """
        schema = contexts if isinstance(contexts, ContextSchema) else None
        training, validation = self.contexts(schema or self.schema(), strict=schema is not None)
        return replace(
            encoded,
            training=replace(encoded.training, contexts=training),
            validation=replace(encoded.validation, contexts=validation),
        )

    def schema(self) -> ContextSchema:
        """Return the schema of the training records.

        Raises:
            CorpusError: If an attribute has too many values, or vectors differ in their size.
        """
        training = self._sides[False]
        attributes = [
            _attribute(name, list(codes), training.column(name))
            for name, codes in self._codes.items()
            if (training.column(name) >= 0).any()
        ]
        return ContextSchema(tuple(attributes), training.vector_size)

    def contexts(
        self, schema: ContextSchema, *, strict: bool
    ) -> tuple[RecordContexts | None, RecordContexts | None]:
        """Return the contexts of the training records and of the held-out records in the numbers of a schema.

        Args:
            schema: The schema.
            strict: Whether a value of a training record that the schema does not have is an error. Such a
                value of a held-out record is ignored.

        Returns:
            The contexts of the two parts; None if the schema is empty.

        Raises:
            ConfigError: If a value is unknown and `strict` is set.
            CorpusError: If a vector has another size than the schema says.
        """
        if not schema.width:
            return None, None
        training, validation = (
            RecordContexts(schema, self._numbers(schema, side), side.vectors(schema.vector_size))
            for side in self._sides
        )
        if strict:
            self._refuse_unknown(training)
        return training, validation

    def _numbers(self, schema: ContextSchema, side: "_Side") -> Numbers:
        out = np.full((side.count, len(schema.attributes)), np.nan, np.float32)
        for i, attribute in enumerate(schema.attributes):
            codes = self._codes.get(attribute.name, {})
            table = np.array([_number(attribute, value) for value in codes] + [np.nan], np.float32)
            out[:, i] = table[side.column(attribute.name)]  # the last one is for a missing value
        return out

    def _refuse_unknown(self, training: RecordContexts) -> None:
        for i, attribute in enumerate(training.schema.attributes):
            codes = self._sides[False].column(attribute.name)
            unknown = np.flatnonzero((codes >= 0) & np.isnan(training.numbers[:, i]))
            if unknown.size:
                attribute.number(list(self._codes[attribute.name])[codes[unknown[0]]])


class _Side:
    """The codes of the values of the records on one side of the split, -1 for a missing value."""

    def __init__(self) -> None:
        self.count = 0
        self._columns: dict[str, array[int]] = {}
        self._vectors: list[Numbers | None] = []
        self.vector_size: int | None = None

    @classmethod
    def of(cls, sides: "tuple[_Side, _Side]", records: NDArray[np.int64]) -> "_Side":
        """Return a side of some records, numbered through two sides."""
        side = cls()
        side.count = len(records)
        for name in {name: None for old in sides for name in old._columns}:
            codes = np.concatenate([old.column(name) for old in sides])
            side._columns[name] = array("i", codes[records].tolist())
        vectors = [vector for old in sides for vector in old._whole_vectors()]
        side._vectors = [vectors[i] for i in records.tolist()]
        side.vector_size = next((len(each) for each in side._vectors if each is not None), None)
        return side

    def _whole_vectors(self) -> list[Numbers | None]:
        return self._vectors + [None] * (self.count - len(self._vectors))

    def add(self, values: dict[str, int], vector: Numbers | None) -> None:
        for name in values:
            if name not in self._columns:
                self._columns[name] = array("i", [-1]) * self.count
        for name, column in self._columns.items():
            column.append(values.get(name, -1))
        if vector is not None:
            self._vectors += [None] * (self.count - len(self._vectors))
            self._vectors.append(vector)
            self.vector_size = self.vector_size or len(vector)
        self.count += 1

    def column(self, name: str) -> "np.ndarray[tuple[int], np.dtype[np.int32]]":
        column = self._columns.get(name)
        return np.full(self.count, -1, np.int32) if column is None else np.array(column, np.int32)

    def vectors(self, size: int | None) -> Numbers | None:
        if size is None:
            return None
        out = np.zeros((self.count, size), np.float32)
        for i, vector in enumerate(self._vectors):
            if vector is None:
                continue
            if vector.shape != (size,):
                expected, got = f"{size} numbers, as the first has", f"shape {vector.shape}"
                raise CorpusError(f"the vector of record {i + 1:,}", expected=expected, got=got)
            out[i] = vector
        return out


def _attribute(
    name: str, values: list[str], codes: "np.ndarray[tuple[int], np.dtype[np.int32]]"
) -> Attribute:
    counted = Counter(codes[codes >= 0].tolist())
    numbers = [number_in(values[code]) for code in counted]
    many = len(counted) > (1 if name == LENGTH else MANY_NUMBERS)
    if many and all(number is not None for number in numbers):
        every = np.repeat(np.array(numbers, np.float64), list(counted.values()))
        return Attribute(name, mean=float(every.mean()), deviation=float(every.std()))
    if len(counted) > MOST_VALUES:
        what = f"context {name!r} has {len(counted):,} different values"
        hint = "leave it out, or put its values into fewer groups"
        expected = f"at most {MOST_VALUES}, or numbers alone"
        raise CorpusError(what, expected=expected, got=repr(values[0]), hint=hint)
    ranked = sorted(counted.items(), key=lambda item: (-item[1], item[0]))
    return Attribute(
        name, values=tuple(values[code] for code, _ in ranked), counts=tuple(count for _, count in ranked)
    )


def _number(attribute: Attribute, value: str) -> float:
    try:
        return attribute.number(value)
    except ConfigError:
        return float("nan")
