"""The schema of a table: what each column holds, as a file that people edit and as a part of a model."""

import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any, Literal

from unspool._configuration import check, from_dict, to_dict
from unspool._errors import ConfigError
from unspool._storage import open_regular
from unspool._tables.columns import Column
from unspool._tables.looking import look
from unspool._tables.reading import OpenTable, open_table
from unspool._tables.rules import RowRule
from unspool._tables.types import of_type

MOST_BYTES = 1 << 24  # of a file with a schema
WRITE_ONE = "write one with: unspool schema FILE > schema.toml"

Order = Literal["random", "source"]


@dataclass(frozen=True, kw_only=True)
class TableSchema:
    """What a table holds: its columns in their order, and the rules that its rows meet.

    Args:
        columns: The columns.
        order: The order of the columns of a row while it is learnt. Random: any columns can be fixed later.
            Source: that of the table, so that only the first columns can be.
        rules: Conditions on several columns, such as ``"begin <= end"``; see `RowRule`.

    Example:
        >>> import unspool
        >>> schema = unspool.TableSchema.of([{"age": 30, "sex": "F"}, {"age": 41, "sex": "M"}])
        >>> [(column.name, column.type) for column in schema.columns]
        [('age', 'whole'), ('sex', 'category')]
    """

    columns: tuple[Column, ...]
    order: Order = "random"
    rules: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        """Check that the columns have different names, each fits its type, and the rules can be read."""
        names = self.names
        check("columns", names, "at least one", len(names) > 0)
        check("columns", names, "each name once", len(set(names)) == len(names))
        for column in self.columns:
            of_type(column)
        for rule in self.rules:
            RowRule(rule, self.columns)

    @property
    def names(self) -> list[str]:
        """The names of the columns, in their order.

        Example:
            >>> unspool.TableSchema.of([{"age": 30, "sex": "F"}]).names
            ['age', 'sex']
        """
        return [column.name for column in self.columns]

    @classmethod
    def of(cls, table: Any, **reading: Any) -> "TableSchema":
        """Read a table, and say what its columns hold.

        Args:
            table: A file, or a table in memory.
            **reading: Options of `read_records` for files, such as ``delimiter``.

        Raises:
            CorpusError: If it cannot be read, or a column has mixed types.

        Example:
            >>> unspool.TableSchema.of([{"price": "1.50"}, {"price": "20.00"}]).columns[0].places
            2
        """
        return cls(columns=look(table if isinstance(table, OpenTable) else open_table(table, reading)))

    @classmethod
    def load(cls, path: str | Path) -> "TableSchema":
        r"""Read a schema from a TOML file.

        Raises:
            ConfigError: If it cannot be read, or is no schema.

        Example:
            >>> from pathlib import Path
            >>> text = '[[columns]]\nname = "age"\ntype = "whole"\nleast = 0\nmost = 99'
            >>> _ = Path("people.toml").write_text(text)
            >>> unspool.TableSchema.load("people.toml").names
            ['age']
        """
        try:
            with open_regular(path) as file:
                raw = file.read(MOST_BYTES + 1)
            check(str(path), len(raw), f"at most {MOST_BYTES:,} bytes", len(raw) <= MOST_BYTES)
            values = tomllib.loads(raw.decode("utf-8-sig"))
        except OSError as error:
            got = error.strerror or str(error)
            raise ConfigError(f"cannot read {path}", got=got, hint=WRITE_ONE) from None
        except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
            raise ConfigError(str(path), expected="TOML", got=str(error)[:200], hint=WRITE_ONE) from None
        return from_dict(cls, values, where=str(path))

    @property
    def sentences(self) -> list[str]:
        """What was seen of the columns, a line for each.

        Example:
            >>> unspool.TableSchema.of([{"age": 30}, {"age": 41}]).sentences
            ['age: whole, 30 to 41']
        """
        return [f"{column.name}: {column.words}" for column in self.columns]

    def to_toml(self) -> str:
        """Return the schema as a TOML file that `load` reads.

        Example:
            >>> print(unspool.TableSchema.of([{"age": 30}, {"age": 41}]).to_toml())
            order = "random"  # of the columns while rows are learnt; "source": only the first can be fixed
            rules = []
            <BLANKLINE>
            [[columns]]
            name = "age"
            type = "whole"
            least = 30
            most = 41
        """
        return "\n".join(self._toml_lines())

    def _toml_lines(self) -> Iterator[str]:
        note = 'of the columns while rows are learnt; "source": only the first can be fixed'
        yield f"order = {_toml(self.order)}  # {note}"
        yield f"rules = {_toml(list(self.rules))}"
        for column in self.columns:
            yield "\n[[columns]]"
            for name, value in to_dict(column).items():
                if value != DEFAULTS[name]:
                    yield f"{name} = {_toml(value)}"


DEFAULTS: Mapping[str, object] = {
    field.name: [] if field.default == () else field.default for field in fields(Column)
}


def _toml(value: object) -> str:
    """Return a value as TOML, which spells strings, numbers and lists as JSON does but for one character."""
    return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")


def schema_of(data: Mapping[str, Any]) -> TableSchema:
    """Return the schema of a model that has learnt a table.

    Args:
        data: What the model says of its texts.

    Raises:
        ConfigError: If it has learnt no table, or its file was changed and is broken.
    """
    if "table" not in data:
        hint = "train one: unspool train FILE.csv --table"
        raise ConfigError("the model has not learnt the rows of a table", hint=hint)
    return from_dict(TableSchema, data["table"], where="config.json: data, table")
