"""Docstrings: they open with a usual word, and the examples of the public names run."""

import ast
import doctest
from pathlib import Path

import pytest

import unspool

PACKAGE = Path(unspool.__file__).parent
UNUSUAL = ("Give", "Tell", "Say", "Hold")  # no docstring begins with these verbs
NOT_YET = (  # rooms whose docstrings still do; the list only shrinks
    "cli/commands/audit.py",  # the docstring of a command is its help
    "cli/commands/classify.py",
    "cli/commands/score.py",
)
Documented = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def begins_unusually(node: Documented) -> bool:
    """Return whether the first word of a docstring is one of `UNUSUAL`."""
    return (ast.get_docstring(node) or "").split(" ")[0].strip(".") in UNUSUAL


def unusual(path: Path) -> list[str]:
    """Return the name of every object in a file whose docstring begins with an unusual verb."""
    nodes = ast.walk(ast.parse(path.read_text("utf-8")))
    documented = (node for node in nodes if isinstance(node, Documented))
    return [getattr(node, "name", path.stem) for node in documented if begins_unusually(node)]


def found_in(room: str) -> list[str]:
    """Return the unusual docstrings of a room, which is a folder or a file."""
    place = PACKAGE / room
    files = sorted(place.rglob("*.py")) if place.is_dir() else [place]
    return [f"{path.relative_to(PACKAGE)}: {name}" for path in files for name in unusual(path)]


def test_no_docstring_begins_with_an_unusual_verb() -> None:
    waiting = {name for room in NOT_YET for name in found_in(room)}
    assert sorted(set(found_in("")) - waiting) == []


@pytest.mark.parametrize("room", NOT_YET)
def test_a_finished_room_leaves_the_list(room: str) -> None:
    assert found_in(room), f"{room} is finished: take it off NOT_YET"


def test_an_unusual_verb_is_found(tmp_path: Path) -> None:
    path = tmp_path / "room.py"
    path.write_text('"""Say."""\ndef a(): "Give it."\ndef b(): "Return it."\nclass C: "Tell it."\n')
    assert sorted(unusual(path)) == ["C", "a", "room"]


PUBLIC = {name: getattr(unspool, name) for name in unspool.__all__ if name != "__version__"}
EXAMPLES = [name for name, thing in PUBLIC.items() if ">>>" in thing.__doc__]


def is_finished(thing: object) -> bool:
    """Return whether the room of a public class or function is not on `NOT_YET`."""
    home = thing.__module__.removeprefix("unspool.").replace(".", "/") + ".py"
    return not any(home == room or home.startswith(f"{room}/") for room in NOT_YET)


def test_what_is_public_has_an_example() -> None:
    bare = [name for name, thing in PUBLIC.items() if is_finished(thing) and name not in EXAMPLES]
    assert bare == []


@pytest.mark.parametrize("name", EXAMPLES)
def test_the_example_runs(name: str) -> None:
    example = doctest.DocTestParser().get_doctest(PUBLIC[name].__doc__, {}, name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(example, out=report.append)
    assert report == []
