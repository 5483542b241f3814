"""``unspool schema``: what the columns of a table hold."""

from typing import Annotated

from unspool._cli.flags.flag import Argument, FlagValues, takes
from unspool._cli.flags.shared import READING, AsJson
from unspool._cli.output.printing import for_stdout, print_json
from unspool._configuration import to_dict

TableFile = Annotated[str, Argument(metavar="FILE", help="A table: CSV, TSV, JSONL, Parquet or Feather.")]


@takes(
    READING,
    leading=("delimiter", "header"),
    examples=(
        "unspool schema people.csv > people.toml",
        "unspool train people.csv --table --schema people.toml",
    ),
)
def schema(*, table: TableFile, as_json: AsJson = False, flags: FlagValues) -> None:
    """Show what the columns of a table hold, as a file to edit and train by.

    It reads the whole table: types, ranges, categories, formats of dates, missing values, keys.
    """
    from unspool import TableSchema

    found = TableSchema.of(table, **flags.reading)
    print_json(to_dict(found)) if as_json else print(for_stdout(found.to_toml()))
