"""What is read in a text, and what hostile ones can do: nothing."""

import gzip
from pathlib import Path
from typing import Any

import pytest

from tests.serving.training.conftest import NAMES, TABLE
from unspool._serving.training import reading
from unspool._serving.training.apart import answer_to
from unspool._text.reading.sources import SOURCES

ROWS: list[dict[str, str | None]] = [
    {"id": "1", "words": "a text that is long", "label": "x"},
    {"id": "2", "words": "cafe\u0301 and more of it", "label": "y"},
    {"id": "3", "words": "the third and last", "label": "x"},
]


def read(folder: Path, content: bytes, name: str, **wishes: Any) -> dict[str, Any]:
    """Return the answer of the process that reads, for a file with some content."""
    path = folder / name
    path.write_bytes(content)
    request = {"file": str(path), "wishes": wishes, "most_bytes": 1 << 26, "plan_alone": False}
    return answer_to(request)


@pytest.mark.parametrize("name", [name for name, known in SOURCES.items() if known.columns])
def test_the_column_with_the_longest_texts_is_proposed(tmp_path: Path, name: str) -> None:
    known = SOURCES[name]
    content, file = known.write(ROWS), f"a{known.suffixes[0]}"
    found = read(tmp_path, content, file)
    assert (found["format"], found["columns"]) == (name, ["id", "words", "label"])
    assert (found["column"], found["column_because"]) == ("words", "longest")
    assert found["rows"][0] == ["1", "a text that is long", "x"]
    assert (found["texts"], found["normalized"]) == (3, 1)
    other = read(tmp_path, content, file, column="label")
    assert (other["column"], other["column_because"], other["characters"]) == ("label", "chosen", 3)


def test_counting_ends_in_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(reading, "TIME_TO_COUNT", 0.0)
    text = NAMES.encode() * 1000
    found = read(tmp_path, text, "a.txt")
    assert found["complete"] is False
    assert reading.TOGETHER < found["characters"] < len(text) / 2


HOSTILE: dict[str, tuple[bytes, str, dict[str, Any], str]] = {
    "bytes that are no UTF-8": ("\u4f60\u597d\n".encode("gb18030") * 50, "a.txt", {}, "UTF-8"),
    "a parquet file that breaks off": (
        SOURCES["parquet"].write(ROWS)[:-30],
        "a.parquet",
        {},
        "broken Parquet data",
    ),
    "a parquet file with bytes that lie": (
        SOURCES["parquet"].write(ROWS).replace(b"\x15", b"\x7f"),
        "a.parquet",
        {},
        "",
    ),
    "JSON that nests": (b"[" * 100_000, "a.json", {}, "not JSON"),
    "JSON that ends early": (b'{"text": "a', "a.jsonl", {}, "not JSON"),
    "a gzip file that breaks off": (gzip.compress(NAMES.encode())[:40], "a.txt.gz", {}, ""),
    "a line that never ends": (b"text\n" + b"a" * (1 << 25), "a.csv", {}, "too long"),
    "a quote that never ends": (b'a,b\n"' + b"x,y\n" * 100_000, "a.csv", {}, ""),
    "nothing but spaces": (b" \n" * 100, "a.txt", {}, "no text found"),
    "zeros": (bytes(5000), "a.txt", {}, ""),
    "no such column": (TABLE.encode(), "a.csv", {"column": "titel"}, "did you mean 'title'?"),
}


@pytest.mark.parametrize("kind", HOSTILE)
def test_a_text_that_cannot_be_read_is_a_sentence(tmp_path: Path, kind: str) -> None:
    content, name, wishes, words = HOSTILE[kind]
    answer = read(tmp_path, content, name, **wishes)
    assert set(answer) == {"problem"}
    assert words in answer["problem"]
    assert "Traceback" not in answer["problem"]
