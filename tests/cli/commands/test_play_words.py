"""``unspool play`` from its flags to what it prints, without a screen."""

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any, ClassVar, cast

import pytest

from tests.cli.conftest import Run
from unspool._cli.commands import play


class Screen:
    """A screen that keeps what it is given, on which a text is typed."""

    made: ClassVar[list[Any]] = []
    typed = " prices"

    def __init__(self, session: Any, predictor: Any, **told: Any) -> None:
        self.session, self.told = session, told
        Screen.made.append((session, predictor, told))

    def run(self) -> None:
        self.session.insert(self.typed)


@pytest.fixture
def screen(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    Screen.made = []
    monkeypatch.setattr("unspool._cli.play.screen.Screen", Screen)
    monkeypatch.setattr(play, "check_terminal", lambda: None)
    monkeypatch.setattr(play, "terminal_output", lambda: "the terminal")
    return Screen.made


def test_what_was_typed_is_printed_at_the_end(unspool: Run, model: Path, screen: list[Any]) -> None:
    done = unspool(["play", str(model), "oil", "--seed", "7", "--temperature", "0.5", "--threads", "1"])
    assert (done.exit_code, done.stdout) == (0, "oil prices\n")
    ((session, predictor, told),) = screen
    assert (session.options.seed, session.options.temperature) == (7, 0.5)
    assert told["name"] == model.name
    assert told["facts"].startswith("lstm 8 · ")
    assert told["output"] == "the terminal"
    assert predictor is not None


def test_a_document_has_the_figures_of_the_text(unspool: Run, model: Path, screen: list[Any]) -> None:
    done = unspool(["play", str(model), "--seed", "7", "--json"])
    document = json.loads(done.stdout)
    bits = screen[0][0].settle().bits_per_character
    expected = {"text": " prices", "bits_per_character": bits, "temperature": 0.8, "seed": 7}
    assert document == expected


def test_no_text_prints_nothing(
    unspool: Run, model: Path, screen: list[Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Screen, "typed", "")
    assert unspool(["play", str(model)]).stdout == ""


@pytest.mark.parametrize(("terminal", "drawn"), [(True, "stderr"), (False, "stdout")])
def test_it_draws_on_standard_error_where_that_is_a_terminal(
    terminal: bool, drawn: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    import sys

    output = pytest.importorskip("prompt_toolkit.output")
    asked: list[Any] = []
    monkeypatch.setattr(output, "create_output", lambda stream: asked.append(stream) or "made")
    monkeypatch.setattr(play, "is_terminal", lambda stream: terminal and stream is sys.stderr)
    assert play.terminal_output() == "made"
    assert asked == [getattr(sys, drawn)]


def test_a_package_that_misses_another_is_no_missing_package(monkeypatch: pytest.MonkeyPatch) -> None:
    import builtins

    honest = builtins.__import__

    def broken(name: str, *more: Any) -> Any:
        if name == "prompt_toolkit.output":
            raise ModuleNotFoundError("no wcwidth", name="wcwidth")
        return honest(name, *more)

    monkeypatch.setattr(builtins, "__import__", broken)
    with pytest.raises(ModuleNotFoundError, match="no wcwidth"):
        play.terminal_output()


def test_the_session_in_plain_types() -> None:
    options = SimpleNamespace(temperature=0.5, seed=3)
    session = SimpleNamespace(
        text="a", options=options, settle=lambda: SimpleNamespace(bits_per_character=1.5)
    )
    assert play.as_dict(cast("Any", session)) == {
        "text": "a", "bits_per_character": 1.5, "temperature": 0.5, "seed": 3,
    }  # fmt: skip
