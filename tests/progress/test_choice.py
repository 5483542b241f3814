"""The display of a training fits the place: a notebook, a terminal, or neither."""

import pytest

from unspool._progress import choice
from unspool._progress.notebook import NotebookProgress
from unspool._progress.plain import PlainProgress
from unspool._progress.terminal import TerminalProgress


@pytest.mark.parametrize(
    ("notebook", "terminal", "display"),
    [
        (True, True, NotebookProgress),
        (True, False, NotebookProgress),
        (False, True, TerminalProgress),
        (False, False, PlainProgress),
    ],
)
def test_the_display_fits_the_place(
    notebook: bool, terminal: bool, display: type, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(choice, "in_notebook", lambda: notebook)
    monkeypatch.setattr(choice, "can_redraw", lambda: terminal)
    assert type(choice.choose_progress()) is display
