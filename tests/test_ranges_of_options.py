"""Ranges, rows and conversions of options, at their edges and in their words."""

import dataclasses
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any, Literal

import numpy as np
import pytest

from unspool._configuration import (
    SWITCH,
    Allowed,
    OptionRow,
    answers_unknown_names,
    as_spelled,
    check,
    check_rows,
    from_dict,
    is_real,
    is_whole,
    names_elsewhere,
    names_in,
    one_of,
    real_range,
    refuse_unknown,
    rows_of,
    to_dict,
    to_plain,
    whole_range,
)
from unspool._errors import ConfigError

TABLE = "tests.test_ranges_of_options:NAMES"
NAMES = {"one": 1, "Two": 2}
FALSE_AND_TRUE = (False, True)


def held(allowed: Allowed, values: Sequence[object]) -> list[object]:
    return [value for value in values if allowed.holds(value)]


def test_whole_numbers_have_one_limit_or_two() -> None:
    values = [1, 2, 5, 6, 2.0, True, None, "2", np.int64(3), np.int64(1)]
    open_range, closed = whole_range(2), whole_range(2, 5)
    assert held(open_range, values) == [2, 5, 6, 3]
    assert (open_range.words, open_range.bounds) == ("a whole number ≥ 2", {"minimum": 2})
    assert held(closed, values) == [2, 5, 3]
    assert (closed.words, closed.bounds) == ("a whole number from 2 to 5", {"minimum": 2, "maximum": 5})
    assert [is_whole(value, least=0) for value in (0, -1, False, np.uint8(0), np.True_)] == [
        True, False, False, True, False,
    ]  # fmt: skip


def test_real_numbers_are_finite_and_within_their_limits() -> None:
    values = [
        -1e300,
        -0.1,
        0,
        0.0,
        0.5,
        1,
        1.5,
        1e300,
        math.inf,
        -math.inf,
        math.nan,
        True,
        "1",
        np.float32(0.5),
    ]
    anything = real_range("any")
    assert held(anything, values) == [-1e300, -0.1, 0, 0.0, 0.5, 1, 1.5, 1e300, 0.5]
    assert (anything.words, anything.bounds) == ("any", {})
    inside = real_range("inside", least=0, below=1)
    assert held(inside, values) == [0, 0.0, 0.5, 0.5]
    assert inside.bounds == {"minimum": 0, "exclusiveMaximum": 1}
    above = real_range("above", above=0, most=1)
    assert held(above, values) == [0.5, 1, 0.5]
    assert above.bounds == {"exclusiveMinimum": 0, "maximum": 1}
    assert [is_real(value) for value in (1, 1.0, math.inf, True, "1", 1j)] == [True, True, True, *[False] * 3]


def test_none_is_added_to_a_range() -> None:
    wider = dataclasses.replace(whole_range(1, 3), table="x:y").or_none
    assert (wider.words, wider.bounds, wider.table) == (
        "a whole number from 1 to 3, or None", {"minimum": 1, "maximum": 3}, "x:y",
    )  # fmt: skip
    assert held(wider, [None, 0, 1, 3, 4]) == [None, 1, 3]


def test_names_of_a_table_are_taken_in_any_case() -> None:
    allowed = one_of(TABLE)
    assert names_in(TABLE) == ("one", "Two")
    assert held(allowed, ["one", "Two", "two", 1, None, ["one"]]) == ["one", "Two"]
    assert (allowed.words, allowed.fill(allowed.words)) == ("one of {choices}", "one of one, Two")
    assert allowed.fill("no {names}") == "no {names}"
    assert SWITCH.fill("{choices}") == "{choices}"
    spelled = [allowed.canonical(value) for value in ("ONE", "two", "three", ["TWO", "x"], ("One",), 3, None)]
    assert spelled == ["one", "Two", "three", ["Two", "x"], ("one",), 3, None]
    assert SWITCH.canonical("ONE") == "ONE"
    assert held(SWITCH, [True, False, 0, 1, None, "on"]) == list(FALSE_AND_TRUE[::-1])
    assert SWITCH.words == "true or false"
    assert (as_spelled("b", ["A", "B"]), as_spelled("c", ["A"]), as_spelled(2, ["2"])) == ("B", "c", 2)


def test_a_parameter_out_of_its_range_is_named() -> None:
    check("size", 1, "a number", ok=True)
    with pytest.raises(ConfigError, match=r"^size must be a number; got 'x'$"):
        check("size", "x", "a number", ok=False)


@answers_unknown_names
@dataclass(frozen=True)
class Options:
    size: Annotated[int, OptionRow(whole_range(1), sample=2, elsewhere=("n_units", "units"))] = 1
    kind: Annotated[str | None, OptionRow(one_of(TABLE), "{choices}")] = None
    made: Annotated[int, OptionRow(whole_range(0))] = field(default=0, init=False)

    def __post_init__(self) -> None:
        check_rows(self)


def test_a_row_is_that_of_its_field() -> None:
    rows = rows_of(Options)
    assert {name: row.range.words for name, row in rows.items()} == {
        "size": "a whole number ≥ 1", "kind": "one of {choices}, or None", "made": "a whole number ≥ 0",
    }  # fmt: skip
    assert (rows["kind"].help, rows["size"].help, rows["size"].sample) == ("{choices}", "", 2)
    assert names_elsewhere(Options) == {"n_units": "size", "units": "size"}
    assert Options(kind="TWO").kind == "Two"
    with pytest.raises(ConfigError, match=r"^kind must be one of one, Two, or None; got 'three'$"):
        Options(kind="three")

    @dataclass
    class Bare:
        size: int = 1

    with pytest.raises(TypeError, match=r"^Bare\.size has no OptionRow in its annotation$"):
        rows_of(Bare)


def test_a_row_says_no_more_than_it_was_given() -> None:
    row = OptionRow(SWITCH)
    assert dataclasses.asdict(row) | {"range": None} == {
        "range": None, "help": "", "sample": None, "shown": None, "negative": None, "takes_none": True,
        "several": False, "flag": None, "aliases": (), "elsewhere": (), "escapes": False, "none_means": None,
    }  # fmt: skip


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("units", "unknown option 'units'; it is 'size' here"),
        ("N-Units", "unknown option 'N-Units'; it is 'size' here"),
        ("sizes", "unknown option 'sizes'; did you mean 'size'?"),
        ("made", "unknown option 'made': expected one of size, kind"),
        ("zzz", "unknown option 'zzz': expected one of size, kind"),
    ],
)
def test_an_unknown_option_is_answered(name: str, message: str) -> None:
    for make in (lambda: Options(**{name: 1}), lambda: from_dict(Options, {name: 1}, where="")):
        with pytest.raises(ConfigError) as caught:
            make()
        assert str(caught.value) == message
    with pytest.raises(ConfigError) as caught:
        from_dict(Options, {name: 1}, where="a.json")
    assert str(caught.value) == "a.json: " + message.replace("option", "key", 1)


def test_a_dozen_known_names_are_listed() -> None:
    known = [f"name{number:02}" for number in range(13)]
    with pytest.raises(ConfigError, match=r": expected one of name00, .*name10, name11$"):
        refuse_unknown({"x": 1}, known[:12], "", {})
    with pytest.raises(ConfigError, match=r": expected one of name00, .*name10, name11 and others$"):
        refuse_unknown({"x": 1}, known, "", {})
    refuse_unknown({"name01": 1}, known, "", {"name01": "name02"})


@dataclass(frozen=True)
class Inner:
    number: int = 1


@dataclass(frozen=True)
class Strict:
    size: int

    def __post_init__(self) -> None:
        if self.size == 3:
            raise ConfigError("size", expected="another", got="3", hint="take 4")


@dataclass(frozen=True)
class Shapes:
    any: Any = None
    number: int | float = 0
    other: float | int = 0
    flag: bool | int = False
    listed: list[int] = field(default_factory=list)
    row: tuple[float, ...] = ()
    run: Sequence[str] = ()
    named: Mapping[str, int] = field(default_factory=dict)
    keyed: Mapping[str | int, int] = field(default_factory=dict)
    choice: Literal["a", 1] = "a"
    raw: bytes = b""
    inner: Inner | None = None
    nothing: None = None


@pytest.mark.parametrize(
    ("name", "given", "made"),
    [
        ("any", {"x": [1]}, {"x": [1]}),
        ("number", 3, 3),
        ("number", 3.0, 3.0),
        ("other", 3, 3),
        ("other", 3.5, 3.5),
        ("flag", True, True),
        ("flag", 1, 1),
        ("listed", (1, 2), [1, 2]),
        ("row", [1, 2], (1.0, 2.0)),
        ("run", ["a"], ("a",)),
        ("named", {1: 2}, {"1": 2}),
        ("keyed", {1: 2, "1": 3, -1: 4}, {1: 2, "1": 3, "-1": 4}),
        ("choice", 1, 1),
        ("inner", {"number": 2}, Inner(2)),
        ("nothing", None, None),
        ("number", np.float32(0.5), 0.5),
        ("number", np.int8(3), 3),
    ],
)
def test_a_value_becomes_one_of_its_type(name: str, given: object, made: object) -> None:
    found = getattr(from_dict(Shapes, {name: given}, where="x"), name)
    assert (found, type(found)) == (made, type(made))


@pytest.mark.parametrize(
    ("name", "given", "expected", "got"),
    [
        ("number", "1", "a whole number or a number", "'1' (str)"),
        ("flag", 1.5, "true or false or a whole number", "1.5 (float)"),
        ("listed", 3, "a list", "3 (int)"),
        ("listed", {"a": 1}, "a list", "{'a': 1} (dict)"),
        ("row", "ab", "a list", "'ab' (str)"),
        ("named", [1], "an object with keys and values", "[1] (list)"),
        ("choice", "b", "one of 'a', 1", "'b' (str)"),
        ("raw", "x", "<class 'bytes'>", "'x' (str)"),
        ("nothing", 3, "null", "3 (int)"),
        ("inner", 3, "an object with keys and values or null", "3 (int)"),
        ("listed", "x" * 58, "a list", f"'{'x' * 58}' (str)"),
        ("listed", "x" * 59, "a list", f"'{'x' * 56}... (str)"),
    ],
)
def test_a_value_of_another_type_is_named(name: str, given: object, expected: str, got: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_dict(Shapes, {name: given}, where="")
    assert str(caught.value) == f"{name} must be {expected}; got {got}"


@pytest.mark.parametrize(
    ("values", "message"),
    [
        ({"listed": [1, "b"]}, "c: listed[1]: expected a whole number, got 'b' (str)"),
        ({"named": {"a": None}}, "c: named.a: expected a whole number, got None (NoneType)"),
        ({"inner": {"number": "x"}}, "c: inner: number must be a whole number; got 'x' (str)"),
    ],
)
def test_what_is_wrong_inside_is_named_with_its_place(values: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigError) as caught:
        from_dict(Shapes, values, where="c")
    assert str(caught.value) == message


def test_a_refusal_of_the_class_keeps_its_words() -> None:
    with pytest.raises(ConfigError, match=r"^c: size must be another; got 3; take 4$"):
        from_dict(Strict, {"size": 3}, where="c")
    with pytest.raises(ConfigError, match=r"^size must be another; got 3; take 4$"):
        from_dict(Strict, {"size": 3}, where="")
    with pytest.raises(ConfigError, match=r"^c: key 'size' is missing: expected a value for it$"):
        from_dict(Strict, {}, where="c")


def test_any_value_is_written_plainly() -> None:
    value = {
        "a": (1, {2: np.float32(0.5)}),
        "b": [np.int8(3), None],
        "c": Inner(3),
        "d": {"e": True, "f": "x"},
    }
    plain = to_plain(value)
    assert plain == {"a": [1, {"2": 0.5}], "b": [3, None], "c": {"number": 3}, "d": {"e": True, "f": "x"}}
    assert [type(number) for number in plain["b"]] == [int, type(None)]  # type: ignore[index]
    assert to_dict(Options(size=2, kind="one")) == {"size": 2, "kind": "one", "made": 0}
    for wrong in (b"x", {1}, Inner):
        with pytest.raises(TypeError, match=r" has no plain JSON form$"):
            to_plain(wrong)
    with pytest.raises(TypeError, match=r"^to_dict takes a dataclass instance, not 3$"):
        to_dict(3)
