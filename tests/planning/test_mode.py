"""Lines or a document, told by the beginning of a plain text."""

import os
from pathlib import Path

import pytest

from unspool._planning.mode import LOOK, told_mode

DATA = Path(os.environ.get("UNSPOOL_TEST_DATA", "/nowhere"))


@pytest.mark.parametrize(
    ("text", "document"),
    [
        ("emma\nolivia\nava\n", False),
        ("one line", False),
        ("oil prices rise\n" * 400 + "\n", False),
        ("oil prices rise\n" * 50 + "\n\n" + "oil prices fall\n" * 50, False),
        ("ROMEO:\nIt is my lady.\n\nJULIET:\nAy me!\n\n" * 20, True),
        ("A paragraph of some length on one line.\n\n" * 20, True),
        ("a very long story " * 400 + "\n" + "another long story " * 400, True),
        ("", False),
        ("\n \n\n", False),
    ],
)
def test_paragraphs_and_long_lines_make_a_document(text: str, document: bool) -> None:
    mode = told_mode(text)
    assert mode.document is document
    assert mode.reason.startswith("one document" if document else "a text per line")


@pytest.mark.parametrize(("text", "said"), [("one\ntwo\n", "none is"), ("one\n" * 40 + "\none\n", "few are")])
def test_a_line_is_called_empty_only_if_one_is(text: str, said: str) -> None:
    assert (
        told_mode(text).reason
        == f"a text per line, since its lines are short (3 characters) and {said} empty"
    )


def test_no_more_than_the_beginning_counts() -> None:
    lines = "oil prices rise\n" * (LOOK // 16 + 1)
    assert not told_mode(lines + "\n\nand\n\nso\n\non\n" * LOOK).document


@pytest.mark.parametrize(("name", "document"), [("tinyshakespeare.txt", True), ("names.txt", False)])
def test_real_texts_are_told_apart(name: str, document: bool) -> None:
    if not (DATA / name).is_file():
        pytest.skip("needs UNSPOOL_TEST_DATA")
    assert told_mode((DATA / name).read_text("utf-8")).document is document
