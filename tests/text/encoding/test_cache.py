"""The cache: the same corpus as was encoded, never another one, and nothing that is damaged."""

import json
import os
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from unspool import _system
from unspool._errors import ConfigError
from unspool._model import Generator
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.encoding import cache as stream_cache
from unspool._text.encoding.cache import StreamCache, cache_key
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.sources import read_records
from unspool._text.streams import builder
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer

TEXT = "".join(f"line {i} says {'abcdefgh'[i % 8]}\n" for i in range(200))
KEPT = "taken from the cache (unspool cache)"


@pytest.fixture
def text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Write a text that is large enough to be kept, and give the cache a folder of its own."""
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(stream_cache, "LEAST_SOURCE", 100)
    path = tmp_path / "text.txt"
    path.write_text(TEXT)
    return path


def encoded(
    path: Path,
    *,
    document: bool = False,
    fraction: float | None = 0.2,
    tokenizer: str | Tokenizer = "char",
    most: int | None = None,
    reuse: bool = True,
) -> EncodedCorpus:
    """Encode a file as a run does."""
    records = read_records(path, document=document, reuse=reuse)
    recipe = EncodingRecipe(
        tokenizer=tokenizer, max_vocab_size=most, validation_fraction=fraction, document=document
    )
    return encode_corpus(records, recipe)


def entry(tmp_path: Path) -> Path:
    """Give the folder of the only entry."""
    (found,) = StreamCache().entries()
    assert found.path.parent == tmp_path / "cache" / "encoded"
    return found.path


def same(one: EncodedCorpus, other: EncodedCorpus) -> None:
    """Fail unless two corpora are equal."""
    assert one.tokenizer == other.tokenizer
    assert one.unknown == other.unknown
    for mine, theirs in ((one.training, other.training), (one.validation, other.validation)):
        assert mine.ids.tolist() == theirs.ids.tolist()
        assert mine.ids.dtype == theirs.ids.dtype
        assert mine.starts.tolist() == theirs.starts.tolist()
        assert mine.fingerprint() == theirs.fingerprint()
        assert mine.characters == theirs.characters
        assert (mine.symbol_lengths is None) == (theirs.symbol_lengths is None)


@pytest.mark.parametrize("document", [False, True])
@pytest.mark.parametrize("kind", ["char", "word"])
@pytest.mark.parametrize("fraction", [None, 0.2])
def test_the_second_time_it_is_the_same(
    text: Path, kind: str, document: bool, fraction: float | None
) -> None:
    plain = encoded(text, tokenizer=kind, document=document, fraction=fraction, reuse=False)
    first = encoded(text, tokenizer=kind, document=document, fraction=fraction)
    again = encoded(text, tokenizer=kind, document=document, fraction=fraction)
    assert (plain.note, first.note, again.note) == (None, None, KEPT)
    same(first, plain)
    same(again, plain)


@pytest.mark.parametrize("can_link", [True, False])
@pytest.mark.parametrize("document", [False, True])
@pytest.mark.parametrize("most", [None, 9])
def test_so_it_is_where_it_lay_in_files(
    text: Path, monkeypatch: pytest.MonkeyPatch, document: bool, most: int | None, can_link: bool
) -> None:
    plain = encoded(text, document=document, most=most, reuse=False)
    monkeypatch.setattr(builder, "SPILL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(text.parent))
    if not can_link:
        monkeypatch.setattr(_system, "OPEN_FILES", text.parent / "missing")
    first = encoded(text, document=document, most=most)
    again = encoded(text, document=document, most=most)
    assert (first.note, again.note) == (None, KEPT)
    same(first, plain)
    same(again, plain)
    assert sorted(path.name for path in text.parent.iterdir()) == ["cache", "text.txt"]


@pytest.mark.parametrize("name", ["training.ids", "training.starts"])
@pytest.mark.parametrize("place", [0, -1])
@pytest.mark.parametrize("document", [False, True])
def test_so_damage_is_found_in_every_part_of_a_shared_file(
    text: Path, monkeypatch: pytest.MonkeyPatch, document: bool, place: int, name: str
) -> None:
    monkeypatch.setattr(builder, "SPILL", 0)
    first = encoded(text, document=document)
    path = entry(text.parent) / name
    raw = bytearray(path.read_bytes())
    raw[place] ^= 1
    path.unlink()  # the corpus still reads the old one
    path.write_bytes(raw)
    again = encoded(text, document=document)
    assert str(again.note).startswith("what the cache had was damaged (")
    same(again, first)


def test_going_on_with_the_tokenizer_that_was_made_finds_it(text: Path) -> None:
    first = encoded(text, most=12)
    again = encoded(text, tokenizer=first.tokenizer)
    assert again.note == KEPT
    same(again, first)
    same(again, encoded(text, tokenizer=first.tokenizer, reuse=False))


def test_whatever_decides_it_makes_another_one(text: Path) -> None:
    encoded(text)
    for other in ({"fraction": 0.3}, {"tokenizer": "word"}, {"document": True}, {"most": 9}):
        assert encoded(text, **other).note is None  # type: ignore[arg-type]
    state = text.stat()
    os.utime(text, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    assert encoded(text).note is None
    text.write_text(TEXT + "one more\n")
    assert encoded(text).note is None
    assert len(StreamCache().entries()) == 7


@pytest.mark.parametrize(
    ("first", "then"),
    [
        ({"unknown": "drop"}, {"unknown": "replace"}),
        ({"unknown": "replace"}, {"unknown": "drop"}),
        ({"unknown": "replace"}, {"grow": True}),
        ({"grow": True}, {"unknown": "replace"}),
        ({"normalization": "NFC", "tokenizer": "char"}, {"normalization": "NFD", "tokenizer": "char"}),
    ],
)
def test_what_becomes_of_unknown_symbols_decides_it_too(
    text: Path, first: dict[str, Any], then: dict[str, Any]
) -> None:
    """The texts have an h and an é, and the tokenizer knows neither."""
    text.write_text(TEXT + "é\n" * 20)
    known = CharTokenizer(sorted(set("lineay 0123456789sabcdefg")), unk=True)
    recipes = [EncodingRecipe(**{"tokenizer": known, **choice}) for choice in (first, then)]
    plain = [encode_corpus(read_records(text, reuse=False), recipe) for recipe in recipes]
    assert plain[0].training.fingerprint() != plain[1].training.fingerprint()
    for recipe, expected in zip(recipes, plain, strict=True):
        found = encode_corpus(read_records(text), recipe)
        assert found.note is None
        same(found, expected)
    assert len({cache_key([read_records(text)], recipe) for recipe in recipes}) == 2


def test_small_texts_and_memory_are_never_kept(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    encoded(text, reuse=False)
    monkeypatch.setenv("UNSPOOL_CACHE_LIMIT", "0")
    encoded(text)
    monkeypatch.delenv("UNSPOOL_CACHE_LIMIT")
    monkeypatch.setattr(stream_cache, "LEAST_SOURCE", 1 << 20)
    encoded(text)
    assert StreamCache().entries() == []
    assert read_records("-").files is None


@pytest.mark.parametrize("name", ["training.ids", "training.starts", "validation.ids", "tokenizer.json"])
@pytest.mark.parametrize("how", ["flipped", "cut", "zeros"])
def test_what_is_damaged_is_made_anew(text: Path, tmp_path: Path, name: str, how: str) -> None:
    plain = encoded(text, reuse=False)
    encoded(text)
    path = entry(tmp_path) / name
    raw = bytearray(path.read_bytes())
    if how == "flipped":
        raw[len(raw) // 2] ^= 1
    path.write_bytes({"flipped": raw, "cut": raw[:-1], "zeros": bytes(len(raw))}[how])
    again = encoded(text)
    assert again.note is not None
    assert again.note.startswith("what the cache had was damaged (")
    same(again, plain)
    assert encoded(text).note == KEPT


@pytest.mark.parametrize("content", ["", "{", "[]", '{"keys": 3}'])
def test_so_is_an_entry_that_cannot_be_read(text: Path, tmp_path: Path, content: str) -> None:
    first = encoded(text)
    (entry(tmp_path) / "entry.json").write_text(content)
    same(encoded(text), first)
    assert encoded(text).note == KEPT


def test_so_is_an_entry_that_counts_otherwise(text: Path, tmp_path: Path) -> None:
    first = encoded(text)
    path = entry(tmp_path) / "entry.json"
    facts = json.loads(path.read_text())
    facts["streams"]["training"]["characters"] += 1
    path.write_text(json.dumps(facts))
    again = encoded(text)
    assert "entry.json is not what was written" in str(again.note)
    same(again, first)


def test_a_missing_file_is_damage_too(text: Path, tmp_path: Path) -> None:
    plain = encoded(text, reuse=False)
    encoded(text)
    (entry(tmp_path) / "training.ids").unlink()
    same(encoded(text), plain)
    assert encoded(text).note == KEPT


def test_the_one_used_longest_ago_goes_first(text: Path, tmp_path: Path) -> None:
    for fraction in (0.1, 0.2, 0.3):
        encoded(text, fraction=fraction)
    size = max(found.size for found in StreamCache().entries())
    for age, found in enumerate(StreamCache().entries()):
        os.utime(found.path / "entry.json", (1e9 - age, 1e9 - age))
    oldest = StreamCache().entries()[-1].path
    cache = StreamCache(limit=3 * size)
    cache.keep(encoded(text, fraction=0.4, reuse=False), ["new"], "text")
    assert not oldest.exists()
    assert {found.path.name for found in cache.entries()} >= {"new"}
    assert sum(found.size for found in cache.entries()) <= 3 * size


def test_what_is_too_large_is_said_and_not_kept(text: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_CACHE_LIMIT", "0.000001")
    note = encoded(text).note
    assert note is not None
    assert note.startswith("not kept for the next run: it takes")
    assert StreamCache().entries() == []


def test_two_processes_keep_the_same_one(text: Path) -> None:
    corpus = encoded(text, reuse=False)
    cache = StreamCache()
    same(cache.keep(corpus, ["key"], "text"), corpus)
    same(cache.keep(corpus, ["key"], "text"), corpus)
    assert [path.name for path in cache.folder.iterdir()] == ["key"]


def test_clearing_leaves_nothing_and_disturbs_no_reader(text: Path) -> None:
    corpus = encoded(text)
    before = corpus.training.ids.copy()
    cache = StreamCache()
    (cache.folder / ".torn.tmp").mkdir()
    assert cache.clear() > 0
    assert list(cache.folder.iterdir()) == []
    corpus.training.give_back()
    assert np.array_equal(corpus.training.ids, before)


def test_a_file_that_changes_while_it_is_read_is_not_kept(
    text: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    records = read_records(text)
    records.meter.report = lambda done, total: os.utime(text, ns=(done, total))
    corpus = encode_corpus(records, EncodingRecipe(validation_fraction=0.2))
    assert corpus.note == "not kept for the next run: the files have changed while they were read"


def test_entries_tell_what_they_are(text: Path, tmp_path: Path) -> None:
    encoded(text)
    (found,) = StreamCache().entries()
    assert found.description == str(text)
    assert found.size == sum(file.stat().st_size for file in found.path.iterdir())
    assert json.loads((found.path / "entry.json").read_text())["format"] == 3


@pytest.mark.parametrize("limit", ["many", "-1", "nan"])
def test_a_limit_is_a_number_of_gigabytes(text: Path, monkeypatch: pytest.MonkeyPatch, limit: str) -> None:
    monkeypatch.setenv("UNSPOOL_CACHE_LIMIT", limit)
    with pytest.raises(ConfigError, match=r"UNSPOOL_CACHE_LIMIT: expected gigabytes"):
        encoded(text)


def test_an_evaluation_takes_what_is_kept_and_measures_the_same(text: Path) -> None:
    tokenizer = encode_corpus(read_records(text, reuse=False), EncodingRecipe()).tokenizer
    network = NetworkConfig(hidden_size=3, vocab_size=tokenizer.vocab_size)
    model = Generator(network=network, tokenizer=tokenizer, parameters=initialize(network, 0))
    records = read_records(text)
    alone = model.evaluate(list(records))
    assert not StreamCache().entries()
    assert [model.evaluate(records) for _ in range(2)] == [alone] * 2
    assert len(StreamCache().entries()) == 1
