"""What is compared, measured and drawn in an audit: each part by hand, and the steps in their order."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

import unspool
from tests.pictures.labels import check_labels, words
from unspool._evaluation.audit import run
from unspool._evaluation.audit.copying import CopiedPlace, _characters
from unspool._evaluation.audit.picture import draw_lengths
from unspool._evaluation.audit.run import (
    AuditOptions,
    AuditTexts,
    _bits,
    _count_whole,
    _draw,
    _once_held_out,
    _order,
    _real_texts,
    audit_network,
)
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._pictures.colours import BLUE, ORANGE
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(tuple("abcde"))  # ids 1 … 5; <eos> is 6


def stream(*records: list[int]) -> TokenStream:
    """Make a stream of records, each with its end."""
    ids = [np.array([*record, 6], np.uint8) for record in records]
    starts = np.cumsum([0, *map(len, ids)])[:-1].astype(np.int64)
    return TokenStream(np.concatenate(ids), starts, sum(map(len, records)))


def ids(*texts: list[int]) -> list[Any]:
    return [np.array(text, np.int32) for text in texts]


def test_held_out_texts_are_as_many_and_as_long_as_those_that_were_written() -> None:
    held_out = stream([1, 2, 3, 4, 5], [1], [2, 2], [3, 3, 3])
    found = [text.tolist() for text in _real_texts(held_out, ids([1, 1, 1], [2]), document=False, seed=0)]
    records = [[1, 2, 3], [1], [2, 2], [3, 3, 3]]  # cut to three symbols
    order = _order(4, 0).tolist()
    assert found == [records[number] for number in order[:2]]
    assert sorted(order) == [0, 1, 2, 3]
    assert len({tuple(_order(9, seed).tolist()) for seed in range(5)}) == 5
    every = _real_texts(held_out, ids(*[[1] * 9] * 7), document=False, seed=0)
    assert len(every) == 4
    assert {text.dtype for text in every} == {np.dtype(np.int32)}
    assert _real_texts(held_out, ids([], []), document=False, seed=0) == []
    empty = TokenStream(np.zeros(0, np.uint8), np.zeros(0, np.int64), 0)
    assert _real_texts(empty, ids([1]), document=False, seed=0) == []


def test_of_a_document_pieces_are_taken_evenly() -> None:
    text = stream([1, 2, 3, 4, 5, 1, 2, 3, 4])  # ten symbols with the end
    pieces = _real_texts(text, ids([9, 9, 9], [9], [9, 9], [9], [9]), document=True, seed=0)
    assert [piece.tolist() for piece in pieces] == [[1, 2, 3], [4], [2, 3]]  # three of three fit into ten
    assert _real_texts(text, ids([9] * 11), document=True, seed=0) == []
    assert [p.tolist() for p in _real_texts(text, ids([9] * 10), document=True, seed=0)] == [
        [1, 2, 3, 4, 5, 1, 2, 3, 4, 6]
    ]  # fmt: skip


def test_whole_records_are_counted_among_different_texts() -> None:
    training, held_out = stream([1], [2, 2], [1], [3]), stream([4], [5], [5])
    found = _count_whole(ids([1], [1], [4], [2, 2], [], [5, 5]), training, held_out)
    assert (found.different, found.in_training, found.in_held_out) == (4, 2, 1)
    assert (found.training, found.held_out, found.repeated_share) == (3, 2, 0.5)


@pytest.fixture
def measured(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    seen: list[Any] = []

    def measure(engine: Any, parameters: Any, part: TokenStream, **options: Any) -> Any:
        seen.append((part.ids.tolist(), options))
        return SimpleNamespace(bits_per_character=1.5)

    monkeypatch.setattr(run, "evaluate_stream", measure)
    monkeypatch.setattr(run, "MEASURED", 4)
    return seen


def bits(part: TokenStream, *, document: bool, seed: int = 0) -> float | None:
    engine: Any = None
    return _bits(engine, {}, part, TOKENIZER, document=document, seed=seed)


def test_of_a_long_text_a_part_is_measured(measured: list[Any]) -> None:
    assert bits(stream([1], [2], [3], [4], [5]), document=False) == 1.5  # records of two symbols: two of them
    assert bits(stream([1], [2]), document=False) == 1.5
    assert bits(stream([1, 2, 3, 4, 5, 1, 2]), document=True) == 1.5
    assert bits(stream([1, 2, 3]), document=True) == 1.5
    assert bits(stream([1, 2, 3, 4, 5]), document=False) == 1.5  # at least one record
    assert bits(TokenStream(np.zeros(0, np.uint8), np.zeros(0, np.int64), 0), document=False) is None
    (some, options), (all_of_two, _), (end, of_document), (whole, _), (one, _) = measured
    assert len(some) == 4
    assert some[1] == some[3] == 6
    assert all_of_two == [1, 6, 2, 6]
    assert end == [4, 5, 1, 2, 6]  # four of seven characters, and the end
    assert (whole, one) == ([1, 2, 3, 6], [1, 2, 3, 4, 5, 6])
    assert options == {"eos_id": 6, "document": False}
    assert of_document == {"eos_id": 6, "document": True}
    parts = []
    for seed in range(8):
        measured.clear()
        bits(stream([1], [2], [3], [4], [5]), document=False, seed=seed)
        parts.append(tuple(measured[0][0]))
    assert len(set(parts)) > 2


def test_texts_are_drawn_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[Any] = []
    told: list[Any] = []

    def generate(writer: Any, request: Any) -> list[GeneratedIds]:
        asked.append((len(request.prompts), request.first, request.options))
        return [
            GeneratedIds(np.array([request.first + i]), np.zeros(1), None)
            for i in range(len(request.prompts))
        ]

    monkeypatch.setattr(run, "generate", generate)
    monkeypatch.setattr(run, "DRAWN_AT_ONCE", 2)
    engine: Any = SimpleNamespace(writer=lambda parameters: "a writer")
    options = AuditOptions(samples=5, generation=GenerationOptions(seed=3, top_k=7))
    drawn = _draw(engine, {}, options, 2, lambda *said: told.append(said))
    assert [text.tolist() for text in drawn] == [[0], [1], [2], [3], [4]]
    assert [(count, first) for count, first, _ in asked] == [(2, 0), (2, 2), (1, 4)]
    assert {(each.seed, each.top_k) for *_, each in asked} == {(3, 7)}
    assert asked[0][2].logit_bias == {2: -np.inf}
    assert told == [("writing texts", first, 5) for first in (0, 2, 4)]


def test_what_was_once_held_out_is_what_the_model_records() -> None:
    assert _once_held_out({"sizes": {"validation": {"characters": 12}}}) == 12
    for data in (
        {},
        {"sizes": None},
        {"sizes": {}},
        {"sizes": {"validation": None}},
        {"sizes": {"validation": {}}},
    ):
        assert _once_held_out(data) == 0


@pytest.mark.parametrize("document", [False, True])
def test_an_audit_goes_step_by_step(monkeypatch: pytest.MonkeyPatch, document: bool) -> None:
    texts = [f"{a}{b}{c}" for a in "abcde" for b in "abcde" for c in "abcde"]
    model = unspool.train(texts, hidden_size=4, epochs=1, threads=1, validation_fraction=None, progress=False)
    seeds: list[Any] = []

    def exposures(
        engine: Any, parameters: Any, tokenizer: Any, *, form: Any, secrets: Any, seed: int
    ) -> None:
        seeds.append((form.text, secrets, seed))

    monkeypatch.setattr(run, "measure_exposures", exposures)
    recipe = EncodingRecipe(tokenizer=model.tokenizer, validation_fraction=0.4, document=document)
    corpus = Records.of(texts, document=document)
    options = AuditOptions(samples=30, generation=GenerationOptions(seed=5, max_new_tokens=3), secrets=["a"],
                           canary_format="{letters:1}")  # fmt: skip
    told: list[Any] = []
    found = audit_network(
        model.runner, model.parameters, model.tokenizer,
        AuditTexts(corpus=corpus, validation=None, recipe=recipe, data={"fingerprints": {"training": "x"}}),
        options, report=lambda *said: told.append(said),
    )  # fmt: skip
    steps = list(dict.fromkeys(what for what, *_ in told))
    assert steps == ["ranking the secrets", "reading the corpus", "measuring bits per character",
                     "writing texts", "searching the training text", "comparing the texts"]  # fmt: skip
    assert told[0] == ("ranking the secrets", 0, 0)
    assert seeds == [("{letters:1}", ["a"], 5)]
    encoded = encode_corpus(corpus, recipe)
    assert len(found.copying.samples) == 30
    assert 2 < len(found.copying.held_out) <= 30
    assert found.held_out_bits_per_character is not None
    assert found.training_bits_per_character > 0
    assert found.same_corpus is False
    assert (found.copying.whole is None) is document
    assert found.fit.sentence.startswith(
        f"Fit unknown: {encoded.validation.characters} characters are held out"
    )
    assert f"training {found.training_bits_per_character:.3f}" in found.fit.sentence
    assert found.held_out_diversity is not None
    none = replace_options(options)
    whole = EncodingRecipe(tokenizer=model.tokenizer, document=document)
    alone = audit_network(
        model.runner, model.parameters, model.tokenizer,
        AuditTexts(corpus=corpus, validation=None, recipe=whole, data={}), none,
    )  # fmt: skip
    assert (alone.canaries, alone.same_corpus, alone.held_out_diversity) == (None, None, None)
    assert alone.held_out_bits_per_character is None
    assert len(seeds) == 1


def replace_options(options: AuditOptions) -> AuditOptions:
    """Return the options of an audit without secrets and without a seed."""
    return AuditOptions(
        samples=options.samples, generation=GenerationOptions(max_new_tokens=3), canary_format="x"
    )


def test_a_place_is_told_with_what_stands_around_it() -> None:
    training = stream([1, 2, 3, 4, 5], [5, 4, 3])
    place = CopiedPlace(training, 1, 2, TOKENIZER)
    assert (place.record, place.position, place.before, place.span, place.after) == (1, 1, "a", "bc", "de")
    last = CopiedPlace(training, 6, 3, TOKENIZER)
    assert (last.record, last.position, last.before, last.span) == (2, 0, "", "edc")
    assert _characters(np.array([1, 2]), TOKENIZER) == 2


def test_lengths_are_drawn_beside_each_other() -> None:
    picture = check_labels(draw_lengths("Copied", [0, 0, 1, 1], [1]))
    assert {"Copied", "generated texts", "held-out real texts", "% of the texts"} <= set(words(picture))
    assert "characters of the longest span that a text shares with the training text" in words(picture)
    tips = ["".join(element.itertext()) for element in picture.iter() if element.tag.endswith("title")]
    assert {"generated texts, 0 characters: 50.0%", "generated texts, 1 character: 50.0%",
            "held-out real texts, 1 character: 100.0%"} <= set(tips)  # fmt: skip
    wide = check_labels(draw_lengths("Copied", [0, 40], []))
    tips = ["".join(element.itertext()) for element in wide.iter() if element.tag.endswith("title")]
    assert "generated texts, 0 to 2 characters: 50.0%" in tips  # 41 lengths in 16 bins are three each
    assert "generated texts, 39 to 41 characters: 50.0%" in tips
    assert "held-out real texts" not in words(wide)
    fills = {element.get("fill") for element in picture.iter()}
    assert {BLUE, ORANGE} <= fills
    assert ORANGE not in {element.get("fill") for element in wide.iter()}
    described = "How much generated and real texts share with the training text."
    assert described in ["".join(element.itertext()) for element in wide.iter()]
