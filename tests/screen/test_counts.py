"""A number of things is one text or two texts, in every message."""

import ast
from collections.abc import Iterator

import pytest

from tests.test_house import MODULES, Nodes, nodes_in, nodes_of, relative
from unspool._screen.wording import counted

# What a message may count one of. More than one of other things can be taken for granted, as of bytes.
NOUNS = {
    "attempts",
    "columns",
    "configurations",
    "epochs",
    "evaluations",
    "files",
    "passes",
    "processors",
    "records",
    "samples",
    "seeds",
    "texts",
    "threads",
    "trainings",
}


@pytest.mark.parametrize(
    ("number", "names", "words"),
    [
        (0, ["text"], "0 texts"),
        (1, ["text"], "1 text"),
        (2, ["drawn configuration"], "2 drawn configurations"),
        (1, ["copy", "copies"], "1 copy"),
        (3, ["copy", "copies"], "3 copies"),
        (12_345, ["record"], "12,345 records"),
    ],
)
def test_one_thing_is_no_plural(number: int, names: list[str], words: str) -> None:
    assert counted(number, *names) == words


def of_many(nodes: Nodes) -> Iterator[tuple[int, str]]:
    """Yield the line and the noun of each f-string that has a plural right after a number of any size."""
    for node in nodes:
        if not isinstance(node, ast.JoinedStr):
            continue
        for value, after in zip(node.values, node.values[1:], strict=False):
            if isinstance(value, ast.FormattedValue) and isinstance(after, ast.Constant):
                noun = str(after.value).partition(" ")[2].split(" ")[0].strip(".,:;)")
                if str(after.value).startswith(" ") and noun in NOUNS and not is_constant(value.value):
                    yield node.lineno, noun


def is_constant(value: ast.expr) -> bool:
    """Return whether a number is a constant of a module, by its name."""
    return isinstance(value, ast.Name) and value.id.isupper()


def test_what_counts_says_one_or_many() -> None:
    found = [(relative(path), *place) for path in MODULES for place in of_many(nodes_of(path))]
    assert found == []


def test_a_plural_after_any_number_is_found() -> None:
    program = (
        'f"{n} texts"; f"{n:,} records, {m} seeds."; f"{MOST} texts"; f"at {x}, texts"; f"{a} of {b} texts"'
    )
    found = [noun for _, noun in of_many(nodes_in(program))]
    assert found == ["texts", "records", "seeds", "texts"]
