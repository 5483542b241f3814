"""A corpus in one pass: joined, split, counted, and exact."""

import itertools
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from unspool._errors import ConfigError, CorpusError, TokenizerError, UnknownSymbolError
from unspool._text.encoding import records_to_ids as encoding
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import hash_split, is_held_out
from unspool._text.records import Record
from unspool._text.streams import builder
from unspool._text.streams import builder as stream_builder
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import TOKENIZERS, CharTokenizer, Tokenizer
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer

any_kind = pytest.mark.parametrize("kind", sorted(TOKENIZERS))
letters = st.sampled_from("ab cd.é世'\u0301👍\n")
texts = st.lists(st.text(letters, max_size=12), min_size=1, max_size=12).filter(any)


def once(records: list[Record]) -> Iterator[Record]:
    """Yield records that cannot be read a second time."""
    yield from records


def decoded(corpus: EncodedCorpus, stream: TokenStream) -> list[str]:
    """Give the texts of a stream's records."""
    bounds = [*stream.starts.tolist(), len(stream)]
    return [corpus.tokenizer.decode(stream.ids[a:b]) for a, b in itertools.pairwise(bounds)]


@any_kind
@given(texts=texts)
def test_the_records_come_back(kind: str, texts: list[str]) -> None:
    corpus = encode_corpus(once([Record(text) for text in texts]), EncodingRecipe(tokenizer=kind))
    expected = [corpus.tokenizer.normalize(text) for text in texts]
    stream = corpus.training
    assert decoded(corpus, stream) == expected
    assert stream.characters == sum(map(len, expected))
    assert stream.num_records == len(texts)
    ends = np.append(stream.starts[1:], len(stream)) - 1
    assert np.flatnonzero(stream.ids == corpus.tokenizer.eos_id).tolist() == ends.tolist()
    assert (len(corpus.validation), corpus.validation.num_records, corpus.unknown) == (0, 0, 0)


@any_kind
@given(texts=texts, piece=st.integers(1, 9), block=st.integers(1, 9))
def test_the_sizes_of_pieces_and_blocks_do_not_matter(
    kind: str, texts: list[str], piece: int, block: int
) -> None:
    whole = encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=kind))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(encoding, "PIECE", piece)
        patch.setattr(stream_builder, "BLOCK", block)
        patch.setattr(builder, "SPILL", block)
        parts = encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=kind))
    assert parts.tokenizer == whole.tokenizer
    assert parts.training.fingerprint() == whole.training.fingerprint()
    assert parts.training.characters == whole.training.characters


@any_kind
@given(texts=texts, size=st.integers(1, 5))
def test_a_document_in_pieces_is_the_document(kind: str, texts: list[str], size: int) -> None:
    texts = [text or "a" for text in texts]
    pieces = [
        Record(text[i : i + size], ends=i + size >= len(text))
        for text in texts
        for i in range(0, len(text), size)
    ]
    whole = encode_corpus(
        [Record(text) for text in texts], EncodingRecipe(tokenizer=kind, normalization=None)
    )
    joined = encode_corpus(once(pieces), EncodingRecipe(tokenizer=kind, normalization=None))
    assert joined.tokenizer == whole.tokenizer
    assert joined.training.fingerprint() == whole.training.fingerprint()


@any_kind
@given(texts=texts, fraction=st.sampled_from([0.1, 0.4, 0.7]))
def test_the_split_keeps_the_order_and_loses_nothing(kind: str, texts: list[str], fraction: float) -> None:
    records = [Record(text) for text in [*texts, "abc"]]
    held = hash_split(fraction=fraction)
    recipe = EncodingRecipe(
        tokenizer=kind, normalization=None, validation_fraction=fraction, minds_repeats=False
    )
    assume(not all(map(held, records)))
    corpus = encode_corpus(records, recipe)
    assert decoded(corpus, corpus.validation) == [record.text for record in records if held(record)]
    assert decoded(corpus, corpus.training) == [record.text for record in records if not held(record)]
    assert corpus.validation.characters == sum(len(record.text) for record in records if held(record))
    assert corpus.tokenizer == encode_corpus(records, replace(recipe, validation_fraction=None)).tokenizer


def test_the_first_piece_decides_for_the_whole_document() -> None:
    assert is_held_out("ab", fraction=0.06)
    assert not is_held_out("cd", fraction=0.06)
    records = [Record("x"), Record("ab", ends=False), Record("cd", ends=False), Record("e"), Record("cd")]
    corpus = encode_corpus(records, EncodingRecipe(validation_fraction=0.06, minds_repeats=False))
    assert decoded(corpus, corpus.validation) == ["abcde"]
    assert decoded(corpus, corpus.training) == ["x", "cd"]


@any_kind
def test_a_document_that_never_ends_is_ended(kind: str) -> None:
    corpus = encode_corpus([Record("one"), Record("two ", ends=False)], EncodingRecipe(tokenizer=kind))
    assert decoded(corpus, corpus.training) == ["one", "two "]
    assert corpus.training.ids[-1] == corpus.tokenizer.eos_id


def test_a_word_that_was_cut_in_two_is_one_word() -> None:
    corpus = encode_corpus(
        [Record("hel", ends=False), Record("lo don'", ends=False), Record("t")],
        EncodingRecipe(tokenizer="word"),
    )
    assert set(corpus.tokenizer.symbols) == {"hello", " ", "don't"}


@pytest.mark.parametrize(
    ("distinct", "dtype"), [(10, "u1"), (253, "u1"), (254, "u1"), (255, "u2"), (65535, "u4")]
)
def test_ids_take_the_smallest_dtype(distinct: int, dtype: str) -> None:
    symbols = [chr(0x10000 + i) for i in range(distinct)]
    texts = ["".join(symbols[i : i + 100]) for i in range(0, distinct, 100)]
    corpus = encode_corpus([Record(text) for text in texts], EncodingRecipe(normalization=None))
    assert corpus.training.ids.dtype == dtype
    assert int(corpus.training.ids.max()) == corpus.tokenizer.eos_id == distinct + 1
    assert decoded(corpus, corpus.training) == texts


def test_a_cut_vocabulary_takes_a_smaller_dtype_again() -> None:
    corpus = encode_corpus([Record(chr(0x4E00 + i)) for i in range(1000)], EncodingRecipe(max_vocab_size=100))
    assert corpus.training.ids.dtype == np.uint8
    assert corpus.unknown == 903
    assert corpus.training.ids[:4].tolist() == [1, 99, 2, 99]


@any_kind
@given(texts=texts, others=texts)
def test_an_existing_tokenizer_keeps_its_numbers(kind: str, texts: list[str], others: list[str]) -> None:
    tokenizer = encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=kind)).tokenizer
    again = encode_corpus([Record(text) for text in texts], EncodingRecipe(tokenizer=tokenizer))
    assert again.tokenizer is tokenizer
    assert decoded(again, again.training) == [tokenizer.normalize(text) for text in texts]
    records = [Record(text) for text in [*texts, *others]]
    for unknown in ("drop", "replace"):
        corpus = encode_corpus(records, EncodingRecipe(tokenizer=tokenizer, unknown=unknown))
        parts = [tokenizer.encode(record.text, unknown=unknown).tolist() for record in records]
        assert corpus.training.ids.tolist() == [i for part in parts for i in [*part, tokenizer.eos_id]]
        if unknown == "drop":
            kept = "".join(map(tokenizer.decode, parts))
            assert corpus.training.characters == len(kept)


def of(*texts: str) -> list[Record]:
    """Make records."""
    return [Record(text) for text in texts]


@any_kind
def test_a_tokenizer_grows_behind_its_own_symbols(kind: str) -> None:
    old = encode_corpus(of("b a b", "a b"), EncodingRecipe(tokenizer=kind)).tokenizer
    grown = encode_corpus(of("c a d", "d b d"), EncodingRecipe(tokenizer=old, grow=True))
    own = len(old.symbols)
    assert grown.tokenizer.symbols[:own] == old.symbols
    grows = isinstance(old, VocabularyTokenizer)
    assert grown.tokenizer.symbols[own:] == (("d", "c") if grows else ())  # the most frequent first
    assert grown.unknown == 0
    assert decoded(grown, grown.training) == ["c a d", "d b d"]


def test_a_grown_tokenizer_keeps_its_unk() -> None:
    old = encode_corpus(of("a a b c"), EncodingRecipe(tokenizer="word", max_vocab_size=5)).tokenizer
    grown = encode_corpus(of("x a"), EncodingRecipe(tokenizer=old, grow=True)).tokenizer
    assert grown.symbols == (*old.symbols[:-1], "x", "<unk>")


def test_lost_symbols_are_counted() -> None:
    tokenizer = CharTokenizer(["a", "b"])
    records = [Record("abc"), Record("xa")]
    dropped = encode_corpus(records, EncodingRecipe(tokenizer=tokenizer, unknown="drop"))
    assert (dropped.unknown, dropped.training.characters) == (2, 3)
    replaced = encode_corpus(records, EncodingRecipe(tokenizer=tokenizer, unknown="replace"))
    assert (replaced.unknown, replaced.training.characters) == (2, 5)


def test_an_unknown_symbol_is_found_in_its_record(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(encoding, "PIECE", 4)
    records = [Record("aaaaaaaaaa"), Record("aa", ends=False), Record("aaaaaaa", ends=False), Record("aax")]
    with pytest.raises(UnknownSymbolError, match=r"'x' .* at character 12 of record 2"):
        encode_corpus(records, EncodingRecipe(tokenizer=CharTokenizer(["a"])))


@any_kind
@pytest.mark.parametrize("existing", [False, True])
def test_a_lone_surrogate_is_found_in_its_record(kind: str, existing: bool) -> None:
    tokenizer: str | Tokenizer = TOKENIZERS[kind].fit(["a"]) if existing else kind
    counted = not existing and issubclass(TOKENIZERS[kind], VocabularyTokenizer)
    with pytest.raises(
        CorpusError if counted else TokenizerError, match=r"character 2 of record 2: .* U\+D800"
    ):
        encode_corpus([Record("a"), Record("a\ud800")], EncodingRecipe(tokenizer=tokenizer))


@any_kind
@pytest.mark.parametrize(
    ("records", "options", "message"),
    [
        ([], {}, "the corpus is empty: expected at least one record"),
        ([Record("")], {}, "the corpus has no text to learn from"),
        ([Record(""), Record("", ends=False)], {}, "2 records without a known symbol"),
        ([Record("ab")], {"validation_fraction": 1.0}, "no record is left for training: .* all 1 held out"),
    ],
)
def test_a_corpus_to_learn_nothing_from_is_refused(
    kind: str, records: list[Record], options: dict[str, object], message: str
) -> None:
    with pytest.raises(CorpusError, match=message):
        encode_corpus(records, EncodingRecipe(tokenizer=kind, **options))  # type: ignore[arg-type]


def test_options_are_checked_before_anything_is_read() -> None:
    def records() -> Iterator[Record]:
        raise AssertionError("it was read")
        yield

    with pytest.raises(ConfigError, match=f"one of {', '.join(TOKENIZERS)}, or regex:EXPRESSION; got 'byte'"):
        encode_corpus(records(), EncodingRecipe(tokenizer="byte"))
    with pytest.raises(ConfigError, match="max_vocab_size"):
        encode_corpus(records(), EncodingRecipe(max_vocab_size=2))
    with pytest.raises(ConfigError, match="max_vocab_size"):
        encode_corpus(records(), EncodingRecipe(tokenizer=CharTokenizer(["a"]), max_vocab_size=10))
    with pytest.raises(ConfigError, match="normalization"):
        encode_corpus(records(), EncodingRecipe(normalization="nfx"))
