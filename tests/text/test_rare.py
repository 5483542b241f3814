"""What is rarely met while texts are read and encoded: files that go, packages that miss, cut texts."""

import gzip
import importlib.util
import io
import os
import shutil
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.reading.test_decoding import dribble
from unspool._errors import ConfigError, CorpusError, TokenizerError
from unspool._extras import install_command
from unspool._text import frames
from unspool._text.encoding import cache, corpus_files, lines_to_ids
from unspool._text.encoding.cache import StreamCache, cache_key
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.lines_to_ids import number_lines
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.records_to_ids import number_records
from unspool._text.novelty import texts_of
from unspool._text.reading import decoding, places
from unspool._text.reading.folders import list_files
from unspool._text.reading.places import FilePlace, is_pipe, standard_input
from unspool._text.reading.read_options import ReadOptions
from unspool._text.reading.sentences import load_segment
from unspool._text.reading.sources import SOURCES, read_records
from unspool._text.records import Record, Records
from unspool._text.tokenizers.registry import ByteTokenizer, CharTokenizer, WordTokenizer
from unspool._text.tokenizers.unknown_symbols import surrogate_error
from unspool._text.whole_records import whole_records

PLAIN = EncodingRecipe()


def test_files_that_went_have_no_key(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(cache, "LEAST_SOURCE", 1)
    (tmp_path / "a.txt").write_text("one")
    records = read_records(tmp_path / "a.txt")
    assert cache_key([records], PLAIN) is not None
    (tmp_path / "a.txt").unlink()
    assert cache_key([records], PLAIN) is None


def test_an_entry_that_another_process_removes_is_not_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = StreamCache(tmp_path, limit=10**9)
    store.keep(encode_corpus(Records.of(["a"]), PLAIN), ["key"], "x")

    def removed(folder: Path, _: object) -> Any:
        shutil.rmtree(folder)
        raise FileNotFoundError

    monkeypatch.setattr(cache, "load_corpus", removed)
    assert store.find("key") is None
    assert store.find("another") is None


def test_a_kept_tokenizer_that_cannot_be_read_is_damage(tmp_path: Path) -> None:
    facts = corpus_files.save_corpus(tmp_path, encode_corpus(Records.of(["a"]), PLAIN))
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(ValueError, match=r"^its format or its tokenizer is another$"):
        corpus_files.load_corpus(tmp_path, facts)
    with pytest.raises(ValueError, match=r"^tokenizer\.json: key 'format_version' is missing"):
        corpus_files.load_corpus(tmp_path, {**facts, "tokenizer": corpus_files._tokenizer_sum(tmp_path)})
    with pytest.raises(ValueError, match=r"^its format or its tokenizer is another$"):
        corpus_files.load_corpus(tmp_path, {**facts, "format": 2})


def test_a_last_line_without_an_end_counts_and_a_long_one_goes_the_general_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    numbered = number_lines(iter(["ab\nc", "d\n", "e"]), PLAIN)
    assert numbered is not None
    assert (numbered.training.num_records, numbered.training.characters) == (3, 5)
    assert number_lines(iter([]), PLAIN) is None
    assert number_lines(iter(["a\n"]), EncodingRecipe(tokenizer="word")) is None
    monkeypatch.setattr(lines_to_ids, "PIECE", 5)
    assert number_lines(iter(["a\n", "bcdef"]), PLAIN) is None
    assert number_lines(iter(["a\n", "bcde"]), PLAIN) is not None


def test_a_tokenizer_that_reads_texts_first_is_not_counted() -> None:
    recipe = EncodingRecipe(tokenizer="bytes")
    with pytest.raises(TypeError, match=r"^a bytes tokenizer is not made of counted symbols$"):
        recipe.tokenized(WordTokenizer.counter(), lambda: np.zeros(0, np.int64))
    words = r"^a tokenizer that has to read texts first is made before they are numbered$"
    with pytest.raises(TypeError, match=words):
        number_records(iter([]), recipe)
    assert recipe.learnt(lambda: iter(["a"])).known == ByteTokenizer()


@pytest.mark.parametrize(
    ("texts", "held_out", "message"),
    [
        (["zz"], ["a"], "the corpus has no text to learn from: expected at least one character, got 1 "
         "record without a known symbol"),
        (["zz", "z"], None, "the corpus has no text to learn from: expected at least one character, got 2 "
         "records without a known symbol"),
    ],
)  # fmt: skip
def test_texts_without_a_known_symbol_teach_nothing(
    texts: list[str], held_out: list[str] | None, message: str
) -> None:
    recipe = EncodingRecipe(tokenizer=CharTokenizer("a"), unknown="drop")
    with pytest.raises(CorpusError) as caught:
        encode_corpus(Records.of(texts), recipe, None if held_out is None else Records.of(held_out))
    assert str(caught.value) == message


def test_a_column_of_arrow_data_needs_its_package(monkeypatch: pytest.MonkeyPatch) -> None:
    class Column:
        def __arrow_c_stream__(self) -> None: ...

    monkeypatch.setattr(frames, "find_spec", lambda name: None if name == "pyarrow" else importlib.util)
    with pytest.raises(CorpusError) as caught:
        frames.values_of(Column())
    assert str(caught.value) == (
        f"a column of Column: reading it needs the package pyarrow; {install_command('parquet')}"
    )


def test_the_half_of_a_record_that_is_learnt_is_a_text() -> None:
    encoded = encode_corpus(Records.of(["ab", "cdef"]), PLAIN)
    head, tail = encoded.training.tail_split(0.4)  # of seven: "ab" and its end, "c"
    assert list(texts_of(head, encoded.tokenizer)) == ["ab", "c"]
    assert list(texts_of(tail, encoded.tokenizer)) == ["def"]


def test_what_there_is_of_a_cut_archive_comes_before_the_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(decoding, "BLOCK", 1000)
    blocks, found = decoding.text_blocks(dribble(gzip.compress(b"a" * 50_000)[:-8], 1000)), []

    def read() -> None:
        found.extend(iter(lambda: len(next(blocks)), 0))

    with pytest.raises(CorpusError, match="an end before the data is complete"):
        read()
    assert (max(found), sum(found)) == (1000, 50_000)


def test_a_folder_that_goes_while_it_is_listed_is_an_error_of_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest = os.walk
    monkeypatch.setattr(os, "walk", lambda folder, **options: honest(folder / "gone", **options))
    with pytest.raises(CorpusError) as caught:
        list_files(tmp_path, [".txt"], every=False, packed=True)
    assert str(caught.value) == (
        f"{tmp_path} cannot be read: got no such file or directory; check its path and rights"
    )


def test_a_place_that_cannot_be_opened_is_an_error_of_the_tree(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse() -> Any:
        raise PermissionError(13, "Permission denied")

    for name in SOURCES:
        place = FilePlace("a", refuse)
        with pytest.raises(CorpusError, match=r"^a cannot be read: got permission denied; check its path"):
            list(SOURCES[name].read(place, ReadOptions(format=name)))
    assert is_pipe(tmp_path / "missing") is False
    with pytest.raises(FileNotFoundError):
        places._opened_pipe(tmp_path / "missing")
    monkeypatch.setattr(sys, "stdin", None)
    with pytest.raises(CorpusError, match=r"^there is no standard input; save the text to a file first$"):
        standard_input().open()


def test_files_of_columns_come_neither_from_a_pipe_nor_in_an_encoding(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "a.parquet")
    (tmp_path / "b.parquet").touch()
    with pytest.raises(CorpusError, match=r"^parquet cannot be read from a pipe; save it to a file first$"):
        read_records(tmp_path / "a.parquet")
    with pytest.raises(
        CorpusError, match=r"b\.parquet is read as parquet, which is UTF-8; leave out encoding$"
    ):
        read_records(tmp_path / "b.parquet", encoding="cp1252")


def test_ctrl_c_is_no_failed_check_of_a_library(monkeypatch: pytest.MonkeyPatch) -> None:
    sentencex = pytest.importorskip("sentencex")

    def interrupted(language: str, text: str) -> list[str]:
        raise KeyboardInterrupt

    monkeypatch.setattr(sentencex, "segment", interrupted)
    with pytest.raises(KeyboardInterrupt):
        load_segment("en")("Some text.")


def test_a_lone_surrogate_is_found_where_a_tokenizer_is_fitted() -> None:
    for kind in (CharTokenizer, WordTokenizer):
        with pytest.raises(TokenizerError) as caught:
            kind.fit(["a", "b\udcff"])
        assert str(caught.value) == (
            "character 2 of text 2: expected a Unicode character, got the lone surrogate U+DCFF; it stands "
            "for the byte 0xFF that was not UTF-8; fix the encoding"
        )
    with pytest.raises(RuntimeError, match=r"^no text has a lone surrogate$"):
        surrogate_error(["a"], lambda _: ("x", 0))
    for symbol, hint in (("\ud800", "clean"), ("\udc7f", "clean"), ("\udc80", "it stands for the byte 0x80")):
        error = surrogate_error([symbol], lambda _: ("x", 3))
        assert str(error).startswith(
            "character 4 of x: expected a Unicode character, got the lone surrogate U+"
        )
        assert f"; {hint}" in str(error)


def test_pieces_become_whole_records() -> None:
    pieces = [Record("a", {"l": "x"}, ends=False), Record("b"), Record("c"), Record("d", ends=False)]
    assert list(whole_records(pieces)) == [Record("ab", {"l": "x"}), Record("c"), Record("d")]
    assert list(whole_records(pieces[2:3])) == pieces[2:3]
    assert list(whole_records([])) == []


def test_pieces_that_never_end_are_a_text_too() -> None:
    def pieces() -> Iterator[Record]:
        yield Record("ab", ends=False)
        yield Record("c", ends=False)

    encoded = encode_corpus(pieces(), PLAIN)
    assert list(texts_of(encoded.training, encoded.tokenizer)) == ["abc"]


def test_sources_have_the_form_of_their_tokenizer() -> None:
    texts = [Record("a", source="e\u0301")]
    for form, symbols in (("NFC", ("é",)), ("NFD", ("e", "\u0301")), (None, ("e", "\u0301"))):
        encoded = encode_corpus(texts, EncodingRecipe(sources="learn", normalization=form))
        assert encoded.source_tokenizer is not None
        assert encoded.source_tokenizer.symbols == symbols


def test_damage_in_an_open_file_is_said_of_it() -> None:
    notes = list(Records.of(io.StringIO("The cafÃ© is closed\n")).notes)
    assert notes[0].startswith("an open file: 1 Ã© or its like such as in 'The cafÃ© is closed'")


@pytest.mark.parametrize("other", [{"document": True}, {"split": "sentences"}])
def test_a_source_belongs_to_a_whole_text(other: dict[str, Any]) -> None:
    with pytest.raises(ConfigError) as caught:
        ReadOptions(source_text=("a",), **other)
    assert str(caught.value) == "source_text does not work with document or split; leave one of them out"
