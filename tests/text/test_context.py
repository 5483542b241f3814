"""What is known about records: its columns worked by hand, how it is gathered, and what is left out."""

from collections.abc import Iterator

import numpy as np
import pytest

from unspool._configuration import from_dict, to_dict
from unspool._errors import ConfigError, CorpusError
from unspool._text.context import Attribute, ContextSchema, RecordContexts, kept_attributes
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.sources import read_records
from unspool._text.records import Record, Records
from unspool._text.streams.lanes import Conditions, Lanes, Window

LABEL = Attribute("label", values=("b", "a"), counts=(3, 1))
SIZE = Attribute("size", mean=2.0, deviation=4.0)
SCHEMA = ContextSchema((LABEL, SIZE), vector_size=2)


def test_columns_are_worked_by_hand() -> None:
    assert SCHEMA.size == 4
    assert SCHEMA.width == 3
    np.testing.assert_array_equal(SCHEMA.row({"label": "a", "size": 10}), [0, 1, 2, 1])
    np.testing.assert_array_equal(SCHEMA.row({"label": "b"}), [1, 0, 0, 0])
    np.testing.assert_array_equal(SCHEMA.row({"size": "2", "label": ""}), [0, 0, 0, 1])
    np.testing.assert_array_equal(SCHEMA.row({"label": None}), np.zeros(4))
    assert ContextSchema().row({}).shape == (0,)
    assert ContextSchema().size is None


@pytest.mark.parametrize(
    ("context", "told"),
    [
        ({"lable": "a"}, r"label, size"),
        ({"label": "c"}, "'b', 'a'"),
        ({"size": "big"}, "a number"),
        ({"size": "nan"}, "a number"),
        ({"size": 1e300}, "a number"),
    ],
)
def test_what_is_not_known_is_named_with_what_is(context: dict[str, str], told: str) -> None:
    with pytest.raises(ConfigError, match=told):
        SCHEMA.row(context)


def test_a_vector_has_its_size() -> None:
    np.testing.assert_array_equal(SCHEMA.vector([1, 2]), [1, 2])
    for wrong in ([1], [1, float("inf")], [[1, 2]], [1, 1e300], [-4e38, 0]):
        with pytest.raises(ConfigError, match="2 finite numbers"):
            SCHEMA.vector(wrong)
    with pytest.raises(ConfigError, match="without"):
        ContextSchema().vector([1])


def test_json_and_back_is_the_same() -> None:
    assert from_dict(ContextSchema, to_dict(SCHEMA), where="here") == SCHEMA
    for broken in (
        {"name": "x"},
        {"name": "x", "values": ["a", "a"], "counts": [1, 1]},
        {"name": "x", "values": ["a"]},
        {"name": "x", "mean": 1.0, "deviation": 0.0},
        {"name": "x", "mean": 1.0, "deviation": 1.0, "values": ["a"], "counts": [1]},
        {"name": "x", "colour": 1},
    ):
        with pytest.raises(ConfigError):
            from_dict(ContextSchema, {"attributes": [broken]}, where="here")


def test_what_is_left_out_is_unsaid() -> None:
    contexts = RecordContexts(
        SCHEMA, np.array([[0, 10], [1, np.nan]], np.float32), np.array([[1, 2], [3, 4]], np.float32)
    )
    context, vectors = contexts.rows(np.array([1, 0]))
    np.testing.assert_array_equal(context, [[0, 1, 0, 0], [1, 0, 2, 1]])
    np.testing.assert_array_equal(vectors, [[3, 4], [1, 2]])
    kept = np.array([[False, True, False], [True, True, True]])
    context, vectors = contexts.rows(np.array([0, 1]), kept)
    np.testing.assert_array_equal(context, [[0, 0, 2, 1], [0, 1, 0, 0]])
    np.testing.assert_array_equal(vectors, [[0, 0], [3, 4]])


def test_leaving_out_depends_on_seed_epoch_and_record_alone() -> None:
    def draw(records: int = 4000, *, seed: int = 1, epoch: int = 0) -> np.ndarray:
        kept = kept_attributes(records, 2, dropout=0.25, seed=seed, epoch=epoch)
        assert kept is not None
        return kept

    first = draw()
    assert first.shape == (4000, 2)
    assert first.mean() == pytest.approx(0.75, abs=0.02)
    assert (first[:, 0] & first[:, 1]).mean() == pytest.approx(0.75**2, abs=0.03)
    np.testing.assert_array_equal(first, draw())
    np.testing.assert_array_equal(first[:10], draw(10))
    assert (first != draw(seed=2)).any()
    assert (first != draw(epoch=1)).any()
    assert kept_attributes(10, 2, dropout=0.0, seed=1, epoch=0) is None


def learnt(records: list[Record], **options: object) -> RecordContexts:
    contexts = encode_corpus(records, EncodingRecipe(contexts="learn", **options)).training.contexts  # type: ignore[arg-type]
    assert contexts is not None
    return contexts


def test_values_become_categories_and_many_numbers_a_number() -> None:
    records = [
        Record("x", {"label": "ab"[i % 3 == 0], "few": str(i % 20), "many": f"{i % 21}.5", "none": " "})
        for i in range(63)
    ]
    schema = learnt(records).schema
    label, few, many = schema.attributes
    assert (label.values, label.counts) == (("a", "b"), (42, 21))
    assert len(few.values) == 20
    assert few.counts[:3] == (4, 4, 4)
    assert many.is_number
    assert many.mean == pytest.approx(10.5)
    assert many.deviation == pytest.approx(np.arange(21).std())
    (length,) = learnt([Record("x" * n, {"length": str(n)}) for n in (1, 3)]).schema.attributes
    assert (length.mean, length.deviation) == (2, 1)
    assert not learnt([Record("x", {"length": "1"})]).schema.attributes[0].is_number
    mixed = learnt([Record("x", {"id": str(i) if i else "zero"}) for i in range(30)])
    assert not mixed.schema.attributes[0].is_number


def test_too_many_values_are_refused() -> None:
    assert learnt([Record("x", {"id": f"n{i}"}) for i in range(500)]).schema.size == 500
    with pytest.raises(CorpusError, match=r"context 'id' has 501 different values.*at most 500"):
        learnt([Record("x", {"id": f"n{i}"}) for i in range(501)])


def test_records_without_context_have_none() -> None:
    assert encode_corpus([Record("ab")], EncodingRecipe(contexts="learn")).training.contexts is None
    assert encode_corpus([Record("ab", {"label": "x"})], EncodingRecipe()).training.contexts is None


def test_each_side_of_the_split_has_its_own_records() -> None:
    corpus = Records.of([{"text": f"text {i}", "label": f"l{i % 5}"} for i in range(200)])
    encoded = encode_corpus(corpus, EncodingRecipe(validation_fraction=0.3, contexts="learn"))
    for stream in (encoded.training, encoded.validation):
        assert stream.contexts is not None
        values = stream.contexts.schema.attributes[0].values
        ends = [*stream.starts[1:].tolist(), len(stream)]
        for start, end, number in zip(stream.starts, ends, stream.contexts.numbers[:, 0], strict=True):
            text = encoded.tokenizer.decode(stream.ids[start : end - 1])
            assert values[int(number)] == f"l{int(text.removeprefix('text ')) % 5}"
    assert (
        encoded.training.fingerprint()
        != encode_corpus(corpus, EncodingRecipe(validation_fraction=0.3)).training.fingerprint()
    )


def test_only_what_is_learnt_from_says_what_there_is() -> None:
    training = Records.of([{"text": "a", "label": "x"}])
    other = Records.of([{"text": "b", "label": "y"}, {"text": "c", "label": "x", "colour": "red"}])
    encoded = encode_corpus(training, EncodingRecipe(contexts="learn"), other)
    assert encoded.schema == ContextSchema((Attribute("label", values=("x",), counts=(1,)),))
    assert encoded.validation.contexts is not None
    np.testing.assert_array_equal(encoded.validation.contexts.numbers, [[np.nan], [0]])
    with pytest.raises(ConfigError, match="context label: expected one of 'x', got 'y'"):
        encode_corpus(
            other, EncodingRecipe(tokenizer=encoded.tokenizer, unknown="drop", contexts=encoded.schema)
        )


def test_pieces_of_a_text_are_one_record() -> None:
    pieces = [Record("ab", {"l": "x"}, ends=False), Record("c", {"l": "x"}), Record("d", {"l": "y"})]
    stream = encode_corpus(pieces, EncodingRecipe(contexts="learn")).training
    assert stream.num_records == 2
    assert stream.contexts is not None
    np.testing.assert_array_equal(stream.contexts.numbers, [[0], [1]])


def test_vectors_come_along_and_have_one_size() -> None:
    texts = [{"text": "a", "vector": [1, 2]}, "b", {"text": "c", "vector": np.array([3.0, 4.0])}]
    contexts = learnt(list(Records.of(texts)))  # type: ignore[arg-type]
    assert contexts.schema == ContextSchema(vector_size=2)
    np.testing.assert_array_equal(contexts.vectors, [[1, 2], [0, 0], [3, 4]])
    with pytest.raises(CorpusError, match="the vector of record 2: expected 2 numbers"):
        learnt([Record("a", vector=np.ones(2, np.float32)), Record("b", vector=np.ones(3, np.float32))])
    for wrong in ([], [[1]], ["x"], [float("nan")], 3):
        with pytest.raises(CorpusError, match="vector of text 0"):
            Records.of([{"text": "a", "vector": wrong}])
    (named,) = Records.of([{"text": "a", "vector": "up"}])
    assert named.context == {"vector": "up"}


def windows_of(*, document: bool, dropout: float = 0.0) -> Iterator[tuple[Lanes, Window]]:
    texts = [Record(f"{chr(97 + i)}" * (i % 4 + 1), {"l": str(i)}) for i in range(12)]
    stream = encode_corpus(texts, EncodingRecipe(contexts="learn")).training
    lanes = Lanes(
        stream,
        batch_size=3,
        sequence_length=4,
        seed=5,
        eos_id=int(stream.ids.max()),
        document=document,
        context_dropout=dropout,
    )
    for epoch in range(2):
        for window in lanes.windows(epoch):
            yield lanes, window


@pytest.mark.parametrize("document", [False, True])
def test_every_symbol_has_the_context_of_its_record(document: bool) -> None:
    """Record i holds one letter alone, so what it reads or predicts tells which record it is."""
    seen = 0
    for lanes, window in windows_of(document=document):
        conditions, schema = window.conditions, lanes.stream.contexts
        assert isinstance(conditions, Conditions)
        assert schema is not None
        assert conditions.context is not None
        said = conditions.context[conditions.records]  # (T, B, F)
        assert said.sum(axis=2).min() == 1
        assert len(conditions.context) <= window.ids.size
        values = schema.schema.attributes[0].values
        first = lanes.stream.ids[lanes.stream.starts]
        for place in np.ndindex(window.ids.shape):
            record = int(values[int(said[place].argmax())])
            known = {int(window.ids[place]), int(window.targets[place])} - {lanes.eos_id}
            assert known <= {int(first[record])}
            seen += 1
    assert seen > 40


def test_what_is_left_out_of_a_record_is_left_out_of_all_of_it() -> None:
    silent = 0
    for _, window in windows_of(document=False, dropout=0.5):
        assert window.conditions is not None
        assert window.conditions.context is not None
        said = window.conditions.context[window.conditions.records].sum(axis=2)  # (T, B) 0 or 1
        inside = window.ids[1:] != window.ids.max()
        np.testing.assert_array_equal(said[1:][inside], said[:-1][inside])
        silent += int((said == 0).sum())
    assert silent > 0


def test_a_cut_document_keeps_its_contexts() -> None:
    stream = encode_corpus(
        [Record("aaaa", {"l": "x"}), Record("bbbb", {"l": "y"})], EncodingRecipe(contexts="learn")
    ).training
    for fraction, heads, tails in ((0.4, [0], [1]), (0.7, [0], [0, 1]), (0.2, [0, 1], [1])):
        head, tail = stream.tail_split(fraction)
        assert head.contexts is not None
        assert tail.contexts is not None
        assert head.contexts.numbers[:, 0].tolist() == heads
        assert tail.contexts.numbers[:, 0].tolist() == tails


def test_the_length_is_known_where_no_column_is_called_so(tmp_path) -> None:  # type: ignore[no-untyped-def]
    table, lines, own = (tmp_path / name for name in ("a.csv", "b.txt", "c.csv"))
    table.write_text("title,label\nabc,x\nabcdefg,y\n")
    lines.write_text("abc\nde\n")
    own.write_text("title,length\nabc,long\n")
    first = list(read_records(table, text="title", context=["label", "length"]))
    assert [record.context for record in first] == [
        {"label": "x", "length": "3"},
        {"label": "y", "length": "7"},
    ]
    assert [record.context for record in read_records(lines, context="length")] == [
        {"length": "3"},
        {"length": "2"},
    ]
    assert [record.context for record in read_records(own, text="title", context="length")] == [
        {"length": "long"}
    ]
    with pytest.raises(CorpusError, match="has no columns"):
        read_records(lines, context=["length", "label"])


def test_a_named_corpus_steers_only_where_it_was_asked_to(tmp_path) -> None:  # type: ignore[no-untyped-def]
    (tmp_path / "a.csv").write_text("text,label\na,x\n")
    assert not read_records(tmp_path / "a.csv").steers
    assert read_records(tmp_path / "a.csv", context="label").steers
    assert not read_records("ag-news").steers
    assert Records.of([{"text": "a", "label": "x"}]).steers
