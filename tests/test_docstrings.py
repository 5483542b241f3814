"""Docstrings: they open with a usual word, and the examples of the public names run."""

import ast
import doctest
from pathlib import Path

import pytest

import unspool

PACKAGE = Path(unspool.__file__).parent
UNUSUAL = ("Give", "Tell", "Say", "Hold")  # no docstring begins with these verbs
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def begins_unusually(node: Documented) -> bool:
    """Return whether the first word of a docstring is one of `UNUSUAL`."""
    return (ast.get_docstring(node) or "").split(" ")[0].strip(".") in UNUSUAL


def unusual(path: Path) -> list[str]:
    """Return the name of every object in a file whose docstring begins with an unusual verb."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    documented = (node for node in nodes if isinstance(node, Documented))
    return [getattr(node, "name", path.stem) for node in documented if begins_unusually(node)]


def test_no_docstring_begins_with_an_unusual_verb() -> None:
    files = sorted(PACKAGE.rglob("*.py"))
    assert {path.relative_to(PACKAGE): unusual(path) for path in files if unusual(path)} == {}


def test_an_unusual_verb_is_found(tmp_path: Path) -> None:
    path = tmp_path / "room.py"
    path.write_text('"""Say."""\ndef a(): "Give it."\ndef b(): "Return it."\nclass C: "Tell it."\n')
    assert sorted(unusual(path)) == ["C", "a", "room"]


PUBLIC = {name: getattr(unspool, name) for name in unspool.__all__ if name != "__version__"}
EXAMPLES = [name for name, thing in PUBLIC.items() if ">>>" in thing.__doc__]


def test_what_is_public_has_an_example() -> None:
    assert list(PUBLIC) == EXAMPLES


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str) -> None:
    example = doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, {}, name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(example, out=report.append)
    assert report == []
