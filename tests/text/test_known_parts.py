"""Parts of what is known: of long lists of values, of documents in two parts, of streams that are cut."""

from dataclasses import replace

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._text import novelty
from unspool._text.context import Attribute, ContextSchema, RecordContexts, number_in
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.novelty import NoveltyIndex, texts_of
from unspool._text.records import Records
from unspool._text.streams import stream as streams
from unspool._text.streams.stream import TokenStream, tail_cut

NUMBER = Attribute("size", mean=1234567.0, deviation=0.5)


def named(count: int) -> Attribute:
    return Attribute("label", tuple(f"v{number}" for number in range(count)), (1,) * count)


def test_twenty_values_are_shown() -> None:
    first = ", ".join(f"'v{number}'" for number in range(20))
    assert [named(count).allowed for count in (20, 21, 1022)] == [
        f"one of {first}", f"one of {first} or 1 more", f"one of {first} or 1002 more",
    ]  # fmt: skip
    plain = first.replace("'", "")
    assert [named(count).described for count in (20, 21)] == [plain, f"{plain}, …"]
    assert (NUMBER.allowed, NUMBER.described) == ("a number", "a number, 1.23457e+06 ± 0.5")
    schema = ContextSchema((named(2), NUMBER), vector_size=7)
    assert schema.described == [
        ("label", "v0, v1"),
        ("size", "a number, 1.23457e+06 ± 0.5"),
        ("vector", "7 numbers"),
    ]
    assert ContextSchema().described == []
    assert (schema.width, ContextSchema((NUMBER,)).width, ContextSchema(vector_size=1).width) == (3, 1, 1)


@pytest.mark.parametrize(
    "values",
    [
        {}, {"values": ("a",)}, {"counts": (1,)}, {"values": ("a", "a"), "counts": (1, 1)},
        {"values": ("a",), "counts": (1, 2)}, {"mean": 0.0}, {"deviation": 1.0},
        {"mean": 0.0, "deviation": 0.0},
        {"values": ("a",), "counts": (1,), "mean": 0.0, "deviation": 1.0},
    ],
)  # fmt: skip
def test_an_attribute_is_either_categorical_or_a_number(values: dict[str, object]) -> None:
    with pytest.raises(ConfigError) as caught:
        Attribute("a", **values)  # type: ignore[arg-type]
    wanted = (
        "attribute a: expected values with their counts, or a mean and a deviation above 0, got Attribute("
    )
    assert str(caught.value).startswith(wanted)


def test_what_a_model_does_not_know_is_named() -> None:
    messages = []
    for schema, context in (
        (ContextSchema(), {"a": 1}),
        (ContextSchema((NUMBER, named(2))), {"a": 1}),
        (ContextSchema((named(2),)), {"label": "v2"}),
        (ContextSchema((NUMBER,)), {"size": "big"}),
    ):
        with pytest.raises(ConfigError) as caught:
            schema.row(context)
        messages.append(str(caught.value))
    assert messages == [
        "context 'a' cannot be used: the model was trained without context",
        "context 'a' is not known to the model: expected one of size, label",
        "context label: expected one of 'v0', 'v1', got 'v2'",
        "context size: expected a number, got 'big'",
    ]
    for schema, vector, message in (
        (ContextSchema(), [1], "vector must be None: the model was trained without vectors; got shape (1,)"),
        (ContextSchema(vector_size=2), [1], "vector must be 2 finite numbers; got shape (1,)"),
        (ContextSchema(vector_size=1), ["x"], "vector must be 1 finite numbers; got ['x']"),
    ):
        with pytest.raises(ConfigError) as caught:
            schema.vector(vector)
        assert str(caught.value) == message
    assert [number_in(text) for text in ("1.5", " 2 ", "1e999", "nan", "x", "")] == [1.5, 2, *[None] * 4]


def test_contexts_in_bytes_and_of_some_records() -> None:
    numbers, vectors = np.array([[1, np.nan], [2, 3]], np.float32), np.array([[4], [5]], np.float32)
    contexts = RecordContexts(ContextSchema((NUMBER, NUMBER), 1), numbers, vectors)
    assert contexts.bytes() == numbers.astype("<f4").tobytes() + vectors.astype("<f4").tobytes()
    assert replace(contexts, vectors=None).bytes() == numbers.astype("<f4").tobytes()
    taken = contexts.take([1])
    assert (taken.schema, taken.numbers.tolist()) == (contexts.schema, [[2, 3]])
    assert taken.vectors is not None
    assert taken.vectors.tolist() == [[5]]
    assert replace(contexts, vectors=None).take([1]).vectors is None
    only_vectors = RecordContexts(ContextSchema(vector_size=1), np.zeros((2, 0), np.float32), vectors)
    context, found = only_vectors.rows(np.array([1]))
    assert context is None
    assert found is not None
    assert found.tolist() == [[5]]


def test_an_index_of_both_parts_knows_which_part_has_a_text() -> None:
    encoded = encode_corpus(Records.of(["anna", "otto"]), EncodingRecipe(), Records.of(["nana", "otto"]))
    parts = (encoded.training, encoded.validation, encoded.tokenizer)
    index = NoveltyIndex.of_parts(*parts, by_line=False)
    assert [index.knows(text) for text in ("anna", "otto", "nana", "tato")] == [True, True, True, False]
    assert [index.holds_out(text) for text in ("anna", "otto", "nana")] == [False, False, True]
    assert (len(index), index.covers) == (3, "the training and the held-out texts")
    alone = NoveltyIndex.of_stream(encoded.training, encoded.tokenizer, by_line=False)
    assert (len(alone), alone.covers, alone.held_out) == (2, "the training texts alone", None)
    assert list(texts_of(encoded.validation, encoded.tokenizer)) == ["nana", "otto"]


@pytest.mark.parametrize("block", [1, 3, 1 << 20])
def test_a_line_that_the_cut_of_a_document_divides_is_held_out_as_a_whole(
    monkeypatch: pytest.MonkeyPatch, block: int
) -> None:
    monkeypatch.setattr(novelty, "BLOCK", block)
    poem = "ab\ncd\nef\n"
    encoded = encode_corpus(
        Records.of([poem], document=True), EncodingRecipe(document=True, validation_fraction=0.5)
    )
    assert (len(encoded.training), len(encoded.validation)) == (4, 6)  # "ab\nc" and "d\nef\n<eos>"
    index = NoveltyIndex.of_parts(encoded.training, encoded.validation, encoded.tokenizer, by_line=True)
    known = ["ab", "cd", "ef", "c", "d", "e", "ab\ncd", "ab\nef\n"]
    assert [index.knows(text) for text in known] == [True, True, True, True, False, False, True, True]
    assert [index.holds_out(text) for text in ("ab", "cd", "c", "ef", "ab\nef")] == [
        False, True, False, True, True,
    ]  # fmt: skip
    assert index.holds_out("ab\ncd", cut=True) is False
    assert index.known_spans("ab\nxy\n\ncd") == [(0, 2), (7, 9)]
    assert NoveltyIndex.of(["a\nb"]).known_spans("a\nb") == [(0, 3)]
    assert NoveltyIndex.of(["a\nb"]).known_spans("a") == []


def test_one_line_of_a_cut_text_counts_though_it_is_unfinished() -> None:
    index = NoveltyIndex.of(["ab\ncd"], by_line=True)
    assert [index.knows(text, cut=True) for text in ("ab", "a", "ab\nc", "ab\nx", "x\nab", "\nc")] == [
        True, False, True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("length", "fraction", "cut"),
    [(10, 0, 10), (11, 0.1, 9), (11, 0.5, 5), (2, 0.99, 1), (1, 0.5, 1), (0, 0.5, 0), (0, 0, 0)],
)
def test_where_a_document_is_cut(length: int, fraction: float, cut: int) -> None:
    assert tail_cut(length, fraction) == cut


@pytest.mark.parametrize("block", [1, 3, 1 << 22])
def test_parts_of_a_stream_know_what_they_have(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    """The words are a (1), <unk> (2: of two characters, then of four) and the space (3); <eos> is 4."""
    monkeypatch.setattr(streams, "BLOCK", block)
    source = TokenStream(np.array([1, 4, 3, 4, 2, 4], np.uint8), np.array([0, 2, 4]), 3)
    schema = ContextSchema((Attribute("n", mean=0.0, deviation=1.0),))
    whole = TokenStream(
        ids=np.array([1, 3, 2, 4, 2, 4, 1, 3, 1, 4], np.uint8),
        starts=np.array([0, 4, 6]),
        characters=1 + 1 + 2 + 4 + 3,
        symbol_lengths=np.array([0, 1, -1, 1, 0]),
        contexts=RecordContexts(schema, np.array([[1], [2], [3]], np.float32)),
        sources=source,
        spelling=np.array([0.5, 1.5], np.float32),
        known_fingerprint="known",
    )
    assert (whole.unk_id, whole.spelling_nats, whole.unspelled, whole.fingerprint()) == (2, 2.0, 0, "known")
    assert replace(whole, spelling=None).unspelled == 2
    assert replace(whole, spelling=None).spelling_nats == 0.0
    taken = whole.take(np.array([2, 1]))
    assert (taken.ids.tolist(), taken.starts.tolist(), taken.characters) == ([1, 3, 1, 4, 2, 4], [0, 4], 6)
    assert taken.spelling is not None
    assert taken.sources is not None
    assert taken.contexts is not None
    assert (taken.spelling.tolist(), taken.sources.ids.tolist()) == ([1.5], [2, 4, 3, 4])
    assert taken.contexts.numbers.tolist() == [[3], [2]]
    assert taken.fingerprint() != "known"
    begun = whole.beginning(5)
    assert (begun.ids.tolist(), begun.starts.tolist(), begun.characters) == ([1, 3, 2, 4, 2], [0, 4], 8)
    assert begun.spelling is not None
    assert begun.contexts is not None
    assert (begun.spelling.tolist(), begun.contexts.numbers.tolist()) == ([0.5, 1.5], [[1], [2]])
    assert begun.fingerprint() != "known"
    assert whole.beginning(4).starts.tolist() == [0]
    head, tail = whole.tail_split(0.45)  # four of nine: the second record begins there
    for part, ids, starts, nats, known in (
        (head, [1, 3, 2, 4], [0], [0.5], [[1]]),
        (tail, [2, 4, 1, 3, 1, 4], [0, 2], [1.5], [[2], [3]]),
    ):
        assert (part.ids.tolist(), part.starts.tolist()) == (ids, starts)
        assert part.spelling is not None
        assert part.contexts is not None
        assert (part.spelling.tolist(), part.contexts.numbers.tolist()) == (nats, known)
        assert part.fingerprint() != "known"
    assert (head.characters, tail.characters) == (5, 6)  # each <unk> counts as three characters
    plain = replace(whole, symbol_lengths=None, spelling=None)
    assert (plain.unk_id, plain.unspelled) == (None, 0)
