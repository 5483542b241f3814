"""What is spelled in C, worked out by hand: names, strings, numbers, comments, lines of a template."""

import json

import numpy as np
import pytest

from unspool._exporting.c_literals import (
    LONGEST_NAME,
    TAKEN,
    character_array,
    chosen,
    comment,
    identifier,
    number,
    number_array,
    string,
    wrapped,
)


@pytest.mark.parametrize(
    ("name", "spelled"),
    [
        ("names", "names"), ("My Names (2)", "my_names_2"), ("_a_", "a"), ("Ünïcode é", "unicode_e"),
        ("日本", "model"), ("", "model"), ("2fast", "model_2fast"), ("7", "model_7"), ("math", "math_model"),
        ("Main", "main_model"), ("x" * 30, "x" * 20), ("x" * 19 + "-y", "x" * 19),
        ("9" * 30, "model_" + "9" * 14),
        ("1" * 13 + "-" * 9, "model_" + "1" * 13), ("ﬁle", "file"), ("-" * 5, "model"),
    ],
)  # fmt: skip
def test_a_name_is_one_in_c(name: str, spelled: str) -> None:
    assert identifier(name) == spelled
    assert len(spelled) <= LONGEST_NAME


@pytest.mark.parametrize("name", sorted(TAKEN))
def test_no_file_is_called_as_a_header_of_c(name: str) -> None:
    assert identifier(name) == f"{name}_model"


@pytest.mark.parametrize(
    ("content", "spelled"),
    [
        (b"", '""'), (b"a ~", '"a ~"'), (b'"\\?', r'"\042\134\077"'),
        (b"\x00\x1f\x7f\x80\xff", r'"\000\037\177\200\377"'),
        ("é1".encode(), r'"\303\2511"'),
    ],
)  # fmt: skip
def test_a_string_is_ascii(content: bytes, spelled: str) -> None:
    assert string(content) == spelled


def test_arrays_are_definitions() -> None:
    assert character_array("x", b"a\x00") == "static const char x[] = {\n    '\\141', '\\000'\n};"
    floats = np.array([[1, -0.5], [0.1, 1e-20]], np.float32)
    assert (
        number_array("float", "y", floats) == "static const float y[] = {\n    1.0f, -0.5f, 0.1f, 1e-20f\n};"
    )
    whole = np.array([-128, 127], np.int8)
    assert number_array("int8_t", "z", whole) == "static const int8_t z[] = {\n    -128, 127\n};"
    assert (number(0.1), number(2.0)) == ("0.1f", "2.0f")


def test_numbers_fill_lines_of_a_hundred() -> None:
    assert wrapped([]) == "    "
    assert wrapped(["ab"] * 3) == "    ab, ab, ab"
    assert wrapped(["ab"] * 25).splitlines() == ["    " + ", ".join(["ab"] * 25)]  # each takes four
    assert wrapped(["ab"] * 26).splitlines() == ["    " + ", ".join(["ab"] * 25) + ",", "    ab"]
    assert wrapped(["x" * 200, "y"]).splitlines() == ["    " + "x" * 200 + ",", "    y"]


def test_nothing_in_a_comment_ends_it() -> None:
    values = {"a": "*/ /* ?? é", "b": [1, "x" * 120]}
    first, *lines, last = comment("Title:", values).splitlines()
    assert (first, last) == ("/* Title:", "*/")
    assert [len(line) for line in lines[:-1]] == [100] * (len(lines) - 1)
    text = "".join(lines)
    assert text.isascii()
    assert not set("/? ") & set(text)
    assert json.loads(text) == values
    assert '":"' in text, "nothing stands between what means something"
    with pytest.raises(ValueError, match="Out of range"):
        comment("Title:", {"a": float("nan")})


TEMPLATE = """\
a
//@if x
b
  //@if y
c
  //@else
d
  //@end
//@else
e
//@if y
f
//@end
//@end
//@put part
g"""


@pytest.mark.parametrize(
    ("known", "lines"),
    [(set(), "a e P g"), ({"x"}, "a b d P g"), ({"x", "y"}, "a b c P g"), ({"y"}, "a e f P g")],
)
def test_a_template_keeps_what_a_model_needs(known: set[str], lines: str) -> None:
    assert chosen(TEMPLATE, known, {"part": "P"}) == "\n".join(lines.split()) + "\n"
