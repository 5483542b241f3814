"""Rows of a table, for `unspool sample` and `unspool impute`: written, printed or saved, with a report."""

import sys
from collections.abc import Iterator
from itertools import chain
from typing import TYPE_CHECKING, Any

from unspool._cli.flags.flag import FlagValues, spelled
from unspool._cli.output.new_files import checked_path
from unspool._cli.output.printing import for_stdout, note, print_json
from unspool._configuration import to_dict
from unspool._errors import ConfigError

if TYPE_CHECKING:
    from unspool._model import Generator
    from unspool._model.rows import RowWriter
    from unspool._tables.row_form import Row

OF_FILES = ("out", "overwrite")


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
