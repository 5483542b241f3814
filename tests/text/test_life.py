"""The life of a record, as docs/architecture.md tells it: which files see each record or batch."""

import re
import sys
import threading
from collections import Counter
from pathlib import Path
from types import FrameType

import pytest

import unspool
from unspool._text.encoding import records_to_ids
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading import decoding

SOURCE = Path(unspool.__file__).parent
TOLD = (SOURCE.parents[1] / "docs" / "architecture.md").read_text("utf-8")
LIFE = TOLD.split("## The life of a record")[1].split("\n## ")[0]
CONSULTED = {"_kernels/machine.py"}  # tells which kernels are in use, and sees no text
MOST = 12


def calls_of(path: Path, recipe: EncodingRecipe, **options: object) -> Counter[str]:
    """Count the calls of functions in each file while a corpus is read and encoded."""
    records = unspool.read_records(path, reuse=False, **options)  # type: ignore[arg-type]
    calls: Counter[str] = Counter()

    def count(frame: FrameType, event: str, _argument: object) -> None:
        file = Path(frame.f_code.co_filename)
        if event == "call" and file.is_relative_to(SOURCE):
            calls[file.relative_to(SOURCE).as_posix()] += 1

    threading.setprofile(count)
    sys.setprofile(count)
    try:
        encode_corpus(records, recipe)
    finally:
        sys.setprofile(None)
        threading.setprofile(None)  # type: ignore[arg-type]
    return calls


def seen_by(path: Path, head: str, lines: str, recipe: EncodingRecipe, **options: object) -> set[str]:
    """Name the files that are called more often where there are more records."""
    path.write_text(head + lines)
    few = calls_of(path, recipe, **options)
    path.write_text(head + 3 * lines)
    many = calls_of(path, recipe, **options)
    return {file for file in many if many[file] > few[file]} - CONSULTED


@pytest.fixture(autouse=True)
def small_batches(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a short text be read in several blocks and batches."""
    monkeypatch.setattr(decoding, "BLOCK", 256)
    monkeypatch.setattr(records_to_ids, "MOST_PIECES", 16)


def test_a_record_of_a_table_passes_the_files_that_the_architecture_names(tmp_path: Path) -> None:
    lines = "".join(f"{'ab'[i % 2]},text {i}\n" for i in range(100))
    recipe = EncodingRecipe(validation_fraction=0.2, contexts="learn")
    passed = seen_by(tmp_path / "a.csv", "label,title\n", lines, recipe, text="title", context="label")
    assert passed == set(re.findall(r"^\| `([^`]+)` \|", LIFE, flags=re.MULTILINE))
    assert len(passed) <= MOST


def test_a_line_of_plain_text_passes_fewer(tmp_path: Path) -> None:
    lines = "".join(f"text {i}\n" for i in range(100))
    passed = seen_by(tmp_path / "a.txt", "", lines, EncodingRecipe(validation_fraction=0.2))
    plain = LIFE.split("Plain text")[1].split("\n\n")[0]
    assert passed == set(re.findall(r"`([^`]+\.py)`", plain))
