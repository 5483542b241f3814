"""Rows of a table, for `unspool sample` and `unspool impute`: written, printed or saved, with a report."""

import sys
from collections.abc import Iterator
from itertools import chain, islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspool._cli.flags.flag import FlagValues, spelled
from unspool._cli.output.new_files import checked_path
from unspool._cli.output.printing import for_stdout, note, print_json
from unspool._cli.output.tables import print_table
from unspool._configuration import to_dict
from unspool._errors import ConfigError

if TYPE_CHECKING:
    from unspool._model import Generator
    from unspool._model.rows import RowWriter
    from unspool._tables.row_form import Row

OF_FILES = ("out", "overwrite")
USUAL_SAMPLES = 2_000  # rows that are compared
MOST_ROWS = 20_000  # real rows that they are compared with


def sample_table(model: "Generator", prompts: list[str] | None, flags: FlagValues, *, as_json: bool) -> None:
    """Write new rows of the table that a model has learnt.

    Raises:
        ConfigError: If it has learnt none, or a flag is given that is for texts.
    """
    from unspool._model.rows import RowWriter, sample_rows

    sampling: dict[str, Any] = dict(flags.sampling)
    count = sampling.pop("n", 1)
    writer = RowWriter(model, sampling)
    refuse_for_rows(prompts, flags)
    rows = sample_rows(writer, count, flags.rows.get("given", {}))
    files = flags.collecting
    write_table(writer, rows, files.get("out"), overwrite=bool(files.get("overwrite")), as_json=as_json)


def refuse_for_rows(prompts: list[str] | None, flags: FlagValues) -> None:
    """Refuse what is for texts alone.

    Raises:
        ConfigError: For the first such prompt or flag.
    """
    collecting = {name: value for name, value in flags.collecting.items() if name not in OF_FILES}
    given = (*flags.known, *flags.asked, *flags.constraints, *flags.search, *collecting)
    named = "a prompt" if prompts else spelled(given[0]) if given else None
    if named is not None:
        hint = "say what is known of a row: --given COLUMN=VALUE"
        raise ConfigError(f"{named} is for texts, and this model has learnt rows of a table", hint=hint)


def audit_table(
    model: "Generator",
    folder: Path,
    corpus: list[str] | None,
    auditing: dict[str, Any],
    reading: dict[str, Any],
    *,
    as_json: bool,
) -> None:
    """Compare rows that a model writes with those that it has learnt, and with held-out ones.

    Args:
        model: The model.
        folder: Its folder.
        corpus: The table now; None for its place at the training.
        auditing: The flags of an audit; those of texts are refused.
        reading: The flags of reading, for `corpus`.
        as_json: Whether the report is printed as JSON.

    Raises:
        ConfigError: If a flag is for texts, or no row was held out.
        CorpusError: If the table cannot be read again.
    """
    from unspool._model.rows import RowWriter, sample_rows
    from unspool._tables.report import FIGURES, compare_rows

    sampling = {name: value for name, value in auditing.items() if name != "samples"}
    writer = RowWriter(model, {"seed": 0, **sampling})
    learnt, held_out = (real_rows(model, folder, part, corpus, reading) for part in ("records", "validation"))
    written = list(sample_rows(writer, auditing.get("samples", USUAL_SAMPLES), {}))
    found = compare_rows(writer.form, learnt, held_out, written)
    if as_json:
        print_json({name: to_dict(each) for name, each in found.items()} | {"report": to_dict(writer.report)})
        return
    rows = [(words, *(figure(getattr(each, name)) for each in found.values()))
            for name, words in FIGURES.items()]  # fmt: skip
    print_table(["rows", *found], rows, right=(1, 2))
    if writer.report.sentence:
        note(writer.report.sentence)


def figure(value: float | None) -> str:
    """Return a figure of a report in three digits."""
    return "-" if value is None else f"{value:.3f}"


def real_rows(
    model: "Generator", folder: Path, part: str, corpus: list[str] | None, reading: dict[str, Any]
) -> "list[Row]":
    """Return the rows that a model has learnt, or that were held out; the first ones of a long table.

    Args:
        model: The model.
        folder: Its folder.
        part: "records" or "validation".
        corpus: The table now; None for its place at the training.
        reading: The flags of reading, for `corpus`.

    Raises:
        ConfigError: If there is no such part.
        CorpusError: If the table cannot be read.
    """
    from unspool._tables.corpus import rows_again
    from unspool._training.folder.corpus_places import placed_spec

    if model.data.get(part) is None:
        raise ConfigError("no row was held out, to compare with", hint="train with --validation-fraction 0.1")
    spec = placed_spec(folder, model.data, part) if not corpus else dict(model.data[part])
    if corpus:
        spec |= {"source": corpus[0], "reading": reading}
    return list(islice(rows_again(spec), MOST_ROWS))


class PrintedTable:
    """Standard output, as a file for rows."""

    def write(self, text: str) -> object:
        """Print some of a table, safely for a terminal."""
        return sys.stdout.write(for_stdout(text[:-1]) + text[-1:])


def write_table(
    writer: "RowWriter", rows: "Iterator[Row]", out: str | None, *, overwrite: bool, as_json: bool
) -> None:
    """Write rows to a file or to standard output, as a table or as JSON, and tell what was refused.

    Args:
        writer: The writer of the rows.
        rows: The rows.
        out: The name of the file; None for standard output.
        overwrite: Whether an existing file is replaced.
        as_json: Whether the rows, or the report beside a file, are printed as JSON.
    """
    from unspool._tables.output import FILES, check_format, table_writer, write_rows

    if out is not None:
        path = checked_path("--out", out, FILES, overwrite=overwrite)
        check_format(path)
        count = write_rows(path, writer.form, rows)
        if as_json:
            print_json({"out": str(path), "rows": count, "report": to_dict(writer.report)})
    elif as_json:
        print_json([writer.form.values(row) for row in rows])
    else:
        first = next(rows)  # before the names of the columns: what goes wrong leaves nothing
        write = table_writer(PrintedTable(), writer.form)
        for row in chain([first], rows):
            write(row)
    if writer.report.sentence and not (as_json and out is not None):
        note(writer.report.sentence)
