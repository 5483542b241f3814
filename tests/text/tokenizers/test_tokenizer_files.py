"""Every way in which a tokenizer file can be broken is refused with its reason."""

import json

import pytest

from unspool._errors import TokenizerError
from unspool._text.tokenizers import tokenizer_files
from unspool._text.tokenizers.registry import TOKENIZERS, CharTokenizer, WordTokenizer, tokenizer_from_json

GOOD = {"format_version": 1, "kind": "char", "normalization": "NFC", "unk": False, "symbols": ["a", "b"]}


def without(key: str) -> dict[str, object]:
    """Give the good content without one key."""
    return {name: value for name, value in GOOD.items() if name != key}


def test_the_good_content_is_good() -> None:
    assert tokenizer_from_json(json.dumps(GOOD), where="x") == CharTokenizer(["a", "b"])


def test_the_file_is_made_to_be_read() -> None:
    assert CharTokenizer(["\n", "世"], unk=True, normalization=None).to_json() == (
        '{\n  "format_version": 1,\n  "kind": "char",\n  "normalization": null,\n  "unk": true,\n'
        '  "symbols": [\n    "\\n",\n    "世"\n  ]\n}\n'
    )


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        ("", "expected JSON, got Expecting value"),
        ("{", "expected JSON"),
        ("[" * 100_000, "expected JSON, got more than 100 levels"),
        ('{"symbols": ' + "1" * 5000 + "}", "a whole number of more than 64 bits"),
        ('{"kind": NaN}', "NaN is not JSON"),
        ('{"kind": "char", "kind": "word"}', "a key that is there twice"),
        ("[1]", "expected a JSON object, got list"),
        ("null", "expected a JSON object, got NoneType"),
        *[(json.dumps(without(key)), f"key '{key}' is missing") for key in GOOD],
        (json.dumps(GOOD | {"lower": True}), "unknown key 'lower': expected format_version, kind"),
        (json.dumps(GOOD | {"format_version": 3}), "format_version: expected 1 or 2, got 3; a newer unspool"),
        (json.dumps(GOOD | {"format_version": True}), "format_version: expected 1 or 2, got True"),
        (
            json.dumps(GOOD | {"kind": "odd"}),
            f"kind: expected one of {', '.join(TOKENIZERS)}, regex:, got 'odd'",
        ),
        (json.dumps(GOOD | {"kind": ["char"]}), "kind: expected one of char, word"),
        (json.dumps(GOOD | {"kind": "regex:("}), "kind: regex '\\(': expected a regular expression as"),
        (json.dumps(GOOD | {"normalization": "nfc"}), "normalization: expected null, NFC"),
        (json.dumps(GOOD | {"normalization": []}), "normalization: expected null, NFC"),
        (json.dumps(GOOD | {"unk": 1}), "unk: expected true or false, got 1"),
        (json.dumps(GOOD | {"symbols": "ab"}), "symbols: expected a list of strings"),
        (json.dumps(GOOD | {"symbols": []}), "symbols: expected 1 to"),
        (json.dumps(GOOD | {"symbols": ["a", 1]}), "symbol 2: expected a string of one Unicode"),
        (json.dumps(GOOD | {"symbols": ["a", ""]}), "symbol 2: expected a string of one Unicode"),
        (json.dumps(GOOD | {"symbols": ["\ud800"]}), r"symbol 1: .* got '\\ud800'"),
        (json.dumps(GOOD | {"symbols": ["a", "b", "a"]}), "symbol 3, 'a', is there twice: .* as symbol 1"),
        (json.dumps(GOOD | {"symbols": ["a", "bc"]}), "symbol 2 of a char tokenizer: expected a single"),
    ],
)
def test_what_is_broken_is_named(content: str, reason: str) -> None:
    with pytest.raises(TokenizerError, match=reason) as caught:
        tokenizer_from_json(content, where="m/tokenizer.json")
    assert str(caught.value).startswith("m/tokenizer.json")
    assert len(str(caught.value)) < 300


SPELLED = GOOD | {
    "kind": "word",
    "unk": True,
    "format_version": 2,
    "spelling_model": {"": {"a": 1}, "a": {"": 1}},
}


def test_a_model_of_spellings_is_read() -> None:
    tokenizer = tokenizer_from_json(json.dumps(SPELLED), where="x")
    assert tokenizer.spelling_model is not None
    assert tokenizer.spelling_model.counts == {"": {"a": 1}, "a": {"": 1}}


@pytest.mark.parametrize(
    "counts",
    [[], "a", {"abc": {"a": 1}}, {"": []}, {"": {}}, {"": {"ab": 1}}, {"": {"a": 0}}, {"": {"a": True}}],
)
def test_a_model_of_spellings_that_is_none_is_named(counts: object) -> None:
    content = json.dumps(SPELLED | {"spelling_model": counts})
    with pytest.raises(TokenizerError) as caught:
        tokenizer_from_json(content, where="m/tokenizer.json")
    assert str(caught.value) == (
        "m/tokenizer.json: spelling_model: expected whole numbers ≥ 1 by the next character, by the 2 "
        f"characters before it, got {counts!r}"
    )


def test_without_unk_there_is_nothing_to_spell() -> None:
    with pytest.raises(TokenizerError) as caught:
        tokenizer_from_json(json.dumps(SPELLED | {"unk": False}), where="m/tokenizer.json")
    assert str(caught.value) == "m/tokenizer.json: unk: expected true beside a spelling_model, got False"


def test_a_kind_reads_only_its_own_files() -> None:
    with pytest.raises(TokenizerError, match="kind: expected one of word, got 'char'"):
        WordTokenizer.from_json(json.dumps(GOOD), where="x")


def test_what_is_too_large_is_refused_before_it_is_parsed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_files, "MOST_CHARACTERS", 10)
    with pytest.raises(TokenizerError, match="x is too large: expected at most 10 characters"):
        tokenizer_from_json("this is not even JSON", where="x")


def test_too_many_symbols_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tokenizer_files, "MOST_SYMBOLS", 1)
    with pytest.raises(TokenizerError, match="x: symbols: expected 1 to 1, got 2"):
        tokenizer_from_json(json.dumps(GOOD), where="x")
