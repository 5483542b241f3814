"""What the expressions of the presets cut, and which symbols are chosen."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

import unspool
from unspool._errors import ConfigError, TokenizerError
from unspool._text.tokenizers.registry import tokenizer_class, tokenizer_from_json

# As published: Schwaller et al., "Molecular Transformer" (2019), and REINVENT 4's SMILESTokenizer.
TRANSFORMER = re.compile(
    r"(\[[^\]]+]|Br?|Cl?|N|O|S|P|F|I|b|c|n|o|s|p|\(|\)|\.|=|#|-|\+|\\|\/|:|~|@|\?|>|\*|\$|\%[0-9]{2}|[0-9])"
)
REINVENT = re.compile(r"(\[[^\]]*\])|(%\d{2})|(Br|Cl)")
MOLECULES = [
    "CC(=O)Oc1ccccc1C(=O)O",
    "C[C@@H](N)C(=O)O.[Na+].[Cl-]",
    "c1cc2c(cc1Br)[nH]cc2C%12CC%12Cl",
    r"F/C=C/F.F\C=C\F>>[13CH4:1]C#N",
    "Clc1ccc(I)cc1-c1ccnc(B)c1P",
]


def of_reinvent(text: str) -> list[str]:
    """Cut a molecule as REINVENT does: what matches, and single characters between."""
    pieces, end = [], 0
    for match in REINVENT.finditer(text):
        pieces += [*text[end : match.start()], match[0]]
        end = match.end()
    return [*pieces, *text[end:]]


@pytest.mark.parametrize("molecule", MOLECULES)
def test_molecules_are_cut_as_others_cut_them(molecule: str) -> None:
    pieces = unspool.SmilesTokenizer.split_by_pattern(molecule)
    assert pieces == TRANSFORMER.findall(molecule) == of_reinvent(molecule)
    tokenizer = unspool.SmilesTokenizer.fit(MOLECULES)
    assert tokenizer.split(molecule) == pieces
    assert set(tokenizer.symbols) == {piece for text in MOLECULES for piece in of_reinvent(text)}


@pytest.mark.parametrize(
    ("kind", "text", "pieces"),
    [
        ("smiles", "C%(123)C", ["C", "%(123)", "C"]),
        ("selfies", "[C][=C][Ring1].[Na+1]", ["[C]", "[=C]", "[Ring1]", ".", "[Na+1]"]),
        ("abc", "K:G\n|:^G,2 _b'/ [ceg] z4:|", ["K:G", "\n", "|:", "^G,", "2", " ", "_b'", "/", " ", "[",
         "c", "e", "g", "]", " ", "z", "4", ":|"]),
        ("abc", "(3def A>B||c3/2::", ["(3", "d", "e", "f", " ", "A", ">", "B", "||", "c", "3/2", "::"]),
        ("code", "def f(x):\n    return x**2 != y_1", ["def", " ", "f", "(", "x", ")", ":", "\n    ",
         "return", " ", "x", "**", "2", " ", "!=", " ", "y_1"]),
        ("code", "a->b && c === d; s += '…'", ["a", "->", "b", " ", "&&", " ", "c", " ", "===", " ", "d", ";",
         " ", "s", " ", "+=", " ", "'", "…", "'"]),
        ("regex:ab+", "abbcab", ["abb", "c", "ab"]),
    ],
)  # fmt: skip
def test_a_preset_cuts(kind: str, text: str, pieces: list[str]) -> None:
    row = tokenizer_class(kind)
    assert issubclass(row, unspool.RegexTokenizer)
    assert row.split_by_pattern(text) == pieces
    assert row.fit([text]).split(text) == pieces


def test_a_small_vocabulary_keeps_the_characters_and_the_most_frequent_pieces() -> None:
    texts = ["one two two three three three"]
    words = tokenizer_class("regex:[a-z]+")
    assert words.fit(texts).symbols == (" ", "three", "two", "one")
    assert words.fit(texts, max_vocab_size=6) == words.fit(texts)
    more = words.fit([*texts, "h e r t w o n x"], max_vocab_size=12)  # of 9 characters and 3 longer pieces
    assert set(more.symbols) == {*" ehnortwx", "three"}
    assert more.unk_id is None
    assert more.split("three two") == ["three", " ", "t", "w", "o"]
    few = words.fit([*texts, "h e r t w o n x"], max_vocab_size=6)
    assert few.symbols == (" ", "e", "t", "<unk>")
    assert few.spelling_model is not None


def test_an_unknown_piece_is_read_as_its_known_parts() -> None:
    tokenizer = tokenizer_class("regex:[a-z]+").fit(["ab abc d"])
    assert tokenizer.split("abd abcd") == ["ab", "d", " ", "abc", "d"]
    with pytest.raises(unspool.UnknownSymbolError, match=r"unknown symbol 'x' .* at character 3"):
        tokenizer.encode("abx")


@given(st.text("ab[]C l", max_size=200))
def test_a_long_text_may_be_read_in_parts(text: str) -> None:
    for kind in ("smiles", "regex:[ab]+"):
        row = tokenizer_class(kind)
        assert issubclass(row, unspool.RegexTokenizer)
        done = row.complete_length(text)
        whole = row.split_by_pattern(text + "]")
        begun = row.split_by_pattern(text[:done])
        assert whole[: len(begun)] == begun
        assert len(text) - done <= 64


def test_the_expression_is_kept() -> None:
    tokenizer = tokenizer_class(r"regex:\d+").fit(["12 345"])
    again = tokenizer_from_json(tokenizer.to_json(), where="here")
    assert again == tokenizer
    assert (again.kind, type(again)) == (r"regex:\d+", type(tokenizer))
    with pytest.raises(TokenizerError, match=r"here: kind: regex '\(': expected a regular expression"):
        tokenizer_from_json(tokenizer.to_json().replace(r"\\d+", "("), where="here")


@pytest.mark.parametrize("kind", ["regex", "smile", "regexp:a"])
def test_an_unknown_kind_is_refused(kind: str) -> None:
    with pytest.raises(ConfigError, match=r"one of char, word, .*, or regex:EXPRESSION; got"):
        tokenizer_class(kind)


def test_texts_that_are_held_out_are_known_too() -> None:
    model = unspool.train(
        ["CC", "CCl"], validation=["[nH]"], tokenizer="smiles", epochs=1, hidden_size=4, progress=False
    )
    assert set(model.tokenizer.symbols) == {"C", "Cl", "[nH]"}


def test_pairs_are_cut_alike() -> None:
    pairs = [unspool.Record("CCl", source="[nH]C"), unspool.Record("CBr", source="C")] * 4
    model = unspool.train(pairs, tokenizer="regex:Cl|Br|\\[..\\]", epochs=1, hidden_size=4, progress=False)
    assert set(model.tokenizer.symbols) == {"C", "Cl", "Br"}
    assert model.source_tokenizer is not None
    assert model.source_tokenizer.kind == model.tokenizer.kind
    assert set(model.source_tokenizer.symbols) == {"C", "[nH]"}
