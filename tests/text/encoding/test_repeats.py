"""The split of a corpus in which a few texts stand again and again, or in which there are few texts."""

import hashlib
import random
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from unspool._text.encoding import cache, repeats
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import is_held_out
from unspool._text.novelty import texts_of
from unspool._text.reading.sources import read_records
from unspool._text.records import Record, Records
from unspool._text.streams import builder

RECIPE = EncodingRecipe(validation_fraction=0.1)
NOISE = ["ok", "yes", "lol", "see you at four then", "nice"]


def chat(frequent: int = 900, others: int = 600) -> list[str]:
    """Make lines of which a few come again and again."""
    lines = [NOISE[i % len(NOISE)] for i in range(frequent)] + [
        f"can {i} bring tea at {i % 12}?" for i in range(others)
    ]
    random.Random(1).shuffle(lines)
    return lines


def sides(encoded: EncodedCorpus) -> tuple[Counter[str], Counter[str]]:
    training, validation = (
        Counter(texts_of(part, encoded.tokenizer)) for part in (encoded.training, encoded.validation)
    )
    return training, validation


def number(text: str) -> int:
    return int.from_bytes(hashlib.blake2b(text.encode(), digest_size=8).digest(), "big")


def test_repeated_texts_are_learnt_and_the_others_make_up_the_share_asked_for() -> None:
    lines = chat()
    encoded = encode_corpus(Records.of(lines), RECIPE)
    training, validation = sides(encoded)
    assert training + validation == Counter(lines)
    assert not training.keys() & validation.keys()
    assert not validation.keys() & set(NOISE)
    assert validation.total() == 150  # a tenth of 1,500
    others = sorted(set(lines) - set(NOISE), key=number)
    assert set(validation) == set(others[:150])  # those with the smallest hashes
    assert encoded.split is not None
    assert (encoded.split.repeated_texts, encoded.split.copies, encoded.split.held_out) == (5, 900, 150)
    assert encoded.split.sentence.startswith("unusual split: 60% of the records are copies of 5 texts")
    assert encoded.training.characters == sum(len(text) * times for text, times in training.items())


def test_most_of_what_is_not_repeated_is_learnt_too() -> None:
    _, validation = sides(encode_corpus(Records.of(chat(1900, 100)), RECIPE))
    assert validation.total() == 25  # a quarter of the others; a tenth of all would be twice them


@pytest.mark.parametrize("fraction", [0.02, 0.1, 0.5, 0.9])
def test_the_order_and_the_tokenizer_have_no_effect(fraction: float) -> None:
    recipe, lines = replace(RECIPE, validation_fraction=fraction), chat()
    first = sides(encode_corpus(Records.of(lines), recipe))
    assert 0 < first[1].total() <= fraction * len(lines)
    assert sides(encode_corpus(Records.of(lines[::-1]), recipe)) == first
    for kind in ("word", "bytes"):
        assert sides(encode_corpus(Records.of(lines), replace(recipe, tokenizer=kind))) == first


def test_a_file_its_cache_and_texts_in_memory_are_split_alike(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr(cache, "LEAST_SOURCE", 1)
    path, lines = tmp_path / "chat.txt", chat()
    path.write_text("".join(f"{line}\n" for line in lines), "utf-8")
    here = encode_corpus(Records.of(lines), RECIPE)
    new, cached = (encode_corpus(read_records(path), RECIPE) for _ in range(2))
    assert "taken from the cache" in str(cached.note)
    for corpus in (new, cached):
        assert corpus.training.fingerprint() == here.training.fingerprint()
        assert corpus.validation.fingerprint() == here.validation.fingerprint()
        assert corpus.split == here.split
    usual = encode_corpus(read_records(path), replace(RECIPE, minds_repeats=False))
    assert "taken from the cache" in str(usual.note)  # of one key: what it has is split as usual
    assert usual.validation.fingerprint() != here.validation.fingerprint()


def test_pieces_and_files_change_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = encode_corpus(Records.of(chat()), RECIPE)
    monkeypatch.setattr(repeats, "AT_ONCE", 7)
    monkeypatch.setattr(repeats, "PREFIX", 3)
    monkeypatch.setattr(repeats, "FEW_RECORDS", 10)
    monkeypatch.setattr(builder, "SPILL", 100)
    pieces = encode_corpus(Records.of(chat()), RECIPE)
    assert pieces.training.fingerprint() == whole.training.fingerprint()
    assert pieces.validation.fingerprint() == whole.validation.fingerprint()
    assert pieces.training.characters == whole.training.characters


@pytest.mark.parametrize(
    "lines",
    [
        [f"text {i}" for i in range(300)],
        [f"text {i % 100}" for i in range(300)],  # each three times
        [f"text {i}" for i in range(300)] + ["refrain", "chorus"] * 12,
        [f"text {i}" for i in range(20)],
    ],
)
def test_an_ordinary_corpus_is_split_by_the_hash_of_each_text_alone(lines: list[str]) -> None:
    encoded = encode_corpus(Records.of(lines), RECIPE)
    assert encoded.split is None
    assert list(texts_of(encoded.validation, encoded.tokenizer)) == [
        line for line in lines if is_held_out(line, fraction=0.1)
    ]
    assert list(texts_of(encoded.training, encoded.tokenizer)) == [
        line for line in lines if not is_held_out(line, fraction=0.1)
    ]


@pytest.mark.parametrize(
    "lines", [["one"], ["one", "two"], ["a", "b", "c"] * 2, ["red", "green", "blue"] * 100]
)
def test_few_texts_are_all_learnt_whatever_their_hashes(lines: list[str]) -> None:
    for variant in range(20):
        texts = [f"{line} {variant}" for line in lines]
        encoded = encode_corpus(Records.of(texts), RECIPE)
        training, validation = sides(encoded)
        assert (training, validation.total()) == (Counter(texts), 0)
        assert encoded.split is not None
        assert encoded.split.sentence.startswith("nothing is held out: ")


@pytest.mark.parametrize("kind", ["word", "char"])
def test_texts_that_differ_in_what_unk_stands_for_are_no_copies(kind: str) -> None:
    names = [f"{a}{b}{c}" for a in "bcdfghjk" for b in "aeiou" for c in "lmnprstv"]  # 320 different
    recipe = replace(RECIPE, tokenizer=kind, max_vocab_size=9)
    ordinary = encode_corpus(Records.of(names), recipe)
    assert ordinary.split is None
    assert ordinary.validation.num_records == sum(number(name) < 0.1 * 2**64 for name in names)
    lines = ["bal"] * 400 + names
    random.Random(2).shuffle(lines)
    unusual = encode_corpus(Records.of(lines), recipe)
    assert unusual.split is not None
    assert (unusual.split.repeated_texts, unusual.split.copies) == (1, 401)
    held_out = sum(number(name) < 0.1 * 2**64 for name in names if name != "bal")
    assert abs(unusual.split.held_out - held_out) < 10, "the few names without <unk> may have moved"
    for part in (unusual.training, unusual.validation):
        assert part.spelling is not None
        assert len(part.spelling) == (part.ids == unusual.tokenizer.unk_id).sum() > 0


def test_a_natural_distribution_of_words_holds_out_the_rare_ones() -> None:
    lines = [f"w{rank}" for rank in range(1, 2000) for _ in range(4000 // rank)]
    encoded = encode_corpus(Records.of(lines), RECIPE)
    training, validation = sides(encoded)
    assert training + validation == Counter(lines)
    assert not training.keys() & validation.keys()
    assert 0.09 * len(lines) < validation.total() <= 0.1 * len(lines)
    assert max(validation.values()) <= 0.05 * 0.1 * len(lines) + 1  # none is much of what is held out


def with_context(line: str) -> Record:
    return Record(
        line, {"kind": "short" if line in NOISE else "long", "exact": line if line in NOISE else ""}
    )


def test_contexts_go_with_their_records_also_those_that_only_the_usual_split_held_out() -> None:
    lines = chat()
    encoded = encode_corpus([with_context(line) for line in lines], replace(RECIPE, contexts="learn"))
    plain = encode_corpus(Records.of(lines), RECIPE)
    assert sides(encoded) == sides(plain)
    for part in (encoded.training, encoded.validation):
        assert part.contexts is not None
        schema = {attribute.name: attribute for attribute in part.contexts.schema.attributes}
        assert set(schema["exact"].values or ()) == set(NOISE)
        kinds = part.contexts.numbers[:, list(schema).index("kind")]
        for text, kind in zip(texts_of(part, encoded.tokenizer), kinds, strict=True):
            assert (schema["kind"].values or ())[int(kind)] == ("short" if text in NOISE else "long")


def test_vectors_go_with_their_records() -> None:
    lines = chat()
    texts: list[Any] = [{"text": line, "vector": [float(len(line)), 1.0]} for line in lines]
    encoded = encode_corpus(Records.of(texts), replace(RECIPE, contexts="learn"))
    for part in (encoded.training, encoded.validation):
        assert part.contexts is not None
        assert part.contexts.vectors is not None
        lengths = [len(text) for text in texts_of(part, encoded.tokenizer)]
        assert part.contexts.vectors[:, 0].tolist() == lengths


def test_pairs_with_few_answers_hold_out_some_sources_of_each() -> None:
    pairs = [(f"name {i}", ("boy", "girl", "any")[i % 3]) for i in range(300)] + [("the same", "boy")] * 30
    encoded = encode_corpus(Records.of(pairs), replace(RECIPE, sources="learn"))
    found: list[set[tuple[str, str]]] = []
    for part in (encoded.training, encoded.validation):
        assert part.sources is not None
        assert encoded.source_tokenizer is not None
        sources = texts_of(part.sources, encoded.source_tokenizer)
        found.append(set(zip(sources, texts_of(part, encoded.tokenizer), strict=True)))
    assert found[0] | found[1] == set(pairs)
    assert not found[0] & found[1]
    assert {answer for _, answer in found[1]} == {"boy", "girl", "any"}
    assert len(found[1]) == 33
    assert ("the same", "boy") in found[0]


@pytest.mark.parametrize("make", [Records.of, lambda lines: map(Record, lines)])
def test_planted_secrets_are_learnt(make: Callable[[list[str]], Any]) -> None:
    secrets = sorted((f"pin {i}" for i in range(1000)), key=number)[:5]
    encoded = encode_corpus(make(secrets + chat()), RECIPE, planted=secrets)
    training, _ = sides(encoded)
    assert set(secrets) <= set(training)


def test_held_out_texts_of_the_user_stay_as_they_are() -> None:
    encoded = encode_corpus(Records.of(chat()), RECIPE, Records.of(["ok"] * 9))
    assert sides(encoded) == (Counter(chat()), Counter({"ok": 9}))
    assert encoded.split is None


@pytest.mark.parametrize(("count", "unusual"), [(9, True), (10, False), (19, False)])
def test_few_texts_are_those_of_which_a_tenth_is_less_than_one(count: int, unusual: bool) -> None:
    encoded = encode_corpus(
        Records.of([f"text {letter}" for letter in "abcdefghijklmnopqrs"[:count]]), RECIPE
    )
    assert (encoded.split is not None) is unusual
