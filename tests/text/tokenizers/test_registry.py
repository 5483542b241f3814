"""The contract of every tokenizer, and what is particular to each."""

import csv
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError, TokenizerError, UnknownSymbolError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.tokenizers.registry import (
    PAD_ID,
    TOKENIZERS,
    CharTokenizer,
    Tokenizer,
    WordTokenizer,
    tokenizer_class,
    tokenizer_from_json,
)
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer

KINDS = [*sorted(TOKENIZERS), r"regex:[a-z]+|\d+"]
VOCABULARIES: dict[str, type[VocabularyTokenizer]] = {
    kind: row for kind in KINDS if issubclass(row := tokenizer_class(kind), VocabularyTokenizer)
}
TEXTS = [
    "The quick brown fox jumps over the lazy dog.",
    "It's 3.14 o'clock — “roughly”, don't you think?",
    "我爱北京天安门。カタカナとひらがな",
    "नमस्ते दुनिया, สวัสดีครับ, 한국어 텍스트, می‌خواهم",
    "👩‍👩‍👧 👍🏽 🇩🇪🇫🇷 ❤️ e\u0323\u0307",
    "<eos> <pad> <unk> </s>",
    "tabs\tand\r\nlines\u2028and  spaces \x00\x1f\x7f",
]
any_kind = pytest.mark.parametrize("kind", KINDS)
any_vocabulary = pytest.mark.parametrize("kind", sorted(VOCABULARIES))
sentences = st.lists(st.sampled_from(TEXTS) | st.text(max_size=20), min_size=1, max_size=5)


def fitted(kind: str, texts: list[str], **options: object) -> Tokenizer:
    """Build a tokenizer from texts."""
    records = [Record(text) for text in ["x", *texts]]
    return encode_corpus(records, EncodingRecipe(tokenizer=kind, **options)).tokenizer  # type: ignore[arg-type]


@any_kind
@given(texts=sentences, form=st.sampled_from([None, "NFC", "NFD", "NFKC", "NFKD"]))
def test_what_was_learned_comes_back_exactly(kind: str, texts: list[str], form: str | None) -> None:
    tokenizer = fitted(kind, texts, normalization=form)
    for text in texts:
        ids = tokenizer.encode(text)
        assert tokenizer.decode(ids) == tokenizer.normalize(text)
        assert ids.dtype == np.int32
        assert PAD_ID not in ids
        assert tokenizer.eos_id not in ids


@any_kind
@given(texts=sentences, form=st.sampled_from([None, "NFC", "NFKD"]), many=st.booleans())
def test_fitting_texts_gives_the_tokenizer_of_their_corpus(
    kind: str, texts: list[str], form: str | None, many: bool
) -> None:
    cut = kind in VOCABULARIES and not many
    size = max(5, tokenizer_class(kind).fit(["x", *texts]).vocab_size - 2) if cut else None
    tokenizer = tokenizer_class(kind).fit(iter(["x", *texts]), max_vocab_size=size, normalization=form)
    assert type(tokenizer) is tokenizer_class(kind)
    assert tokenizer == fitted(kind, texts, max_vocab_size=size, normalization=form)


@any_kind
@given(texts=sentences)
def test_the_pieces_of_a_text_are_encoded_one_by_one(kind: str, texts: list[str]) -> None:
    tokenizer = fitted(kind, texts)
    for text in map(tokenizer.normalize, texts):
        pieces = tokenizer.split(text)
        assert "".join(pieces) == text
        ids = [i for piece in pieces for i in tokenizer.piece_ids(piece)]
        assert ids == tokenizer.encode(text).tolist()
        assert "".join(tokenizer.spellings[i] for i in ids) == tokenizer.letters(text)
        assert sum(tokenizer.decoded_lengths[ids]) == sum(tokenizer.symbol_lengths[ids]) == len(text)


@any_kind
@given(texts=sentences, cut=st.integers(0, 60))
def test_decoding_is_piecewise(kind: str, texts: list[str], cut: int) -> None:
    tokenizer = fitted(kind, texts)
    ids = tokenizer.encode(texts[0])
    cut = tokenizer.decodable(ids[:cut])
    assert tokenizer.decodable(ids) == len(ids)
    assert tokenizer.decode(ids[:cut]) + tokenizer.decode(ids[cut:]) == tokenizer.decode(ids)


@any_kind
@given(texts=sentences, cut=st.booleans())
def test_json_gives_the_same_tokenizer_and_the_same_json(kind: str, texts: list[str], cut: bool) -> None:
    tokenizer = fitted(kind, texts, max_vocab_size=4 if cut and kind in VOCABULARIES else None)
    again = tokenizer_from_json(tokenizer.to_json(), where="here")
    assert again == tokenizer
    assert hash(again) == hash(tokenizer)
    assert (again.symbols, again.unk_id) == (tokenizer.symbols, tokenizer.unk_id)
    assert again.to_json() == tokenizer.to_json()
    assert tokenizer_class(kind).from_json(tokenizer.to_json(), where="here") == tokenizer


@any_kind
def test_ids_are_numbered_as_promised(kind: str) -> None:
    tokenizer = fitted(kind, TEXTS)
    assert tokenizer.vocab_size == len(tokenizer.symbols) + 2
    assert tokenizer.eos_id == tokenizer.vocab_size - 1
    assert tokenizer.unk_id is None
    assert len(set(tokenizer.symbols)) == len(tokenizer.symbols)
    assert len(tokenizer.spellings) == tokenizer.vocab_size
    for number, symbol in enumerate(tokenizer.symbols, start=1):
        assert not tokenizer.whole_characters or tokenizer.decode([number]) == symbol


@any_kind
@pytest.mark.parametrize("special", ["<eos>", "<pad>", "<unk>"])
def test_a_text_that_spells_a_special_id_is_just_text(kind: str, special: str) -> None:
    tokenizer = fitted(kind, [f"{special} and {special}"], max_vocab_size=300)
    ids = tokenizer.encode(special)
    assert len(ids) > 1
    assert not {PAD_ID, tokenizer.eos_id} & set(ids.tolist())
    assert tokenizer.decode(ids) == special


@any_kind
def test_pad_and_eos_have_no_text(kind: str) -> None:
    tokenizer = fitted(kind, ["a b"])
    assert tokenizer.decode([PAD_ID, *tokenizer.encode("a b"), tokenizer.eos_id, PAD_ID]) == "a b"
    assert tokenizer.decode([]) == ""
    assert tokenizer.encode("").tolist() == []


@any_kind
@pytest.mark.parametrize("ids", [[-1], [10**6], [0.5], [2**40]])
def test_an_id_out_of_range_is_refused(kind: str, ids: list[int]) -> None:
    with pytest.raises(TokenizerError, match=f"whole numbers from 0 to .*, got {ids[0]}"):
        fitted(kind, ["a b"]).decode(ids)


@any_vocabulary
def test_max_vocab_size_keeps_the_most_frequent_and_turns_the_rest_into_unk(kind: str) -> None:
    corpus = encode_corpus([Record("a a a a b b c")], EncodingRecipe(tokenizer=kind, max_vocab_size=5))
    tokenizer = corpus.tokenizer
    assert tokenizer.vocab_size == 5
    assert tokenizer.symbols == (" ", "a", "<unk>")
    assert (tokenizer.unk_id, tokenizer.eos_id, corpus.unknown) == (3, 4, 3)
    assert corpus.training.ids.tolist() == [2, 1, 2, 1, 2, 1, 2, 1, 3, 1, 3, 1, 3, 4]
    assert tokenizer.decode(tokenizer.encode("a b z", unknown="replace")) == "a <unk> <unk>"
    with pytest.raises(UnknownSymbolError):
        tokenizer.encode("b")


@any_vocabulary
def test_max_vocab_size_that_cuts_nothing_makes_no_unk(kind: str) -> None:
    assert fitted(kind, ["a b"], max_vocab_size=6).symbols == fitted(kind, ["a b"]).symbols
    assert fitted(kind, ["a b"], max_vocab_size=6).unk_id is None


@any_kind
@pytest.mark.parametrize("size", [3, 0, -1, True, 4.0])
def test_max_vocab_size_has_a_range(kind: str, size: int) -> None:
    with pytest.raises(ConfigError, match="max_vocab_size must be a whole number ≥ "):
        fitted(kind, ["a b"], max_vocab_size=size)


@any_kind
def test_normalization_is_stored_and_applied(kind: str) -> None:
    composed, apart = "é à", "e\u0301 a\u0300"
    assert fitted(kind, [composed]).encode(apart).tolist() == fitted(kind, [apart]).encode(composed).tolist()
    raw = fitted(kind, [composed], normalization=None)
    assert raw.normalize(apart) == apart
    if kind in VOCABULARIES:
        with pytest.raises(UnknownSymbolError):
            raw.encode(apart)
    else:
        assert raw.decode(raw.encode(apart)) == apart
    with pytest.raises(ConfigError, match="normalization"):
        tokenizer_class(kind).fit(["a"], normalization="nfx")


@any_kind
def test_a_lone_surrogate_is_refused_whatever_is_asked_for(kind: str) -> None:
    for unknown in ("error", "drop", "replace"):
        with pytest.raises(TokenizerError, match=r"character 4 .* lone surrogate U\+DCFF; .* byte 0xFF"):
            fitted(kind, ["a b"]).encode("a b\udcff", unknown=unknown)


@any_vocabulary
@pytest.mark.parametrize("symbols", [[], ["a", "a"], [""], ["\ud800"], [3]])
def test_impossible_symbols_are_refused(kind: str, symbols: list[str]) -> None:
    with pytest.raises(TokenizerError, match="symbol"):
        VOCABULARIES[kind](symbols)


@any_kind
@given(texts=sentences, strange=st.text(max_size=20))
def test_many_texts_at_once_are_like_one_by_one(kind: str, texts: list[str], strange: str) -> None:
    tokenizer = fitted(kind, texts, normalization=None)
    for unknown in ("drop", "replace"):
        batch = tokenizer.encode_texts([*texts, strange, *texts], unknown=unknown)
        single = [tokenizer.encode(text, unknown=unknown).tolist() for text in [*texts, strange, *texts]]
        assert batch.ids.tolist() == [i for ids in single for i in ids]
        assert batch.lengths.tolist() == list(map(len, single))


def test_the_lesson_has_its_numbers(data_dir: Path) -> None:
    with (data_dir / "ag_news_test.csv").open(encoding="utf-8", newline="") as file:
        records = [Record(title) for _, title, _ in csv.reader(file)]
    tokenizer = encode_corpus(records, EncodingRecipe()).tokenizer
    assert tokenizer.encode("Hello, world!").tolist() == [47, 2, 10, 10, 5, 42, 1, 25, 5, 8, 10, 13, 78]
    assert tokenizer.vocab_size == 83


def test_a_char_tokenizer_has_single_characters_only() -> None:
    with pytest.raises(TokenizerError, match="symbol 2 of a char tokenizer: expected a single character"):
        CharTokenizer(["a", "bc"])


def test_the_table_of_characters_ends_where_the_highest_known_one_does() -> None:
    tokenizer = CharTokenizer(["a", "é"])
    assert tokenizer.encode("ba\U0010ffffé\xea", unknown="drop").tolist() == [1, 2]


def test_words_keep_every_character() -> None:
    tokenizer = WordTokenizer(["don't", " ", ",", "stop"])
    assert tokenizer.encode("stop, don't  stop").tolist() == [4, 3, 2, 1, 2, 2, 4]


def test_an_unknown_way_out_is_refused() -> None:
    with pytest.raises(ConfigError, match="unknown must be error, drop or replace; got 'ignore'"):
        CharTokenizer(["a"]).encode("b", unknown="ignore")  # type: ignore[arg-type]
