"""What is long is shown in part: names, rows, values and words that a message or a note quotes."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from unspool._errors import InputError
from unspool._text.opening import as_records
from unspool._text.reading.columns import no_such_name, select
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sources import read_records

LONG = "x" * 50
NAMES = [LONG, *(f"c{number}" for number in range(12))]
SHOWN = ", ".join(f"'{name[:40]}'" for name in NAMES[:12])
JSONL = "JSONL has one whole JSON value on each line"


def said(call: Any) -> str:
    with pytest.raises(InputError) as caught:
        call()
    return str(caught.value)


def refusal(path: Path, content: bytes, **options: Any) -> str:
    """Return what is said of a file, without its folder."""
    path.write_bytes(content)
    return said(lambda: list(read_records(path, **options))).replace(f"{path.parent}/", "")


def notes(path: Path, content: str, **options: Any) -> list[str]:
    path.write_text(content)
    records = read_records(path, **options)
    assert len(list(records)) > 0
    return [note.replace(f"{path.parent}/", "") for note in records.notes]


def test_a_dozen_columns_are_named_each_with_forty_characters() -> None:
    advice = "or choose the column by its number from 0"
    assert str(no_such_name(NAMES, "zz", "a.csv")) == (
        f"a.csv: no column 'zz': expected one of {SHOWN}, ...; {advice}"
    )
    assert str(no_such_name(NAMES[:12], "zz", "a.csv")) == (
        f"a.csv: no column 'zz': expected one of {SHOWN}; {advice}"
    )
    assert str(no_such_name(["title", "b"], "tit", "a.csv")).endswith("; did you mean 'title'?")
    assert str(no_such_name(["title", "b"], "txx", "a.csv", advice="look")).endswith("; look")
    assert said(lambda: select(NAMES, 13, ReadOptions(), where="a.csv")) == (
        f"a.csv: the table has 13 columns: {SHOWN}; choose the column with the text, by name or by number "
        "from 0 (--text, in Python text=...)"
    )
    assert said(lambda: select(None, 2, ReadOptions(), where="a.csv")) == (
        "a.csv: the table has 2 columns; choose the column with the text, by name or by number from 0 "
        "(--text, in Python text=...)"
    )
    assert said(lambda: select(None, 2, ReadOptions(text=(2,)), where="a.csv")) == (
        "a.csv: no column 2: expected a number from 0 to 1"
    )
    assert said(lambda: select(None, 2, ReadOptions(text=("1000000",)), where="a.csv")) == (
        "a.csv: no column '1000000', because the table has no header; choose the column by its number from "
        "0, or use --header"
    )
    assert said(lambda: select(None, 2, ReadOptions(text=("100000",)), where="a.csv")) == (
        "a.csv: no column 100000: expected a number from 0 to 1"
    )


@pytest.mark.parametrize("width", [6, 7])
def test_six_fields_of_a_first_row_are_shown_each_with_twenty_characters(tmp_path: Path, width: int) -> None:
    first = ["many words in the first field", *"bcdefg"]
    below = ["many words in the other field", *"hijklm"]
    content = "".join(",".join(row[:width]) + "\n" for row in (first, below))
    more = ", ..." if width == 7 else ""
    assert notes(tmp_path / "a.csv", content, text=0) == [
        f"a.csv: the first row, 'many words in the fi, b, c, d, e, f{more}', is taken for a text (--header "
        "if it names the columns)"
    ]


def test_keys_and_values_of_json_are_shown_in_part(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    rows = f'{{"text": "a", "{LONG}": "b"}}\n{{"text": "c"}}\n'
    assert notes(path, rows, text="text", context=LONG) == [
        f"1 row has no '{LONG[:40]}', which is empty there (a.jsonl, line 2)"
    ]
    several = rows + '{"text": "d"}\n'
    assert notes(path, several, text="text", context=LONG) == [
        f"2 rows have no '{LONG[:40]}', which is empty there (the first: a.jsonl, line 2)"
    ]
    array = b'["a"] and thirty other characters'
    assert refusal(tmp_path / "a.json", array) == (
        "a.json, value 2: not JSON: expected nothing after the array, got 'and thirty other cha'; one value "
        "a line is read with --format jsonl"
    )
    assert refusal(path, b'{"text": 1\n') == (
        f"a.jsonl, line 1: not JSON: got Expecting ',' delimiter at character 12; {JSONL}"
    )
    assert refusal(path, b"[" * 100_000) == (
        f"a.jsonl, line 1: not JSON: got too many values inside each other; {JSONL}"
    )


def test_the_beginning_of_a_file_is_shown(tmp_path: Path) -> None:
    assert refusal(tmp_path / "a.gz", b"plain text") == (
        "a.gz: expected gzip data, got b'plai'; take .gz off its name if it is plain text"
    )
    picture = b"\x89PNG\r\n\x1a\n" + b"\x01" * 9
    assert refusal(tmp_path / "a.txt", picture, encoding="latin-1") == (
        "a.txt: expected text, got b'\\x89PNG\\r\\n\\x1a\\n'; it looks like a picture"
    )
    assert refusal(tmp_path / "b.gz", gzip.compress(b"a")[:-3]).startswith(
        "b.gz: broken gzip data: got an end before the data is complete"
    )


@pytest.mark.parametrize(
    ("start", "hint"),
    [
        (b"PK\x03\x04", "it looks like a zip archive or an office file: export it as plain text or CSV"),
        (b"BZh", "it looks like bzip2: unpack it first, or use gzip"),
        (b"\xfd7zXZ", "it looks like xz: unpack it first, or use gzip"),
        (b"\x28\xb5\x2f\xfd", "it looks like zstd: unpack it first, or use gzip"),
        (b"%PDF", "it looks like PDF: convert it to plain text first"),
        (b"PAR1", "it looks like Parquet: say format='parquet' (--format parquet)"),
        (b"ARROW1", "it looks like Feather: say format='feather' (--format feather)"),
        (b"\x89PNG", "it looks like a picture"),
    ],
)
def test_files_of_other_kinds_are_known_by_their_beginning(tmp_path: Path, start: bytes, hint: str) -> None:
    assert refusal(tmp_path / "a.txt", start + b"\x01\xff").endswith(f"; {hint}")
    assert refusal(tmp_path / "a.txt", start + b"\x01", encoding="latin-1").endswith(f"; {hint}")


def test_options_and_sources_are_shown_in_part(tmp_path: Path) -> None:
    (tmp_path / "a.txt").touch()
    wrong = "re:(" + LONG * 2
    shown = said(lambda: read_records(tmp_path / "a.txt", record_separator=wrong))
    begins = f"record_separator must be re: and a regular expression; got '{wrong[:60]}' ("
    assert shown.startswith(begins)
    numbers = list(range(100))
    assert said(lambda: read_records(["a.txt", numbers])) == (
        "source: expected a path, the name of a corpus, a list of paths, or texts, got "
        f'{repr(numbers)[:60]}; a file: read_records("names.txt"); texts in memory: train(texts)'
    )
    assert said(lambda: as_records("y" * 70, what="texts")) == (
        f"texts: expected a list of strings, or a file, got one string, '{'y' * 60}', which is no file; "
        "one text: [text]"
    )
    assert said(lambda: as_records("y" * 70)) == (
        f"records: expected a list of strings, or a file, got one string, '{'y' * 60}', which is no file; "
        'a file: train("names.txt"); one text: train([text], document=True)'
    )
    assert said(lambda: list(as_records(iter([numbers]), {"text": "a"}))) == (
        f"text 0: expected a row with named columns, got {repr(numbers)[:60]}; leave out text, source_text "
        "and context, or pass mappings or a table"
    )
