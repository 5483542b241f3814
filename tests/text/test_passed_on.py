"""What is made of records says the same of itself as they do."""

from typing import Any

import pytest

from unspool._text.canaries import Canaries, draw_canaries, planted_in, with_canaries
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.in_memory import records_in_memory
from unspool._text.opening import as_records
from unspool._text.reading.notes import Notes
from unspool._text.reading.read_options import ReadOptions
from unspool._text.records import Record, Records


def facts(records: Records) -> dict[str, Any]:
    names = ("description", "document", "normalization", "spec", "pairs", "notes")
    return {name: getattr(records, name) for name in names}


def unusual() -> Records:
    """Make records with no value as it is by itself."""
    return Records(
        lambda: iter([Record("one", source="eins"), Record("two", source="zwei")]),
        description="a few",
        document=True,
        normalization="NFKD",
        spec={"source": "a.txt"},
        pairs=True,
        notes=Notes(),
    )


def test_gathered_records_and_records_with_secrets_keep_what_is_said() -> None:
    records = unusual()
    assert facts(records.gathered()) == facts(records)
    planted = with_canaries(records, {"canaries": {"texts": ["x"], "repeats": 2}})
    assert facts(planted) == {**facts(records), "pairs": False}
    assert [record.text for record in planted] == ["x", "x", "one", "two"]


@pytest.mark.parametrize("options", [{"context": "length"}, {"split": "sentences"}])
def test_cut_and_measured_texts_in_memory_keep_what_is_said(options: dict[str, Any]) -> None:
    texts = {"text": ["One. Two.", None, "e\u0301"]}
    table = [dict(zip(texts, row, strict=True)) for row in zip(*texts.values(), strict=True)]
    plain = as_records(iter(table), {"document": True, "normalization": "NFD", "text": "text"})
    records = as_records(iter(table), {"document": True, "normalization": "NFD", "text": "text", **options})
    assert [list(each) for each in (plain, records)]  # read, so that each has its notes
    for each in (plain, records):
        assert (each.description, each.document, each.normalization) == ("2 texts in memory", True, "NFD")
        assert list(each.notes) == ["1 text is blank or missing and was passed over (text 1)"]
        assert not each.pairs
        assert list(each)[-1].text == "e\u0301"
    pairs = as_records(iter([{"a": "One. Two.", "b": "c"}]), {"text": "a", "source_text": "b"})
    assert pairs.pairs
    measured = as_records(
        iter([{"a": "One.", "b": "c"}]), {"text": "a", "source_text": "b", "context": "length"}
    )
    assert (measured.pairs, list(measured)) == (True, [Record("One.", {"length": "4"}, source="c")])


def test_texts_in_memory_take_the_options_that_fit() -> None:
    options = ReadOptions(document=True, normalization=None)
    records = records_in_memory(["e\u0301"], options)
    assert (records.document, records.normalization, list(records)) == (True, None, [Record("e\u0301")])
    columns = ReadOptions(text=("a",), document=True, normalization="NFC")
    records = records_in_memory([{"a": "e\u0301"}], columns)
    assert (records.document, list(records)) == (True, [Record("é")])


@pytest.mark.parametrize("data", [{}, {"canaries": None}, {"canaries": {}}])
def test_a_run_without_secrets_has_none(data: dict[str, Any]) -> None:
    assert planted_in(data) == ()


def test_secrets_are_in_the_form_of_the_run_and_are_learnt() -> None:
    canaries = Canaries(count=3, repeats=4, format="e\u0301 {digits:3}")
    for form, begins in (("NFC", "é "), ("NFD", "e\u0301 "), (None, "e\u0301 ")):
        (key,) = data = draw_canaries(canaries, EncodingRecipe(normalization=form), seed=1)
        entry = data[key]
        assert (key, entry["format"], entry["repeats"]) == ("canaries", f"{begins}{{digits:3}}", 4)
        assert planted_in(data) == entry["texts"]
        assert [text[: len(begins)] for text in planted_in(data)] == [begins] * 3


@pytest.mark.parametrize(
    ("values", "fits"),
    [
        ({"count": 25, "format": "{digits:2}"}, True),  # a quarter of a hundred
        ({"count": 26, "format": "{digits:2}"}, False),
        ({"count": 1, "repeats": 1_000_000}, True),
        ({"count": 1, "repeats": 1_000_001}, False),
        ({"count": 1_000_000, "format": "{digits:7}"}, True),
        ({"count": 1_000_001, "format": "{digits:8}"}, False),
    ],
)
def test_the_number_of_secrets_has_its_limits(values: dict[str, Any], fits: bool) -> None:
    if fits:
        assert Canaries(**values).count == values["count"]
    else:
        with pytest.raises(ValueError, match="canar"):
            Canaries(**values)
