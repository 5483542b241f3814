"""Bytes: nothing is unknown, and no half characters are told of."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError, TokenizerError
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.tokenizers.bytes import ByteTokenizer
from unspool._text.tokenizers.registry import tokenizer_from_json

BYTES = ByteTokenizer()


def test_the_id_of_a_byte_is_its_value_and_one() -> None:
    assert BYTES.encode("a\n€").tolist() == [0x61 + 1, 0x0A + 1, 0xE2 + 1, 0x82 + 1, 0xAC + 1]
    assert (BYTES.vocab_size, BYTES.eos_id, BYTES.unk_id) == (258, 257, None)
    assert BYTES.symbols[0x61] == "a"
    assert BYTES.symbols[0xE2] == "\\xe2"


def test_every_byte_has_a_name_and_begins_a_character_or_not() -> None:
    names = [chr(byte) if byte < 0x80 else f"\\x{byte:02x}" for byte in range(256)]
    assert list(BYTES.symbols) == names
    begins = [int(not 0b10_000000 <= byte <= 0b10_111111) for byte in range(256)]
    assert BYTES.decoded_lengths.tolist() == [0, *begins, 0]
    with pytest.raises(ConfigError) as caught:
        ByteTokenizer.fit([], max_vocab_size=257)
    assert str(caught.value) == (
        "max_vocab_size must be a whole number ≥ 258, or None, with the bytes tokenizer; got 257"
    )
    fitted = ByteTokenizer.fit(["e\u0301"], max_vocab_size=258, normalization="NFD")
    assert (fitted.vocab_size, fitted.normalization) == (258, "NFD")


@given(st.text())
def test_no_text_is_unknown(text: str) -> None:
    raw = ByteTokenizer(normalization=None)
    assert raw.decode(raw.encode(text)) == text


@given(st.binary())
def test_what_is_no_utf8_decodes_with_replacements_piece_by_piece(data: bytes) -> None:
    ids = [byte + 1 for byte in data]
    assert BYTES.decode(ids) == data.decode("utf-8", "replace")
    for cut in range(len(ids) + 1):
        whole = BYTES.decodable(ids[:cut])
        assert cut - 3 <= whole <= cut
        assert BYTES.decode(ids[:whole]) + BYTES.decode(ids[whole:]) == BYTES.decode(ids)


def test_its_file_has_no_symbols() -> None:
    text = ByteTokenizer(normalization="NFKC").to_json()
    assert json.loads(text) == {"format_version": 1, "kind": "bytes", "normalization": "NFKC"}
    with pytest.raises(TokenizerError, match="unknown key 'symbols'"):
        tokenizer_from_json(json.dumps(json.loads(text) | {"symbols": []}), where="x")


def test_a_corpus_has_the_characters_of_its_texts() -> None:
    corpus = encode_corpus(iter([Record("añ€"), Record("🎈")]), EncodingRecipe(tokenizer="bytes"))
    assert corpus.tokenizer == BYTES
    assert corpus.training.characters == 4
    assert BYTES.decode(corpus.training.ids) == "añ€🎈"
    assert len(corpus.training) == 1 + 2 + 3 + 1 + 4 + 1
    assert corpus.unknown == 0
