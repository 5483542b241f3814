"""The one reader of JSON: a strict object of a file that is a file and not too large, or one error."""

import io
import json
import os
from pathlib import Path

import pytest

from unspool._errors import ArtifactError, TokenizerError
from unspool._json_files import MOST_LEVELS, canonical_json, fingerprint, json_text, parse_json, read_json


@pytest.mark.parametrize(
    ("raw", "reason"),
    [
        (b"", "expected JSON, got Expecting value"),
        (b"{", "expected JSON"),
        (b"\xff{}", r"expected UTF-8 text, got byte 0xff at 0 \(invalid start byte\)"),
        ('{"a": "é"}'.encode("latin-1"), "expected UTF-8 text, got byte 0xe9 at 7"),
        ("\ufeff{}".encode(), "expected JSON, got Unexpected UTF-8 BOM"),
        (b"[]", "expected a JSON object, got list"),
        (b"null", "expected a JSON object, got NoneType"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": -Infinity}', "-Infinity is not JSON"),
        (b'{"a": 1e999}', "a number beyond a float"),
        (b'{"a": 18446744073709551616}', "a whole number of more than 64 bits"),
        (b'{"a": ' + b"9" * 5000 + b"}", "a whole number of more than 64 bits"),
        (b'{"a": [' + b"[]," * (1 << 20) + b"[]]}", "more than 1,048,576 lists and objects"),
        (b'{"a": 1, "a": 1}', "a key that is there twice"),
        (b'{"a": ' + b"[" * 100_000, "more than 100 levels"),
        (b'{"a":' * (MOST_LEVELS + 1) + b"1" + b"}" * (MOST_LEVELS + 1), "more than 100 levels"),
        (b'{"a": ' + b"[" * MOST_LEVELS + b"]" * MOST_LEVELS + b"}", "more than 100 levels"),
    ],
)
def test_what_is_not_strict_is_refused(raw: bytes, reason: str) -> None:
    with pytest.raises(ArtifactError, match=f"^file: .*{reason}.*; copy it$") as caught:
        parse_json(raw, where="file", hint="copy it")
    assert len(str(caught.value)) < 300


def test_what_is_strict_is_read() -> None:
    levels = MOST_LEVELS - 1
    nested = b'{"a": ' + b"[" * levels + b"]" * levels + b"}"
    assert parse_json(nested, where="file")["a"] == json.loads(b"[" * levels + b"]" * levels)
    objects = b'{"a":' * MOST_LEVELS + b"1" + b"}" * MOST_LEVELS
    assert parse_json(objects, where="file") == json.loads(objects)
    raw = '{"é": [1.5, -3, 18446744073709551615, true, null, "\\ud800"]}'
    assert parse_json(raw, where="file") == {"é": [1.5, -3, (1 << 64) - 1, True, None, "\ud800"]}


def test_the_error_is_of_the_class_that_was_asked_for(tmp_path: Path) -> None:
    (tmp_path / "x").write_text("[]")
    with pytest.raises(TokenizerError):
        read_json(tmp_path / "x", error=TokenizerError)


def test_the_size_is_looked_at_before_a_byte_is_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x.json"
    path.write_text("{}".ljust(100))
    assert read_json(path, most_bytes=100) == {}
    os.truncate(path, 1 << 42)

    class Unread(io.FileIO):
        def read(self, size: int | None = -1) -> bytes:
            raise AssertionError("it was read")

    monkeypatch.setattr("unspool._json_files.open_regular", Unread)
    with pytest.raises(ArtifactError, match=r"x\.json: expected at most 100 bytes, got 4,398,046,511,104"):
        read_json(path, most_bytes=100)


def test_a_file_that_grows_while_it_is_read_is_no_way_around(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path, honest = tmp_path / "x.json", os.fstat
    path.write_text("{}".ljust(101))

    def small(descriptor: int) -> os.stat_result:
        facts = list(honest(descriptor))
        facts[6] = 2  # its size a moment ago
        return os.stat_result(facts)

    monkeypatch.setattr(os, "fstat", small)
    with pytest.raises(ArtifactError, match="at most 100 bytes"):
        read_json(path, most_bytes=100)


def test_what_is_written_is_utf_8_and_json() -> None:
    values = {"n\udcff": "caf\udce9 \udcc3\udca9", "half": "\ud800", "plain": 'é"\\\n'}
    text = json_text(values)
    text.encode("utf-8")
    assert json.loads(text) == {r"n\xff": r"caf\xe9 é", "half": r"\ud800", "plain": 'é"\\\n'}
    assert json_text({"a": [1]}, indent=1) == '{\n "a": [\n  1\n ]\n}'
    with pytest.raises(ValueError, match="not JSON compliant"):
        json_text({"a": float("nan")})


def test_a_fingerprint_is_of_the_content_alone() -> None:
    a, b = json.loads('{"b": 1, "a": [1.0, "é"]}'), json.loads('{ "a": [1.0, "\\u00e9"],\n"b": 1 }')
    assert fingerprint(a) == fingerprint(b)
    assert canonical_json(a) == b'{"a":[1.0,"\\u00e9"],"b":1}'
    assert fingerprint(a) != fingerprint({**a, "b": 2})
