"""The symbols of a network that comes in: their forms, their ids here, and the words of a refusal."""

from pathlib import Path
from typing import Any

import pytest

from tests.importing.test_arrays import refused
from unspool._errors import ConfigError, TokenizerError
from unspool._importing import symbols
from unspool._importing.fitting import numbered, same_ids
from unspool._importing.symbols import symbols_of
from unspool._text.tokenizers.registry import CharTokenizer


def test_symbols_come_by_id() -> None:
    assert symbols_of(["a", None, ""], 3) == ("a", None, None)
    assert symbols_of({"a": 2, "b": 0}, 3) == ("b", None, "a")
    known = CharTokenizer(["a", "b"])
    assert symbols_of(known, 4) is known
    order = f"give them in the order of their ids, as {symbols.FORMS}"
    for given, got in ((["a"], "1"), (known, "4 with <pad> and <eos>")):
        assert refused(TokenizerError, symbols_of, given, 1003) == (
            f"tokenizer: expected 1,003 symbols, as many as the network's output layer has units, got {got}; "
            f"{order}"
        )
    wanted = "expected a number of its own from 0 to 1, as many as the network has ids"
    for number, got in ((2, "2"), (-1, "-1"), (True, "True"), ("0", "'0'")):
        assert refused(TokenizerError, symbols_of, {"a": number}, 2) == f"tokenizer: 'a': {wanted}, got {got}"
    assert refused(TokenizerError, symbols_of, {"a": 1, "b": 1}, 2) == f"tokenizer: 'b': {wanted}, got 1"
    assert refused(TokenizerError, symbols_of, ["é", "x", "é"], 3) == (
        'tokenizer: symbol 2, "\\u00e9": expected another, got the same as symbol 0'
    )
    assert refused(TokenizerError, symbols_of, ["a", 3], 2) == (
        "tokenizer: symbol 1: expected a text or null, got 3"
    )


@pytest.mark.parametrize(
    ("text", "read"),
    [
        ("a\nb\n", ("a", "b")), ("a\nb", ("a", "b")), ("\\n\n\\\\n", ("\n", "\\n")), ("[\n]", ("[", "]")),
        ("\n\\t\n", (None, "\t")), ('["a", null]', ("a", None)), (' ["a"\nb', (' ["a"', "b")),
        ('{"a": 1, "b": 0}', ("b", "a")), ("{\n}", ("{", "}")), ("\ufeffa\nb", ("a", "b")),
        ('{"word_index": {"a": 1}}', (None, "a")),
        ('{"config": {"word_index": "{\\"a\\": 0}"}}', ("a", None)),
        ('["a", "b"]\n', ("a", "b")),
    ],
)  # fmt: skip
def test_a_file_of_symbols_has_one_of_some_forms(text: str, read: Any, tmp_path: Path) -> None:
    path = tmp_path / "symbols"
    path.write_text(text, "utf-8")
    assert symbols_of(path, 2) == symbols_of(str(path), 2) == read


def test_a_file_of_symbols_is_small_and_a_text(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "symbols"
    path.write_bytes(b"\xff")
    assert refused(TokenizerError, symbols_of, path, 1) == (
        f"{path}: expected {symbols.FORMS}, got bytes that are not UTF-8"
    )
    monkeypatch.setattr(symbols, "MOST_BYTES", 3)
    path.write_text("abc", "utf-8")
    assert symbols_of(path, 1) == ("abc",)
    path.write_text("abcd", "utf-8")
    assert refused(TokenizerError, symbols_of, path, 1) == f"{path}: expected at most 3 bytes, got 4"
    monkeypatch.setattr(symbols, "MOST_SYMBOLS", 2)
    assert symbols_of(["a", "b"], 2) == ("a", "b")
    assert refused(TokenizerError, symbols_of, ["a", "b", "c"], 3) == (
        "tokenizer: expected at most 2 symbols, got 3"
    )


@pytest.mark.parametrize(
    ("spellings", "begin", "end", "read", "written", "begins", "ends"),
    [
        (("<pad>", "a", "b", "<eos>"), None, None, [-1, 1, 2, 3], [-1, 1, 2, 3], "'<eos>'", "'<eos>'"),
        (("a", "<bos>", "</s>"), None, None, [-1, 0, 1], [-1, 0, 2], "'<bos>'", "'</s>'"),
        ((None, "a", "\n"), None, None, [-1, 1, 2, 0], [-1, 1, 2, -1], "id 0",
         "nothing: a text goes on to its longest length"),
        (("a", "\n"), None, None, [-1, 0, 1, 1], [-1, 0, 1, -1], "'\\n'",
         "nothing: a text goes on to its longest length"),
        (("a", "[UNK]", "<EOS>"), None, None, [-1, 0, 1, 2], [-1, 0, 1, 2], "'<EOS>'", "'<EOS>'"),
        (("a", "b", "<eos>"), "b", "none", [-1, 0, 1, 1], [-1, 0, 1, -1], "'b'",
         "nothing: a text goes on to its longest length"),
        (("a", "b", "<eos>"), "id:0", "b", [-1, 0, 0], [-1, 0, 1], "'a'", "'b'"),
        (("<pad>", "a", "<eos>"), None, "none", [-1, 1, 0], [-1, 1, -1], "'<pad>'",
         "nothing: a text goes on to its longest length"),
    ],
)  # fmt: skip
def test_symbols_get_their_ids_here(  # noqa: PLR0917 - a table
    spellings: Any, begin: str | None, end: str | None, read: list[int], written: list[int], begins: str,
    ends: str,
) -> None:  # fmt: skip
    found = numbered(spellings, begin, end)
    assert (found.read.tolist(), found.written.tolist()) == (read, written)
    assert (found.begins, found.ends) == (begins, ends)


def test_what_names_no_symbol_is_refused() -> None:
    hint = "name the symbol that the network reads first: --begin ' ', or --begin id:0"
    assert refused(ConfigError, numbered, ("a", "b"), None, None) == (
        f"no symbol says that it begins a text; {hint}"
    )
    for option, given in (("begin", ("c", None)), ("end", ("a", "id:2"))):
        got = repr(given[0] if option == "begin" else given[1])
        told = refused(ConfigError, numbered, ("a", "b"), *given)
        assert told == f"{option} must be a symbol of the network, or id:0 to id:1; got {got}"
    tokenizer = CharTokenizer(["a"])
    assert same_ids(tokenizer, None, None).read.tolist() == [0, 1, 2]
    own = "a tokenizer of unspool has its <eos>, which begins and ends a text; leave --begin and --end out"
    assert refused(ConfigError, same_ids, tokenizer, "a", None) == own
    assert refused(ConfigError, same_ids, tokenizer, None, "a") == own


def test_what_is_more_than_a_character_must_be_a_word() -> None:
    expected = "characters, or words with the white space between them as symbols of their own"
    for spellings, wrong in ((("ab", "<eos>"), "ab"), (("a b", " ", "<eos>"), "a b")):
        assert refused(TokenizerError, numbered, spellings, None, None) == (
            f"symbol {wrong!r} is more than a character: expected {expected}; train a network here: unspool "
            "train"
        )
    assert numbered(("ab", " ", "<eos>"), None, None).tokenizer.kind == "word"
