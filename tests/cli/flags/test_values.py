"""What is typed for a value is read by one rule, whatever the flag."""

import click
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._cli.flags import shared
from unspool._cli.flags.flag import Flag, Group
from unspool._cli.flags.values import bias, escaped, number_or_several, unescaped


@pytest.mark.parametrize(
    ("typed", "characters"),
    [
        (r"\n", "\n"),
        (r"\t|\r", "\t|\r"),
        (r"\\n", r"\n"),
        (r"\x41\u00e9\U0001f388", "Aé🎈"),
        (r"\d\q\x4", r"\d\q\x4"),
        ("plain", "plain"),
        (r"re:\n\\", r"re:\n\\"),
    ],
)
def test_escapes_stand_for_characters(typed: str, characters: str) -> None:
    assert unescaped(typed) == characters


@given(st.text().filter(lambda text: not text.startswith("re:")))
def test_characters_that_are_written_out_are_read_again(text: str) -> None:
    assert unescaped(escaped(text)) == text


ESCAPING = {"delimiter", "separator", "record_separator", "stop", "bad_words", "dry_sequence_breakers",
            "starts_with", "ends_with", "contains", "excludes"}  # fmt: skip


def test_every_flag_that_takes_characters_reads_the_same_escapes() -> None:
    flags: list[Flag] = [
        flag for group in vars(shared).values() if isinstance(group, Group) for flag in group.flags
    ]
    assert {flag.option for flag in flags if flag.parse is unescaped} == ESCAPING
    assert bias(r"\n=-2") == ("\n", -2.0)


@pytest.mark.parametrize(
    ("typed", "numbers"), [("0.8", 0.8), ("1", 1.0), ("1.0,0.5", (1.0, 0.5)), ("2,0.5", (2.0, 0.5))]
)
def test_a_schedule_has_a_point_in_it(typed: str, numbers: float | tuple[float, ...]) -> None:
    assert number_or_several(typed) == numbers


@pytest.mark.parametrize("typed", ["0,8", "1,2", "1,2,3"])
def test_a_decimal_comma_is_no_schedule(typed: str) -> None:
    with pytest.raises(ValueError, match=typed):
        number_or_several(typed)


@pytest.mark.parametrize("name", ["temperature", "top_p"])
def test_a_decimal_comma_is_answered_with_a_point(name: str) -> None:
    from unspool._cli.flags.flag import parser

    (flag,) = (flag for flag in shared.SAMPLING.flags if flag.name == name)
    read = parser(flag)
    assert read is not None
    with pytest.raises(click.UsageError, match=r"got '0,8'; did you mean 0\.8\?"):
        read("0,8")
