"""The automaton of a row: which symbols may come next, for the columns that are still to be written.

Each column has a small automaton of its values. For a list of columns, copies of them are joined in its
order, and lists with the same end share it. So rows with any columns fixed are guided by one table.
"""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide
from unspool._generation.automata.graphs import check_size, distinct_rows
from unspool._generation.automata.joint_guide import finished
from unspool._generation.constraints.characters import CharacterAutomaton
from unspool._tables.row_form import END, RowForm
from unspool._tables.types import SYMBOL, ValueType
from unspool._text.tokenizers.registry import Tokenizer

AFTER = -2  # in the table of a column: the state in which the next column begins

ENDING = (-1, "end")  # what `END` does

Table = NDArray[np.int32]
Columns = tuple[int, ...]


class RowGuide:
    """The automata of the columns of a form, joined for whatever is still to be written.

    Args:
        form: The form of the rows.
        tokenizer: The tokenizer of the model.
        gaps: Whether values may be missing.
        narrowed: Types that take the place of a column's own, with narrower bounds.  # column -> type

    Raises:
        ConfigError: If the model cannot write any value of a column.
    """

    def __init__(
        self,
        form: RowForm,
        tokenizer: Tokenizer,
        *,
        gaps: bool = True,
        narrowed: Mapping[int, ValueType] | None = None,
    ) -> None:
        types = {number: form.types[number] for number in form.learnt} | dict(narrowed or {})
        known = tokenizer.symbols[: None if tokenizer.unk_id is None else -1]
        letters = "".join(symbol for symbol in known if not SYMBOL.match(symbol))
        words = {number: kind.words(letters) for number, kind in types.items() if not kind.one_symbol}
        classes, columns = _shared_classes(words, len(letters))
        roles = {symbol: role for symbol, role in _roles(form, gaps=gaps).items() if symbol in known}
        of_letters = int(classes.max(initial=-1)) + 1
        self._roles = {role: of_letters + i for i, role in enumerate(dict.fromkeys(roles.values()))}
        self._dead = of_letters + len(self._roles)  # the class of what never comes
        of_symbol = dict(zip(letters, classes.tolist(), strict=True))
        of_symbol |= {symbol: self._roles[role] for symbol, role in roles.items()}
        self._classes = np.full(tokenizer.vocab_size, self._dead, np.int32)
        self._classes[1 : len(known) + 1] = [of_symbol.get(symbol, self._dead) for symbol in known]
        self._form = form
        self._parts = {
            number: self._part(number, kind, words.get(number), columns.get(number))
            for number, kind in types.items()
        }

    def _part(
        self, number: int, kind: ValueType, words: CharacterAutomaton | None, columns: Table | None
    ) -> Table:
        """Return the table of one column; its last row is the state before its first symbol.

        Args:
            number: The number of the column.
            kind: Its type.
            words: The automaton of its values; None if each is one symbol.
            columns: The class of the automaton for each class of letters.
        """
        before = np.full((1, self._dead + 1), DEAD, np.int32)
        for role in ("choice", "gap"):
            if (number, role) in self._roles:
                before[0, self._roles[number, role]] = AFTER
        if words is None or columns is None:
            return before
        table = np.full((len(words.transitions), self._dead + 1), DEAD, np.int32)
        table[:, : len(columns)] = words.transitions[:, columns]
        if kind.fixed:
            table[np.isin(table, np.flatnonzero(words.accepting))] = AFTER
        elif ENDING in self._roles:
            table[words.accepting, self._roles[ENDING]] = AFTER
        if (number, "marker") in self._roles:
            before[0, self._roles[number, "marker"]] = 0
        return np.vstack([table, before])

    def guide(self, rest: Sequence[Columns]) -> Guide:
        """Return the guide of rows.

        Args:
            rest: The columns that are to be written of each row, in their order.

        Raises:
            ConfigError: If the model cannot write a column, or the columns are too many for one table.
        """
        tables: list[Table] = [np.full((1, self._dead + 1), DEAD, np.int32)]  # state 0: the row is whole
        begins: dict[Columns, int] = {(): 0}
        size = 1
        for columns in dict.fromkeys(rest):
            for at in range(len(columns) - 1, -1, -1):
                if columns[at:] in begins:
                    continue
                table, after = self._parts[columns[at]], begins[columns[at + 1 :]]
                tables.append(np.where(table == AFTER, after, np.where(table == DEAD, DEAD, table + size)))
                size += len(table)
                check_size(size, self._dead + 1)
                begins[columns[at:]] = size - 1
        table = np.concatenate(tables).astype(np.int32)
        accepting = np.zeros(len(table), np.bool_)
        accepting[0] = True
        lists = {columns: place for place, columns in enumerate(dict.fromkeys(rest))}
        starts = np.array([begins[columns] for columns in lists], np.int64)
        automaton, numbers = finished(self._classes, table, accepting, starts)
        if (numbers == DEAD).any():
            raise self._unwritable()
        return Guide(automaton, numbers[[lists[columns] for columns in rest]])

    def _unwritable(self) -> ConfigError:
        """Return the error for the first column that the model cannot write."""
        for number, table in self._parts.items():
            leads = np.append((table == AFTER).any(axis=1), values=False)  # the last one is for DEAD
            while (further := leads[:-1] | leads[np.maximum(table, -1)].any(axis=1)).sum() > leads.sum():
                leads[:-1] = further
            if not leads[-2]:
                name = self._form.schema.columns[number].name
                return ConfigError(f"the model cannot write a value of column {name!r}",
                                   got="symbols that it has not learnt")  # fmt: skip
        return ConfigError("the model cannot write a row")


def _roles(form: RowForm, *, gaps: bool) -> dict[str, tuple[int, str]]:
    """Return what each symbol does; symbols of one column that do the same are one."""
    roles = {END: ENDING}
    for number in form.learnt:
        roles |= dict.fromkeys(form.choices.get(number, {}).values(), (number, "choice"))
        if number in form.markers:
            roles[form.markers[number]] = (number, "marker")
        if gaps and number in form.gaps:
            roles[form.gaps[number]] = (number, "gap")
    return roles


def _shared_classes(
    words: Mapping[int, CharacterAutomaton], count: int
) -> tuple[NDArray[np.int32], dict[int, Table]]:
    """Return classes of letters that are fine enough for all automata, and the class of each in each.

    Args:
        words: The automata of some columns, over the same letters.
        count: Number of letters.
    """
    if not words or not count:
        return np.zeros(count, np.int32), {number: np.empty(0, np.int32) for number in words}
    stacked = np.stack([automaton.classes for automaton in words.values()], axis=1)  # (A, columns)
    first, classes = distinct_rows(stacked)
    return classes, {number: stacked[first, i] for i, number in enumerate(words)}
