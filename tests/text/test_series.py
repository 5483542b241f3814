"""A series of texts: what it shows of itself, when it reads for that, and how long it is."""

from collections.abc import Iterator
from typing import Any

import pytest

from unspool._errors import CorpusError
from unspool._text.records import Record, Records
from unspool._text.series import _cut
from unspool._views.html import LONGEST_TEXT


class Passes:
    """The passes over some texts: how many texts were read in each, and whether it ended."""

    def __init__(self, *texts: str, **options: Any) -> None:
        self.read: list[int] = []
        self.ended: list[bool] = []
        self._texts = texts
        self.records = Records(self._pass, description="some texts", **options)

    def _pass(self) -> Iterator[Record]:
        self.read.append(0)
        self.ended.append(False)
        try:
            for text in self._texts:
                self.read[-1] += 1
                yield Record(text, {"a": "b"})
        finally:
            self.ended[-1] = True


def shown(*lines: str, title: str = "Records of some texts") -> str:
    return "\n  ".join([f"<{title}>", *lines])


FIVE = [f"'t{number}'" for number in range(5)]


@pytest.mark.parametrize(
    ("count", "before", "after"),
    [(4, FIVE[:4], FIVE[:4]), (5, [*FIVE, "…"], FIVE), (6, [*FIVE, "…"], [*FIVE, "… 1 more"])],
)
def test_five_texts_are_shown_and_that_there_are_more(
    count: int, before: list[str], after: list[str]
) -> None:
    passes = Passes(*(f"t{number}" for number in range(count)))
    assert repr(passes.records) == shown(*(after if count < 5 else before))
    assert (passes.read, passes.ended) == ([min(count, 5)], [True])  # and no more of them is held
    assert repr(passes.records) == shown(*(after if count < 5 else before))
    assert len(passes.read) == 1
    assert len(list(passes.records)) == len(passes.records) == count
    assert repr(passes.records) == shown(*after)
    assert len(passes.read) == 2
    assert passes.records._repr_html_().count("<tr>") == 1 + min(count, 5)


def test_a_title_says_what_it_is_of() -> None:
    passes = Passes("a", document=True)
    assert repr(passes.records) == shown("'a'", title="Records of some texts, as one document")
    html = passes.records._repr_html_()
    assert "<b>Records of some texts, as one document</b>" in html
    assert [html.index(f">{cell}</") for cell in ("a", "text", "b")] == sorted(
        html.index(f">{cell}</") for cell in ("a", "text", "b")
    )


def test_what_can_be_read_once_is_not_read_to_be_shown() -> None:
    passes = Passes("a", "b", once=True)
    assert (repr(passes.records), passes.read) == (shown(), [])
    with pytest.raises(TypeError, match=r"^some texts: the number of texts is known once they are read$"):
        len(passes.records)
    assert passes.read == []
    list(passes.records)
    assert (len(passes.records), repr(passes.records)) == (2, shown("'a'", "'b'"))


def test_a_list_is_made_in_one_pass_and_a_length_too() -> None:
    passes = Passes("a", "b", "c")
    assert bool(passes.records)
    assert passes.read == []
    assert len(list(passes.records)) == 3
    assert passes.read == [3]
    fresh = Passes("a", "b")
    assert (len(fresh.records), len(fresh.records), fresh.read) == (2, 2, [2])


def test_nothing_is_an_error_that_says_of_what() -> None:
    passes = Passes()
    with pytest.raises(CorpusError) as caught:
        list(passes.records)
    assert str(caught.value) == ("some texts: no text found: expected at least one text that is not blank")
    assert repr(passes.records) == shown()


def test_a_long_text_is_held_in_part() -> None:
    whole = "x" * LONGEST_TEXT
    assert (_cut(whole), _cut(whole + "y")) == (whole, whole + "…")
