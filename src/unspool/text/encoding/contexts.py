"""Gather what is known about records while they are read for the first and only time."""

from array import array
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import replace

import numpy as np

from unspool.errors import ConfigError, CorpusError
from unspool.text.context import Attribute, ContextSchema, Numbers, RecordContexts, number_in
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.recipe import Contexts
from unspool.text.encoding.split import Sided
from unspool.text.reading.columns import LENGTH
from unspool.text.records import Record

MOST_VALUES = 500  # of a categorical attribute: each costs a row of weights
MANY_NUMBERS = 20  # more different values than this, all numbers, are a quantity rather than categories


class ContextGatherer:
    """Pass records on, and remember their context and on which side of the split they are."""

    def __init__(self) -> None:
        self._codes: dict[str, dict[str, int]] = {}
        self._sides = (_Side(), _Side())

    def passing(self, records: Iterable[Sided]) -> Iterator[Sided]:
        """Pass records on, each with whether it is held out; the first piece speaks for a whole text.

        Args:
            records: The records and their sides.
        """
        whole = True
        for record, held_out in records:
            if whole:
                self._note(record, held=held_out)
            whole = record.ends
            yield record, held_out

    def _note(self, record: Record, *, held: bool) -> None:
        said = {}
        for name, value in record.context.items():
            codes = self._codes.setdefault(name, {})
            if text := value.strip():
                said[name] = codes.setdefault(text, len(codes))
        self._sides[held].add(said, record.vector)

    def joined(self, encoded: EncodedCorpus, contexts: Contexts) -> EncodedCorpus:
        """Add what is known about the records to their streams.

        Args:
            encoded: The same records as ids.
            contexts: What a model knows; "learn" to see it from the training records. What only held-out
                records say is then not said.

        Raises:
            ConfigError: If the schema does not have what a record says.
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
        """Describe the attributes by what the records to learn from have.

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
        """Write down what the records to learn from and those held out say, in a schema's numbers.

        Args:
            schema: What may be said.
            strict: Whether it is an error if a record to learn from says what the schema has not. What a
                held-out one says of that kind is passed over.

        Returns:
            The two parts; None where the schema is empty.

        Raises:
            ConfigError: If a value is not known and that is an error.
            CorpusError: If vectors are not of the schema's size.
        """
        if not schema.width:
            return None, None
        training, held = (
            RecordContexts(schema, self._numbers(schema, side), side.vectors(schema.vector_size))
            for side in self._sides
        )
        if strict:
            self._refuse_unknown(training)
        return training, held

    def _numbers(self, schema: ContextSchema, side: "_Side") -> Numbers:
        out = np.full((side.count, len(schema.attributes)), np.nan, np.float32)
        for i, attribute in enumerate(schema.attributes):
            codes = self._codes.get(attribute.name, {})
            table = np.array([_number(attribute, value) for value in codes] + [np.nan], np.float32)
            out[:, i] = table[side.column(attribute.name)]  # the last one is for what is not said
        return out

    def _refuse_unknown(self, training: RecordContexts) -> None:
        for i, attribute in enumerate(training.schema.attributes):
            codes = self._sides[False].column(attribute.name)
            unknown = np.flatnonzero((codes >= 0) & np.isnan(training.numbers[:, i]))
            if unknown.size:
                attribute.number(list(self._codes[attribute.name])[codes[unknown[0]]])


class _Side:
    """Hold the codes of one side's records, -1 where nothing is said."""

    def __init__(self) -> None:
        self.count = 0
        self._columns: dict[str, array[int]] = {}
        self._vectors: list[Numbers | None] = []
        self.vector_size: int | None = None

    def add(self, said: dict[str, int], vector: Numbers | None) -> None:
        for name in said:
            if name not in self._columns:
                self._columns[name] = array("i", [-1]) * self.count
        for name, column in self._columns.items():
            column.append(said.get(name, -1))
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
