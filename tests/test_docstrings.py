"""Docstrings: they open with a usual word, and the examples of the public names run."""

import ast
import doctest
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
METHODS = [name for name, method in vars(unspool.Generator).items() if ">>>" in (method.__doc__ or "")]


@pytest.fixture(scope="module")
def models() -> dict[str, object]:
    """Return what the examples of a model's methods speak of."""
    labelled = [{"text": text, "label": label} for text in NAMES[:8] for label in ("names", "places")]
    options: dict[str, Any] = {"epochs": 1, "hidden_size": 8, "threads": 1}
    return {
        "unspool": unspool,
        "names": NAMES,
        "model": unspool.train(NAMES, novelty_index=True, **options),
        "model_with_labels": unspool.train(labelled, **options),
        "model_of_pairs": unspool.train([("ab", "ba"), ("bc", "cb")] * 8, **options),
    }


def test_the_methods_of_a_model_have_examples() -> None:
    methods = [name for name, method in vars(unspool.Generator).items() if not name.startswith("_")]
    properties = [name for name in methods if isinstance(vars(unspool.Generator)[name], property)]
    assert sorted(METHODS) == sorted(set(methods) - set(properties))


@pytest.mark.parametrize("name", METHODS)
def test_the_example_of_a_method_runs(
    name: str, models: dict[str, object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    documentation = getattr(unspool.Generator, name).__doc__
    example = doctest.DocTestParser().get_doctest(documentation, dict(models), name, None, None)
    report: list[str] = []
    doctest.DocTestRunner(optionflags=doctest.FAIL_FAST).run(example, out=report.append)
    assert report == []
