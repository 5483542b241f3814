"""The edges of how a corpus is kept and split: sizes, ages and shares at which something else is done."""

import hashlib
import os
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.text.encoding.test_repeats import RECIPE, number, sides
from unspool._errors import ConfigError
from unspool._text.encoding import cache
from unspool._text.encoding.cache import StreamCache, cache_key
from unspool._text.encoding.corpus import encode_corpus, fingerprints
from unspool._text.encoding.corpus_files import _digest
from unspool._text.encoding.encoded_corpus import UnusualSplit, described
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.repeats import _copies, _smallest
from unspool._text.encoding.split import digest_limit
from unspool._text.reading.sources import read_records
from unspool._text.records import Records

PLAIN = EncodingRecipe()


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        (None, 20_000_000_000), ("", 20_000_000_000), ("0", 0), ("0.5", 500_000_000),
        ("999999999", 999_999_999 * 10**9), ("1e9", None), ("-0.1", None), ("inf", None),
    ],
)  # fmt: skip
def test_the_limit_of_the_cache(monkeypatch: pytest.MonkeyPatch, text: str | None, limit: int | None) -> None:
    monkeypatch.delenv("UNSPOOL_CACHE_LIMIT", raising=False)
    if text is not None:
        monkeypatch.setenv("UNSPOOL_CACHE_LIMIT", text)
    if limit is None:
        with pytest.raises(ConfigError) as caught:
            StreamCache()
        assert str(caught.value) == (
            f"environment variable UNSPOOL_CACHE_LIMIT: expected gigabytes, 0 to keep nothing, got {text!r}"
        )
    else:
        assert StreamCache().limit == limit
    assert StreamCache(limit=7).limit == 7


def test_the_folder_of_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path))
    assert StreamCache().folder == tmp_path / "encoded"
    assert StreamCache(tmp_path / "x").folder == tmp_path / "x"
    assert StreamCache().entries() == []
    assert StreamCache().find("key") is None
    assert StreamCache().clear() == 0


def test_a_source_is_kept_from_sixteen_mebibytes_on(tmp_path: Path) -> None:
    for size, kept in (((1 << 24) - 1, False), (1 << 24, True)):
        path = tmp_path / f"{size}.txt"
        path.touch()
        os.truncate(path, size)
        key = cache_key([read_records(path)], PLAIN)
        assert (key is not None) is kept
        if key is not None:
            assert (len(key[0]), key[1]) == (32, str(path))
    half = tmp_path / "half.txt"
    half.touch()
    os.truncate(half, 1 << 23)
    key = cache_key([read_records(half), read_records([half, half])], PLAIN)
    assert key is not None
    assert key[1] == f"{half} and {half}, {half}"
    assert cache_key([read_records(half, reuse=False), read_records(half)], PLAIN) is None
    half.unlink()
    assert cache_key([read_records([path, path])], PLAIN) is not None


def test_an_unfinished_entry_is_abandoned_after_a_day(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = 1e9
    monkeypatch.setattr(time, "time", lambda: now)
    corpus = encode_corpus(Records.of(["a", "b"]), PLAIN)
    store = StreamCache(tmp_path / "cache", limit=10**9)
    ages = {".young.tmp": 86_399, ".old.tmp": 86_400, ".older.tmp": 86_401}
    for name, age in ages.items():
        (store.folder / name).mkdir(parents=True)
        os.utime(store.folder / name, (now - age, now - age))
    store.keep(corpus, ["key"], "a text")
    assert sorted(path.name for path in store.folder.iterdir()) == [".young.tmp", "key"]
    (entry,) = store.entries()
    assert (entry.path, entry.description) == (store.folder / "key", "a text")


@pytest.mark.parametrize("short_of", [0, 1])
def test_a_corpus_as_large_as_the_cache_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, short_of: int
) -> None:
    monkeypatch.setattr(cache, "GIGABYTE", 10)
    corpus = encode_corpus(Records.of(["abc", "de"]), PLAIN)  # 7 ids of a byte, two starts of eight
    store = StreamCache(tmp_path / "cache", limit=23 - short_of)
    if short_of:
        with pytest.raises(ValueError, match=r"^it takes 2\.3 GB of at most 2\.2$"):
            store.keep(corpus, ["key"], "x")
    else:
        store.keep(corpus, ["key"], "x")
    assert len(store.entries()) == 1 - short_of


def test_a_name_that_is_not_utf_8_is_spelled_in_the_entry(tmp_path: Path) -> None:
    store = StreamCache(tmp_path, limit=10**9)
    store.keep(encode_corpus(Records.of(["a"]), PLAIN), ["key"], "caf\udce9")
    assert store.entries()[0].description == "caf\\xe9"


@pytest.mark.parametrize(
    ("held_out", "copies"), [(0, 5), (79.9, 5), (99.9, 5), (100, 6), (119.9, 6), (120, 7), (1000, 51)]
)
def test_so_many_copies_make_a_text_repeated(held_out: float, copies: int) -> None:
    assert _copies(held_out) == copies


@pytest.mark.parametrize(("others", "unusual"), [(80, False), (79, True)])
def test_a_fifth_of_copies_is_not_unusual_yet(others: int, unusual: bool) -> None:
    learnt = next(text for text in map("refrain {}".format, range(99)) if number(text) > 1 << 63)
    lines = [learnt] * 20 + [f"line {i}" for i in range(others)]
    encoded = encode_corpus(Records.of(lines), RECIPE)
    assert (encoded.split is not None) is unusual
    if encoded.split is not None:
        assert encoded.split == UnusualSplit(records=99, repeated_texts=1, copies=20, held_out=9)
        assert sides(encoded)[1].total() == 9


def test_the_smallest_hashes_are_held_out_with_all_their_copies() -> None:
    hashes = np.array([5, 3, 3, 9, 1, 7], np.uint64)
    able = np.array([True, True, True, True, False, True])
    chosen = [np.flatnonzero(_smallest(hashes, able, most)).tolist() for most in range(5)]
    assert chosen == [[], [], [1, 2], [0, 1, 2], [0, 1, 2, 5]]


@pytest.mark.parametrize(
    ("split", "sentence"),
    [
        ((10, 1, 6, 0), "nothing is held out: 60% of the records are copies of one text"),
        ((10, 0, 0, 0), "nothing is held out: there are too few different texts"),
        ((10, 2, 6, 1), "unusual split: 60% of the records are copies of 2 texts, all learnt; 1 of 10 "
         "records are held out, all of them others"),
        ((9000, 1000, 4500, 1234), "unusual split: 50% of the records are copies of 1,000 texts, all learnt; "
         "1,234 of 9,000 records are held out, all of them others"),
        ((1000, 0, 0, 2), "unusual split: 2 of 1,000 records are held out"),
    ],
)  # fmt: skip
def test_what_is_unusual_is_said(split: tuple[int, ...], sentence: str) -> None:
    names = ("records", "repeated_texts", "copies", "held_out")
    values: dict[str, Any] = dict(zip(names, split, strict=True))
    assert UnusualSplit(**values).sentence == sentence
    assert described(UnusualSplit(**values)) == {**values, "sentence": sentence}


def test_limits_of_hashes() -> None:
    limits = [digest_limit(fraction) for fraction in (0, 2**-64, 0.5, 1)]
    assert limits == [0, 1, 1 << 63, (1 << 64) - 1]


def test_the_sum_of_an_array_is_that_of_its_mebibytes() -> None:
    """Each is summed as numbers of eight bytes, little end first; what is left is a number, too."""
    array = np.arange((1 << 18) + 3, dtype=np.uint32)
    raw = array.astype("<u4").tobytes()
    sums = []
    for begin in range(0, len(raw), 1 << 20):
        block = raw[begin : begin + (1 << 20)]
        numbers = [int.from_bytes(block[at : at + 8], "little") for at in range(0, len(block), 8)]
        sums.append((sum(numbers) % (1 << 64)).to_bytes(8, "little"))
    assert len(sums) == 2
    assert _digest(array, None) == hashlib.blake2b(b"".join(sums), digest_size=16).hexdigest()


def test_fingerprints_are_those_of_both_parts() -> None:
    encoded = encode_corpus(Records.of(["a", "b"]), PLAIN, Records.of(["ab"]))
    assert fingerprints(encoded) == {
        "training": encoded.training.fingerprint(), "validation": encoded.validation.fingerprint(),
    }  # fmt: skip
    assert len(set(fingerprints(encoded).values())) == 2
