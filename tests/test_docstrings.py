"""Docstrings: they open with a usual word, and the examples of the public names run."""

import ast
import doctest
import functools
import types
from pathlib import Path
from typing import Any

import pytest

import unspool

PACKAGE = Path(unspool.__file__).parent
UNUSUAL = ("Give", "Tell", "Say", "Hold", "Let")  # no docstring begins with these verbs
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


NAMES = ["anna", "hanna", "otto", "lotte"] * 20
MEMBER = (types.FunctionType, property, functools.cached_property, classmethod, staticmethod)


def documentation(member: object) -> str:
    """Return the docstring of a method or a property."""
    return getattr(member, "__doc__", None) or ""


def members() -> dict[str, object]:
    """Return the methods and documented properties of the public classes by the class that defines them."""
    found: dict[str, object] = {}
    for public in PUBLIC.values():
        bases = [base for base in getattr(public, "__mro__", ()) if base.__module__.startswith("unspool.")]
        for name in {name for base in bases for name in vars(base) if not name.startswith("_")}:
            home = next(base for base in bases if name in vars(base))
            member = vars(home)[name]
            if isinstance(member, MEMBER):
                found[f"{home.__name__}.{name}"] = member
    return dict(sorted(found.items()))


MEMBERS = members()


def test_the_members_of_the_public_classes_are_found() -> None:
    assert {
        "Generator.generate",  # a method, of the class itself
        "ModelParts.schema",  # a property, of a base
        "Records.of",  # a class method
        "CharTokenizer.split",  # a static method, over an abstract one
        "Tokenizer.encode",
    } <= set(MEMBERS)
    assert "Tokenizer.split" not in MEMBERS


@pytest.fixture(scope="module")
def models() -> dict[str, object]:
    """Return what the examples of methods speak of."""
    labelled = [{"text": text, "label": label} for text in NAMES[:8] for label in ("names", "places")]
    options: dict[str, Any] = {"epochs": 1, "hidden_size": 8, "threads": 1}
    return {
        "unspool": unspool,
        "names": NAMES,
        "model": unspool.train(NAMES, novelty_index=True, **options),
        "model_with_labels": unspool.train(labelled, **options),
        "model_of_pairs": unspool.train([("ab", "ba"), ("bc", "cb")] * 8, **options),
    }


def test_every_method_and_property_has_an_example() -> None:
    assert [name for name, member in MEMBERS.items() if ">>>" not in documentation(member)] == []


@pytest.mark.parametrize("name", MEMBERS)
def test_the_example_of_a_member_runs(
    name: str, models: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = documentation(MEMBERS[name])
    example = doctest.DocTestParser().get_doctest(words, dict(models), name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(example, out=report.append)
    assert report == []
