"""A symbol that the model does not know: the message, and the two ways out."""

import pytest

from unspool._errors import UnknownSymbolError
from unspool._text.tokenizers.nearest import nearest_symbols, replacement
from unspool._text.tokenizers.registry import CharTokenizer, WordTokenizer
from unspool._text.tokenizers.unknown_symbols import unknown_rule

LATIN = CharTokenizer(list("eto aHi,.'\"-1"))
WORDS = WordTokenizer(["the", " ", "prices", "oil", "Moscow", "."])


def known(*symbols: str) -> dict[str, int]:
    """Number symbols as a tokenizer does."""
    return {symbol: number for number, symbol in enumerate(symbols, start=1)}


def test_the_error_names_the_symbol_its_place_and_what_to_do() -> None:
    with pytest.raises(UnknownSymbolError) as caught:
        LATIN.encode("thé q世é")
    message = str(caught.value)
    assert message.startswith("unknown symbol 'h' (U+0068) at character 2 of the text")
    assert "(and 3 more: 'é', 'q', '世')" in message
    assert "nearest 'H' (U+0048)" in message
    assert "unknown='drop'" in message
    assert "--unknown drop or replace" in message


@pytest.mark.parametrize(
    ("text", "others"),
    [("ac", ""), ("acc", ""), ("acd", " (and 1 more: 'd')"), ("acdefgh", " (and 5 more: 'd', 'e', 'f')")],
)
def test_three_other_symbols_are_named(text: str, others: str) -> None:
    with pytest.raises(UnknownSymbolError) as caught:
        CharTokenizer(["a", "世"]).encode(text)
    assert str(caught.value) == (
        f"unknown symbol 'c' (U+0063) at character 2 of the text{others}: expected one of the 2 that the "
        "model knows, nearest 'a' (U+0061); change it, or drop or replace such symbols: --unknown drop or "
        "replace (in Python unknown='drop')"
    )


def test_a_symbol_without_a_near_one_has_none_named() -> None:
    with pytest.raises(UnknownSymbolError) as caught:
        CharTokenizer(["世"]).encode("c")
    assert str(caught.value) == (
        "unknown symbol 'c' (U+0063) at character 1 of the text: expected one of the 1 that the model knows; "
        "change it, or drop or replace such symbols: --unknown drop or replace (in Python unknown='drop')"
    )


def test_an_unknown_word_is_named_with_the_character_where_it_begins() -> None:
    with pytest.raises(
        UnknownSymbolError, match=r"unknown symbol 'price' at character 9 .* nearest 'prices';"
    ):
        WORDS.encode("the oil price.")


@pytest.mark.parametrize(
    ("symbol", "symbols", "nearest"),
    [
        ("é", "xEe", ["e", "E"]),
        ("É", "eéE", ["é", "E", "e"]),
        ("A", "a", ["a"]),
        ("ﬁ", "fi", ["i", "f"]),
        ("Ａ", "Aa", ["A", "a"]),
        ("’", "'x", ["'"]),
        ("—", "-x", ["-"]),
        ("世", "a丗界丕東", ["丗", "丕", "東"]),
        ("г", "abд", ["д"]),
        ("7", "a28", ["8", "2"]),
        ("é", "世", []),
    ],
)
def test_nearest_characters(symbol: str, symbols: str, nearest: list[str]) -> None:
    assert nearest_symbols(symbol, known(*symbols)) == nearest


@pytest.mark.parametrize(
    ("symbol", "nearest"),
    [
        ("moscow", ["Moscow"]),
        ("THE", ["the"]),
        ("pricess", ["prices"]),
        ("Möscow", ["Moscow"]),
        ("zebra", []),
    ],
)
def test_nearest_words(symbol: str, nearest: list[str]) -> None:
    assert nearest_symbols(symbol, known(*WORDS.symbols)) == nearest


@pytest.mark.parametrize(("symbol", "stand_in"), [("世", "x"), ("?", "."), ("5", "1"), ("\u0000", ".")])
def test_a_replacement_is_always_found(symbol: str, stand_in: str) -> None:
    assert replacement(symbol, known("x", ".", "1", "a")) == stand_in


def test_drop_leaves_unknown_symbols_out() -> None:
    assert LATIN.decode(LATIN.encode("thé tooth", unknown="drop")) == "t toot"
    assert WORDS.decode(WORDS.encode("the new oil", unknown="drop")) == "the  oil"
    assert LATIN.encode("世界", unknown="drop").tolist() == []


def test_replace_takes_the_nearest_known_symbols() -> None:
    assert LATIN.decode(LATIN.encode("thé “tooth”", unknown="replace")) == 'tHe "tootH"'
    assert WORDS.decode(WORDS.encode("The oil price", unknown="replace")) == "the oil prices"


def test_replace_takes_unk_where_there_is_one() -> None:
    tokenizer = WordTokenizer(["the", " "], unk=True)
    assert tokenizer.encode("the The", unknown="replace").tolist() == [1, 2, tokenizer.unk_id]


def test_what_was_lost_is_counted_for_each_text() -> None:
    texts = ["the new oil", "", "old", "oil"]
    dropped = WORDS.encode_texts(texts, unknown="drop")
    assert (dropped.unknown, dropped.lengths.tolist()) == (2, [4, 0, 0, 1])
    assert dropped.characters.tolist() == [8, 0, 0, 3]
    assert dropped.strangers.tolist() == [1, 0, 1, 0]
    replaced = WORDS.encode_texts(texts, unknown="replace")
    assert (replaced.unknown, replaced.lengths.tolist()) == (2, [5, 0, 1, 1])
    assert replaced.characters.tolist() == [11, 0, 3, 3]
    assert replaced.strangers.tolist() == [1, 0, 1, 0]
    assert WORDS.encode_texts(["oil", ""]).strangers.tolist() == [0, 0]


def test_the_rule_left_open_is_the_one_the_model_was_trained_with() -> None:
    assert unknown_rule(None, unk_id=3) == "replace"
    assert unknown_rule(None, unk_id=None) == "error"
    assert unknown_rule("drop", unk_id=3) == "drop"


def test_many_different_unknown_words_in_a_large_vocabulary_are_bearable() -> None:
    tokenizer = WordTokenizer([f"word{i}" for i in range(20_000)])
    text = " ".join(f"w{i}ord" for i in range(20))
    assert len(tokenizer.encode(text, unknown="replace")) == 39


@pytest.mark.parametrize(
    ("symbol", "symbols", "stand_in"),
    [
        ("世", ["x", "—"], "x"),  # a letter, although the dash has the nearer number
        ("9世", ["世", "٣", "5"], "5"),  # a digit, as the first character; the nearer one of two
        ("世9", ["5", "x", "丗"], "丗"),
    ],
)
def test_a_replacement_is_of_the_kind_of_the_first_character(
    symbol: str, symbols: list[str], stand_in: str
) -> None:
    assert replacement(symbol, known(*symbols)) == stand_in


@pytest.mark.parametrize(
    ("symbols", "stand_ins"),
    [
        ("‘’", "'`"), ("‛′`´", "'"), ("“”„″", '"'), ("«", '"<'), ("»", '">'), ("‐‑‒–—−", "-"), ("•", "*-"),
        ("×", "x*"), ("÷", "/"), ("‚", ",'"), ("。", "."), ("、", ","), ("ß", "s"), ("ø", "o"), ("ł", "l"),
        ("\t\n", " "), ("\r", "\n "), ("[{", "("), ("]}", ")"), (";", ",:"), (":", ";"),
    ],
)  # fmt: skip
def test_what_looks_alike_stands_in(symbols: str, stand_ins: str) -> None:
    for symbol in symbols:
        symbols_known = [*"~'`\"<>-*x/,.sol\n();:", *(" " if " " in stand_ins else "")]
        others = known(*(one for one in symbols_known if one != symbol))
        assert nearest_symbols(symbol, others) == list(stand_ins), symbol
