"""Records are lazy, can be read again, and refuse what is no text."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from unspool._errors import ConfigError, CorpusError
from unspool._text.records import Record, Records


def test_texts_in_memory_become_records() -> None:
    records = Records.of(["one", Record("two", ends=False), {"text": "three", "label": "Sports"}])
    assert list(records) == [
        Record("one"),
        Record("two", ends=False),
        Record("three", {"label": "Sports"}),
    ]
    assert list(records) == list(records)
    assert records.spec == {}
    assert not records.document


def test_a_generator_is_read_once_and_given_again() -> None:
    records = Records.of(str(i) for i in range(3))
    assert [r.text for r in records] == [r.text for r in records] == ["0", "1", "2"]


def test_nothing_is_read_before_it_is_asked_for() -> None:
    passes: list[int] = []

    def read() -> Iterator[Record]:
        passes.append(1)
        yield Record("a")

    records = Records(read, description="a test", document=True)
    assert passes == []
    assert [list(records), list(records), len(passes)] == [[Record("a")], [Record("a")], 2]
    assert "one document" in repr(records)  # shows what the passes read
    assert len(passes) == 2


def test_texts_in_memory_are_normalized_unless_told_otherwise() -> None:
    decomposed = "cafe\u0301"
    assert [r.text for r in Records.of([decomposed])] == ["caf\u00e9"]
    assert [r.text for r in Records.of([decomposed], normalization=None)] == [decomposed]
    assert [r.text for r in Records.of([{"text": "\ufb01"}], normalization="NFKC")] == ["fi"]
    assert [r.text for r in Records.of([Record("\u00e9")], normalization="NFD")] == ["e\u0301"]


def test_what_is_no_text_is_refused() -> None:
    with pytest.raises(CorpusError, match="text 1: expected a string"):
        Records.of(["a", 7])  # type: ignore[list-item]
    with pytest.raises(CorpusError, match=r"texts: expected a list of strings.*decode it"):
        Records.of(b"bytes")  # type: ignore[arg-type]
    for single in ("a text", Path("a.txt"), None):
        with pytest.raises(CorpusError, match=r"texts: expected a list of strings.*read_records"):
            Records.of(single)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="normalization"):
        Records.of(["a"], normalization="nfx")
    with pytest.raises(CorpusError, match="no text"):
        list(Records.of([]))


def test_what_can_be_read_once_is_gathered_to_be_read_again() -> None:
    once = iter([Record("oil"), Record("team", ends=False)])
    records = Records(lambda: once, description="a pipe", document=True, normalization=None, spec={"a": 1})
    gathered = records.gathered()
    assert list(gathered) == list(gathered) == [Record("oil"), Record("team", ends=False)]
    assert (gathered.description, gathered.document, gathered.normalization, gathered.spec) == (
        "a pipe", True, None, {"a": 1}
    )  # fmt: skip


def test_a_record_is_read_as_a_row_is() -> None:
    """A number in its context is written out, as a mapping's is; what is no text is named."""
    rows: list[Any] = [Record("oil", {"size": 0.5, "kind": None}), {"text": "oil", "size": 0.5, "kind": None}]  # type: ignore[dict-item]
    one, other = Records.of(rows)
    assert one.context == other.context == {"size": "0.5", "kind": ""}
    assert "0.5" in Records.of(rows)._repr_html_()
    assert [record.text for record in Records.of([Record(None), Record("oil")])] == ["oil"]  # type: ignore[arg-type]
    (drawn,) = Records.of([Record("oil", vector=[1, 0.5])])  # type: ignore[arg-type]
    assert drawn.vector is not None
    assert drawn.vector.tolist() == [1, 0.5]
    with pytest.raises(CorpusError, match=r"^the vector of text 0: expected a list of finite numbers"):
        Records.of([Record("oil", vector=[float("nan")])])  # type: ignore[arg-type]
    with pytest.raises(CorpusError, match=r"^text 1: expected .*, got 5"):
        Records.of([Record("oil"), Record(5)])  # type: ignore[arg-type]
