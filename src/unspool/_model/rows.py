"""Rows of a table: written from nothing, with some columns fixed, or completed where values are missing."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from itertools import islice, pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._errors import ConfigError
from unspool._generation.automata.automaton import Guide
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.options.keywords import by_own_names
from unspool._generation.sampling.random import fresh_seed
from unspool._generation.writer import generate
from unspool._model.parts import ModelParts, options_and_n
from unspool._screen.wording import counted
from unspool._tables.corpus import refuse_other_columns
from unspool._tables.given import Given
from unspool._tables.guides import RowGuide
from unspool._tables.output import write_rows
from unspool._tables.reading import OpenTable, open_table
from unspool._tables.row_form import Row, RowForm
from unspool._tables.schema import TableSchema, schema_of

BATCH = 1 << 12  # rows that are written together, at most
LEAST_BATCH = 1 << 6
PATIENCE = 50  # rows that are written for one that is wanted, before what is wanted is taken for impossible
OF_ROWS = ("temperature", "temperature_steps", "top_k", "top_p", "min_p", "seed")  # options that rows take


@dataclass
class RowReport:
    """How rows were written.

    Args:
        written: Rows that were written, the refused ones included.
        accepted: Rows that passed.
        refused: How many rows were refused for each reason: a rule, or a key that was there already.
        forced: Rows whose ranges were met by leaving out digits, since too few met them by themselves.
    """

    written: int = 0
    accepted: int = 0
    refused: dict[str, int] = field(default_factory=dict)
    forced: int = 0

    def refuse(self, reason: str) -> None:
        """Count a row that is refused."""
        self.refused[reason] = self.refused.get(reason, 0) + 1

    @property
    def sentence(self) -> str:
        """The report in words; empty if there is nothing to tell."""
        parts = [f"{count:,} of {self.written:,} rows were refused: {reason}"
                 for reason, count in self.refused.items()]  # fmt: skip
        if self.forced:
            parts.append(f"{self.forced:,} rows were forced into a range that is rare in the table")
        return "; ".join(parts)


class RowWriter:
    """A writer of the rows that a model has learnt.

    Args:
        parts: The model.
        options: How values are drawn: any of `OF_ROWS`. Without a temperature it is 1, at which the shares of
            values are those that were learnt.

    Raises:
        ConfigError: If the model has learnt no table, or an option is none of these.
    """

    def __init__(self, parts: ModelParts, options: Mapping[str, Any]) -> None:
        given = {"temperature": 1.0, **by_own_names(options)}  # at 0.8 the frequent gains
        for name, value in given.items():
            check(name, value, f"left out: rows take {', '.join(OF_ROWS)}", name in OF_ROWS)
        self.schema: TableSchema = schema_of(parts.data)
        self.form = RowForm(self.schema)
        chosen, _ = options_and_n(parts, given, 1)
        seed = fresh_seed() if chosen.seed is None else chosen.seed
        drawn = {name: getattr(chosen, name) for name in OF_ROWS} | {"seed": seed}
        drawn["max_new_tokens"] = max(1, self.form.longest)
        self._tokenizer = parts.tokenizer
        self._options = GenerationOptions(**drawn).without(parts.tokenizer.unk_id)
        self._parts, self._drawn = parts, 0
        self.counted = 0  # keys that were given to rows without one
        self.report = RowReport()

    def guide(self, **changes: Any) -> RowGuide:
        """Return the automata of the columns; see `RowGuide`."""
        return RowGuide(self.form, self._tokenizer, **changes)

    def texts(self, prompts: Sequence[NDArray[np.int32]], guide: Guide) -> list[str]:
        """Go on from prompts, and return what is written after them."""
        request = EngineRequest(prompts, self._options, first=self._drawn, guide=guide)
        self._drawn += len(prompts)
        drawn = generate(self._parts.runner.writer(self._parts.parameters), request)
        whole = self._tokenizer.decode(
            np.concatenate([each.ids for each in drawn] or [np.empty(0, np.int32)])
        )
        ends = np.cumsum([0, *(len(each.ids) for each in drawn)]).tolist()
        return [whole[start:end] for start, end in pairwise(ends)]

    def ids(self, text: str) -> NDArray[np.int32]:
        """Return the ids of symbols.

        Raises:
            ConfigError: If the model has not learnt one of them.
        """
        known = set(self._tokenizer.symbols)
        lost = next((symbol for symbol in text if symbol not in known), None)
        if lost is not None:
            got = f"{lost!r} in {self.form.row(text)}" if lost.isprintable() else str(self.form.row(text))
            what = "the model has not learnt a value that is given"
            raise ConfigError(what, got=got, hint="it is not in the rows that it learnt from")
        return self._tokenizer.encode(text)


def sample_rows(writer: RowWriter, n: int, given: Mapping[str, Any]) -> Iterator[Row]:
    """Write rows, in memory that does not grow with their number but for keys.

    Args:
        writer: The writer, which has written nothing yet.
        n: Number of rows.
        given: What is known of them; see `Given`.

    Raises:
        ConfigError: If nothing like it can be written, or too many rows are refused.
    """
    check("n", n, "a whole number ≥ 1", is_whole(n, least=1))
    known = Given.of(writer.form, given)
    draw = _Draw(writer, known)
    keep, report = _Keeper(writer), writer.report
    while report.accepted < n:
        for text in draw.batch(min(BATCH, max(LEAST_BATCH, n - report.accepted))):
            row = keep.row(text)
            if row is not None:
                yield row
                if report.accepted == n:
                    return
        if report.written > PATIENCE * (report.accepted + LEAST_BATCH):
            raise ConfigError("too few rows pass", expected="one in 50 at least", got=report.sentence,
                              hint="leave out a rule, or give less")  # fmt: skip


class _Keeper:
    """What decides which rows pass: rules across columns, and keys that must differ.

    Args:
        writer: The writer.
    """

    def __init__(self, writer: RowWriter) -> None:
        self._form, self._report = writer.form, writer.report
        columns = writer.schema.columns
        self._keys: dict[int, set[int]] = {
            number: set() for number in self._form.learnt if columns[number].key
        }

    def row(self, text: str) -> Row | None:
        """Return the row of a text, or None if it is refused."""
        form, report = self._form, self._report
        row = form.row(text, report.accepted)
        report.written += 1
        broken = form.broken(row, form.rules) if form.rules else None
        if broken is not None:
            report.refuse(f"they break the rule {broken}")
            return None
        for number, seen in self._keys.items():
            if hash(row[number]) in seen:
                report.refuse(f"the key {form.schema.columns[number].name!r} was there already")
                return None
        for number, seen in self._keys.items():
            seen.add(hash(row[number]))
        report.accepted += 1
        return row


class _Draw:
    """The drawing of rows with a known part.

    Values in a range are drawn as if there were none, until they are in it: digits that were left out on the
    way would make the others too frequent, 40 as frequent as all from 40 to 49. Only where that takes too
    long is the range forced.

    Args:
        writer: The writer.
        known: What is known of the rows.
    """

    def __init__(self, writer: RowWriter, known: Given) -> None:
        self._writer, self._known = writer, known
        rest = known.rest(writer.form)
        self._ranged, self._rest = rest[: len(known.ranges)], rest[len(known.ranges) :]
        self._guide = writer.guide()
        self._after = self._guide.guide([self._rest])
        self._fixed = "".join(known.fixed[number] for number in writer.form.learnt if number in known.fixed)
        self._begin = writer.ids(self._fixed)
        self._tried = self._met = 0

    def batch(self, count: int) -> list[str]:
        """Write some rows, at most so many."""
        heads = self._met_heads(count) if self._ranged else [""] * count
        prompts = [np.concatenate([self._begin, self._writer.ids(head)]) if head else self._begin
                   for head in heads]  # fmt: skip
        texts = self._writer.texts(prompts, self._after.repeated(len(heads)))
        return [self._fixed + head + text for head, text in zip(heads, texts, strict=True)]

    def _met_heads(self, count: int) -> list[str]:
        """Return the symbols of the columns with a range, drawn until they are in it, or forced to be."""
        known, form = self._known, self._writer.form
        heads: list[str] = []
        while len(heads) < count and self._tried <= PATIENCE * (self._met + LEAST_BATCH):
            drawn = self._writer.texts([self._begin] * count, self._heads.repeated(count))
            met = [head for head in drawn if known.in_ranges(form, form.row(head))]
            self._tried, self._met = self._tried + len(drawn), self._met + len(met)
            heads += met
        forced = max(0, count - len(heads))
        if forced:
            heads += self._writer.texts([self._begin] * forced, self._forced.repeated(forced))
            self._writer.report.forced += forced
        return heads[:count]

    @cached_property
    def _heads(self) -> Guide:
        """The guide of the columns with a range, which may leave it."""
        return self._guide.guide([self._ranged])

    @cached_property
    def _forced(self) -> Guide:
        """The guide of the columns with a range, which cannot leave it."""
        return self._writer.guide(gaps=False, narrowed=self._known.ranges).guide([self._ranged])


def impute_table(writer: RowWriter, table: OpenTable) -> Iterator[Row]:
    """Fill the missing values of the rows of a table.

    Args:
        writer: The writer.
        table: The table.

    Raises:
        CorpusError: If a value contradicts the schema.
        ConfigError: If the table has other columns, a value is known that the model has not learnt, or a rule
            refuses every filling.
    """
    refuse_other_columns(writer.schema, table)
    guide, rows = writer.guide(gaps=False), iter(table)
    while block := list(islice(rows, BATCH)):
        yield from _Filler(writer, guide, block, table.records.description).filled()


class _Filler:
    """The filling of some rows.

    Args:
        writer: The writer.
        guide: The automata of the columns, without missing values.
        block: The rows, each after its number.
        where: The table, for messages.
    """

    def __init__(self, writer: RowWriter, guide: RowGuide, block: list[tuple[int, Row]], where: str) -> None:
        self._writer, self._guide, self._where = writer, guide, where
        self._rows = [list(row) for _, row in block]
        self._numbers = [number for number, _ in block]

    def filled(self) -> list[Row]:
        """Return the rows with all their values."""
        form, report = self._writer.form, self._writer.report
        waiting, tries = self._gaps(), 0
        while waiting:
            if tries == PATIENCE:
                number = self._numbers[next(iter(waiting))]
                what, hint = f"{self._where}, row {number:,}", "mend what is known of it, or the rules"
                expected = "values that meet the rules"
                raise ConfigError(what, expected=expected, got=report.sentence, hint=hint)
            texts = self._written(waiting)
            again = {}
            for place, text in texts.items():
                row = self._with(place, text)
                report.written += 1
                broken = form.broken(row, form.rules) if form.rules else None
                if broken is None:
                    report.accepted += 1
                    self._rows[place] = row
                else:
                    report.refuse(f"they break the rule {broken}")
                    again[place] = waiting[place]
            waiting, tries = again, tries + 1
        return self._rows

    def _gaps(self) -> dict[int, tuple[int, ...]]:
        """Return the missing columns of each row that has some; what needs no model is filled at once."""
        form, gaps = self._writer.form, {}
        for place, row in enumerate(self._rows):
            missing = [number for number, column in enumerate(form.schema.columns)
                       if row[number] in (column.missing or ("",))]  # fmt: skip
            unlearnt = [number for number in missing if number not in form.learnt]
            if unlearnt:
                fresh = form.fresh_row(self._writer.counted)
                self._writer.counted += 1
                for number in unlearnt:
                    row[number] = fresh[number]
            if len(missing) > len(unlearnt):
                gaps[place] = tuple(number for number in missing if number in form.learnt)
        return gaps

    def _written(self, waiting: Mapping[int, tuple[int, ...]]) -> dict[int, str]:
        """Write what is missing of each row, after what is known of it."""
        writer = self._writer
        prompts = []
        for place, missing in waiting.items():
            where = f"{self._where}, row {self._numbers[place]:,}"
            codes = writer.form.codes(self._rows[place], where, missing=missing)
            prompts.append(writer.ids("".join(codes)))
        guide = self._guide.guide(list(waiting.values()))
        return dict(zip(waiting, writer.texts(prompts, guide), strict=True))

    def _with(self, place: int, text: str) -> Row:
        row = list(self._rows[place])
        for number, field_ in self._writer.form.fields(text):
            row[number] = field_
        return row


class TableRows(list[dict[str, Any]]):
    """Rows of a table, each with its values by the names of the columns; None is a missing one.

    Args:
        form: The form of the rows.
        rows: The rows, as the table writes them.
        report: How they were written.

    Attributes:
        report: How they were written: how many were refused, and why.

    Example:
        >>> import unspool
        >>> rows = [{"age": age, "adult": age > 17} for age in range(10, 60)] * 4
        >>> model = unspool.train(rows, table=True, epochs=1, hidden_size=16, progress=False)
        >>> [list(row) for row in model.sample_rows(2, seed=0)]
        [['age', 'adult'], ['age', 'adult']]
    """

    def __init__(self, form: RowForm, rows: Sequence[Row], report: RowReport) -> None:
        super().__init__(map(form.values, rows))
        self._form, self._rows, self.report = form, rows, report

    def __repr__(self) -> str:
        """Return their number: rows have values of any length."""
        return f"<TableRows: {counted(len(self), 'row')}>"

    def save(self, path: str | Path) -> None:
        """Write the rows to a file: .csv, .tsv, .jsonl or .parquet.

        Example:
            >>> rows = [{"age": age, "adult": age > 17} for age in range(10, 60)] * 4
            >>> model_of_rows = unspool.train(rows, table=True, epochs=1, hidden_size=16)
            >>> model_of_rows.sample_rows(5, seed=0).save("rows.csv")

        Raises:
            ConfigError: If its name ends in none of these.
        """
        write_rows(Path(path), self._form, self._rows)


def written(parts: ModelParts, n: int, given: Mapping[str, Any], options: Mapping[str, Any]) -> TableRows:
    """Write rows; see `Generator.sample_rows`."""
    writer = RowWriter(parts, options)
    return TableRows(writer.form, list(sample_rows(writer, n, given)), writer.report)


def filled(
    parts: ModelParts, table: Any, reading: Mapping[str, Any] | None, options: Mapping[str, Any]
) -> TableRows:
    """Fill the missing values of a table; see `Generator.impute`."""
    writer = RowWriter(parts, options)
    rows = impute_table(writer, open_table(table, reading))
    return TableRows(writer.form, list(rows), writer.report)
