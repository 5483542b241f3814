"""A long series of texts that is read anew in each pass: its length and its beginning, noted on the way."""

from abc import abstractmethod
from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from contextlib import closing, suppress
from inspect import GEN_CREATED, getgeneratorstate
from itertools import islice
from typing import ClassVar, TypeVar
from weakref import ReferenceType, ref

from unspool._errors import CorpusError, UnspoolError
from unspool._views.html import LONGEST_TEXT, html_table
from unspool._views.short_repr import repr_block, short

T = TypeVar("T")
Row = Mapping[str, str]  # name -> text; "text" is always there


class Series(Iterable[T]):
    """A series of at least one item.

    Attributes:
        description: A short description of the items, for people.
    """

    FIRST: ClassVar[int] = 5  # items that are shown

    description: str
    _read_once = False  # whether the items can be read only once
    _count: int | None = None  # of all items, once a pass has come to its end
    _first: Sequence[Row] = ()
    _begun: "ReferenceType[Generator[T, None, None]] | None" = None  # the last pass

    @abstractmethod
    def _read_items(self) -> Iterator[T]:
        """Start a new pass over the items."""

    @abstractmethod
    def _row(self, item: T) -> Row:
        """Return what is shown of an item."""

    def __iter__(self) -> Generator[T, None, None]:
        """Start a new pass.

        Raises:
            CorpusError: If an item cannot be read, or there is none.
        """
        begun = self._pass()
        self._begun = ref(begun)
        return begun

    def _pass(self) -> Generator[T, None, None]:
        rows: list[Row] = []
        count = 0
        for item in self._read_items():
            count += 1
            if count <= self.FIRST:
                rows.append({name: _cut(text) for name, text in self._row(item).items()})
                self._first = rows
            yield item
        self._count = count
        if not count:
            expected = "at least one text that is not blank"
            raise CorpusError(f"{self.description}: no text found", expected=expected)

    def __len__(self) -> int:
        """Return the number of items; they are read for it, once.

        Raises:
            TypeError: If they can be read only once, and have not been read yet.
            CorpusError: If an item cannot be read, or there is none.
        """
        if self._count is None:
            begun = None if self._begun is None else self._begun()
            # `list` begins a pass, then asks for the length as a hint: it shall not read everything twice
            if self._read_once or (begun is not None and getgeneratorstate(begun) == GEN_CREATED):
                raise TypeError(f"{self.description}: the number of texts is known once they are read")
            for _ in self:
                pass
        return self._count or 0

    def __bool__(self) -> bool:
        """Return true: there is an item, or reading raises an error."""
        return True

    def __repr__(self) -> str:
        """Return the description, and a line for each of the first texts."""
        lines = [short(row["text"]) for row in self._beginning()]
        return repr_block(self._title, [*lines, *self._more()])

    def _repr_html_(self) -> str:
        """Return the first items as a table for a notebook."""
        rows = self._beginning()
        names = list(dict.fromkeys(name for row in rows for name in row))
        cells = [[row.get(name) for name in names] for row in rows]
        return html_table(names, cells, title=self._title, notes=self._more())

    @property
    def _title(self) -> str:
        return f"{type(self).__name__} of {self.description}"

    def _beginning(self) -> Sequence[Row]:
        """Return the first few items, which are read if no pass has; none if they cannot be read now."""
        if not self._first and not self._read_once:
            with suppress(UnspoolError), closing(iter(self)) as items:
                list(islice(items, self.FIRST))
        return self._first

    def _more(self) -> list[str]:
        """Return a line that says that there are more items than are shown, as far as that is known."""
        if self._count is None:
            return ["…"] if len(self._first) == self.FIRST else []
        more = self._count - len(self._first)
        return [f"… {more:,} more"] if more else []


def _cut(text: str) -> str:
    """Return a text that needs little memory."""
    return text if len(text) <= LONGEST_TEXT else text[:LONGEST_TEXT] + "…"
