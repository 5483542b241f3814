"""``unspool impute``: the missing values of a table."""

from typing import Annotated

from unspool._cli.flags.flag import Argument, Flag, FlagValues, Option, takes
from unspool._cli.flags.shared import COMPUTING, READING, SAMPLING, AsJson, ModelFolder
from unspool._cli.steps.rows import write_table

TableFile = Annotated[str, Argument(metavar="FILE", help="The table, with the columns that were learnt.")]
Out = Annotated[
    str | None,
    Option(Flag("out", str, "Write to this file, {choices}, instead of the screen", default="the screen",
                suffixes="unspool._tables.output:FILES")),
]  # fmt: skip
Replace = Annotated[bool, Option(Flag("overwrite", bool, "Replace an existing file", default="off"))]


@takes(
    SAMPLING,
    READING,
    COMPUTING,
    leading=("out", "temperature", "seed"),
    examples=(
        "unspool impute runs/people people.csv -o filled.csv",
        "unspool impute runs/people people.csv -t 0 -o likely.csv",
    ),
)
def impute(
    *,
    folder: ModelFolder,
    table: TableFile,
    out: Out = None,
    overwrite: Replace = False,
    as_json: AsJson = False,
    flags: FlagValues,
) -> None:
    """Fill the missing values of a table with a model that has learnt its rows.

    Each is drawn by what is known of its row; with -t 0 it is the most probable. What is known stays.
    """
    import unspool
    from unspool._model.rows import RowWriter, impute_table
    from unspool._tables.reading import open_table

    model = unspool.load(folder, **flags.computing)
    writer = RowWriter(model, flags.sampling)
    rows = impute_table(writer, open_table(table, flags.reading))
    write_table(writer, rows, out, overwrite=overwrite, as_json=as_json)
