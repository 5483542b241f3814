"""What is found out about a text, all of it read or only its beginning."""

import gzip
import json
import random
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool._planning.facts import look_at
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading import decoding

TEXTS = ["oil prices rise", "oil", "team wins"]


@pytest.mark.parametrize("document", [False, True])
def test_a_text_that_is_read_whole_is_known_exactly(document: bool) -> None:
    facts = look_at(unspool.Records.of(TEXTS, document=document), EncodingRecipe())
    encoded = encode_corpus(unspool.Records.of(TEXTS), EncodingRecipe())
    assert facts.complete
    assert facts.document is document
    assert facts.records == len(TEXTS)
    assert facts.characters == sum(map(len, TEXTS))
    assert facts.symbols == len(encoded.training)
    assert facts.vocab_size == encoded.tokenizer.vocab_size
    assert facts.typical_length == len("team wins") + 1


def test_words_are_counted_as_words() -> None:
    facts = look_at(unspool.Records.of(TEXTS), EncodingRecipe(tokenizer="word", max_vocab_size=6))
    assert facts.symbols < sum(map(len, TEXTS))
    assert facts.vocab_size == 6


def test_a_tokenizer_that_exists_takes_in_what_is_new() -> None:
    known = encode_corpus(unspool.Records.of(["abc"]), EncodingRecipe()).tokenizer
    alone, with_it = (
        look_at(unspool.Records.of(TEXTS), recipe)
        for recipe in (EncodingRecipe(), EncodingRecipe(tokenizer=known, grow=True))
    )
    new = {"a", "b", "c"} - set("".join(TEXTS))
    assert with_it.vocab_size == alone.vocab_size + len(new)


@pytest.mark.parametrize("document", [False, True])
def test_a_long_plain_text_is_estimated_by_its_size(tmp_path: Path, document: bool) -> None:
    path = tmp_path / "long.txt"
    path.write_text("".join(f"line number {i:06}\n" for i in range(200_000)), "utf-8")
    records = unspool.read_records(path, document=document)
    ticks = iter([0.0, 2.0])
    facts = look_at(records, EncodingRecipe(), most=1 << 19, clock=lambda: next(ticks))
    assert not facts.complete
    assert facts.symbols == pytest.approx(path.stat().st_size, rel=0.07)
    assert facts.seconds == pytest.approx(2.0 * path.stat().st_size / (1 << 19), rel=1)
    if not document:
        assert facts.records == pytest.approx(200_000, rel=0.07)


def rows(count: int) -> list[dict[str, str]]:
    """Make rows of which the text is a small part, in letters of two bytes."""
    draw = random.Random(1)
    return [
        {
            "id": f"{i:09}",
            "body": f"{draw.random()} " * 8,
            "title": f"Überschrift «{i % 977}» {draw.random():.9f}",
        }
        for i in range(count)
    ]


def write_csv(path: Path, table: list[dict[str, str]]) -> None:
    lines = ["id,body,title", *(",".join(row.values()) for row in table)]
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")


def write_jsonl(path: Path, table: list[dict[str, str]]) -> None:
    path.write_text("".join(f"{json.dumps(row, ensure_ascii=False)}\n" for row in table), "utf-8")


def write_packed(path: Path, table: list[dict[str, str]]) -> None:
    write_csv(path, table)
    path.write_bytes(gzip.compress(path.read_bytes()))


def write_folder(path: Path, table: list[dict[str, str]]) -> None:
    path.mkdir()
    for part in range(4):
        write_csv(path / f"{part}.csv", table[part::4])


def write_parquet(path: Path, table: list[dict[str, str]]) -> None:
    pyarrow = pytest.importorskip("pyarrow")
    from pyarrow import parquet

    parquet.write_table(pyarrow.Table.from_pylist(table), path, row_group_size=1000)


@pytest.mark.parametrize(
    ("name", "write", "options"),
    [
        ("a.csv", write_csv, {}),
        ("a.jsonl", write_jsonl, {}),
        ("a.csv.gz", write_packed, {}),
        ("folder", write_folder, {"format": "csv"}),
        ("a.parquet", write_parquet, {}),
    ],
)
def test_what_counts_is_the_text_that_is_learnt(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, name: str, write: Any, options: dict[str, Any]
) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 1 << 16)
    table = rows(20_000)
    write(tmp_path / name, table)
    records = unspool.read_records(tmp_path / name, text="title", **options)
    ticks = iter([0.0, 1.0])
    facts = look_at(records, EncodingRecipe(), most=1 << 17, clock=lambda: next(ticks))
    characters = sum(len(row["title"]) for row in table)
    assert not facts.complete
    assert facts.characters == pytest.approx(characters, rel=0.1)
    assert facts.records == pytest.approx(len(table), rel=0.1)
    assert facts.symbols == pytest.approx(characters + len(table), rel=0.1)
    assert 2 < facts.seconds < 1.1 * characters / (1 << 17)


@pytest.mark.parametrize("texts", [[f"line {i}" for i in range(9_000)]])
def test_texts_in_memory_and_from_a_pipe_are_counted(texts: list[str]) -> None:
    for records in (unspool.Records.of(texts), unspool.Records.of(texts).gathered()):
        facts = look_at(records, EncodingRecipe(), most=1_000)
        assert not facts.complete
        assert facts.characters == pytest.approx(sum(map(len, texts)), rel=0.001)


def test_a_file_of_one_block_is_read_whole(tmp_path: Path) -> None:
    path = tmp_path / "long.txt.gz"
    path.write_bytes(gzip.compress(b"line\n" * 9_000))
    facts = look_at(unspool.read_records(path), EncodingRecipe(), most=1_000)
    assert (facts.complete, facts.characters) == (True, 36_000)


def test_a_text_that_is_empty_is_refused() -> None:
    with pytest.raises(unspool.CorpusError):
        look_at(unspool.Records.of([]), EncodingRecipe())
