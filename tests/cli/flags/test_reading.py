"""How a value that was typed is read, and the words where it cannot be; how a flag becomes an option."""

import inspect
from pathlib import Path
from typing import Annotated, Any, Literal

import click
import pytest

from unspool._cli.flags.config_file import Setting, _checked, toml_lines, with_config
from unspool._cli.flags.flag import (
    Argument,
    Flag,
    FlagValues,
    Group,
    Option,
    given,
    metavar,
    option_from,
    parameter_of,
    parser,
    with_choices,
)
from unspool._cli.flags.guesses import known_command, known_flag
from unspool._cli.flags.help import GroupedCommand, is_long_name, with_dashes
from unspool._errors import ConfigError


@pytest.mark.parametrize(
    ("flag", "typed", "read"),
    [
        (Flag("n", int, ""), "3", 3), (Flag("t", float, ""), "0.5", 0.5),
        (Flag("t", list[float], ""), "1e-3", 0.001), (Flag("c", float, "", can_be_off=True), "NONE", "none"),
        (Flag("c", float, "", can_be_off=True), "2", 2.0), (Flag("s", str, "", can_be_off=True), "x", "x"),
        (Flag("p", str, "", parse=lambda text: text + "!"), "x", "x!"),
    ],
)  # fmt: skip
def test_a_value_is_read_by_its_kind(flag: Flag, typed: str, read: Any) -> None:
    read_by = parser(flag)
    assert read_by is not None
    assert read_by(typed) == read
    assert parser(Flag("s", str, "")) is parser(Flag("l", list[str], "")) is None


@pytest.mark.parametrize(
    ("flag", "typed", "told"),
    [
        (Flag("top_k", int, ""), "x", "--top-k must be a whole number; got 'x'"),
        (Flag("top_p", float, ""), "x", "--top-p must be a number; got 'x'"),
        (Flag("top_p", float, "", can_be_off=True), "-0,5",
         "--top-p must be a number or none; got '-0,5'; did you mean -0.5?"),
        (Flag("a", float, ""), "1,2,3", "--a must be a number; got '1,2,3'"),
        (Flag("a", int, ""), "x" * 61, f"--a must be a whole number; got {'x' * 60!r}"),
        (Flag("b", str, "", parse=int, words="a thing"), "x", "--b must be a thing; got 'x'"),
        (Flag("b", str, "", parse=int), "x", "--b must be a text; got 'x'"),
    ],
)  # fmt: skip
def test_what_cannot_be_read_is_told(flag: Flag, typed: str, told: str) -> None:
    read_by = parser(flag)
    assert read_by is not None
    with pytest.raises(click.UsageError) as error:
        read_by(typed)
    assert error.value.message == told


@pytest.mark.parametrize(
    ("flag", "word"),
    [
        (Flag("a", bool, ""), None), (Flag("a", int, ""), "N"), (Flag("a", float, ""), "X"),
        (Flag("a", list[float], ""), "X"), (Flag("a", str, ""), "TEXT"), (Flag("a", list[str], ""), "TEXT"),
        (Flag("a", int, "", can_be_off=True), "N|none"), (Flag("a", str, "", table="a:B"), "NAME"),
        (Flag("a", list[str], "", several=True), "X …"),
        (Flag("a", list[str], "", several=True, table="a:B"), "NAME …"),
    ],
)  # fmt: skip
def test_a_value_has_a_word_in_the_help(flag: Flag, word: str | None) -> None:
    assert metavar(flag) == word


def test_choices_stand_in_the_sentence() -> None:
    table = "unspool._network.quantization:PRECISIONS"
    one, several = (Flag("a", str, "", table=table, several=several) for several in (False, True))
    assert with_choices(one, "{choices}!") == "float32, float16 or int8!"
    assert with_choices(several, "{choices}") == "float32, float16, int8"
    off = Flag("a", str, "", can_be_off=True)
    assert with_choices(off, "{choices}", ("x",)) == "x or none"
    assert with_choices(one, "nothing") == "nothing"


def test_an_option_has_what_its_row_says() -> None:
    flag = Flag("top_k", int, "Help", default="3", can_be_off=True, negative=None)
    option = option_from("top_k", int | None, Option(flag, "Panel"), None)
    assert (option.opts, option.envvar, option.hidden, option.multiple, option.is_flag) == (
        ["--top-k"], "UNSPOOL_TOP_K", False, False, False,
    )  # fmt: skip
    assert (option.help, option.metavar, option.default, option.panel, option.several, option.words) == (
        "Help [3]", "N|none", None, "Panel", False, (),
    )  # fmt: skip
    hidden = option_from("k", int | None, Option(Flag("k", int, "Help"), hidden=True), 7)
    assert (hidden.envvar, hidden.hidden, hidden.help, hidden.default) == (None, True, "Help", 7)
    many = option_from("n", list[str] | None, Option(Flag("n", list[str], "", several=True)), None)
    assert (many.opts, many.multiple, many.several) == (["-n", "--n"], True, True)
    assert many.callback is not None
    assert many.callback(None, None, ("a", "b")) == ["a", "b"]  # type: ignore[arg-type]
    switch = option_from("end", bool, Option(Flag("end", bool, "", negative="--no-end")), True)
    assert (switch.opts, switch.secondary_opts, switch.is_flag, switch.default) == (
        ["--end"], ["--no-end"], True, True,
    )  # fmt: skip
    words = option_from("unknown", Literal["a", "b"] | None, Option(Flag("unknown", str, "{choices}")), "a")
    assert words.words == ("a", "b")
    assert isinstance(words.type, click.Choice)


def test_an_argument_has_a_line_in_the_help() -> None:
    def command(
        folder: Annotated[str, Argument("DIR", "A folder.")],
        files: Annotated[list[str] | None, Argument("[FILE…]", "Files.")] = None,
    ) -> None: ...

    folder, files = map(parameter_of, inspect.signature(command).parameters.values())
    assert isinstance(folder, click.Argument)
    assert isinstance(files, click.Argument)
    assert (folder.required, folder.nargs, folder.callback) == (True, 1, None)
    assert (files.required, files.nargs) == (False, -1)
    assert files.callback is not None
    assert files.callback(None, None, ("a",)) == ["a"]  # type: ignore[arg-type]
    context = click.Context(click.Command("x"))
    assert folder.get_help_record(context) == ("DIR", "A folder. [required]")
    assert files.get_help_record(context) == ("[FILE…]", "Files.")


def test_one_thing_has_one_value() -> None:
    flag = Flag(
        "max_new_tokens", int, "", aliases=("max_tokens", "max_length"), option="limit", can_be_off=True
    )
    group = Group("g", "G", (flag, Flag("c", list[str], "", collect=tuple)))
    assert given(group, {"max_tokens": "none", "c": ["a"]}) == {"limit": None, "c": ("a",)}
    with pytest.raises(click.BadParameter) as error:
        given(group, {"max_new_tokens": 1, "max_length": 2})
    assert error.value.message == "--max-new-tokens and --max-length mean the same: give one of them"
    with pytest.raises(AttributeError, match=r"^the command takes no group x$"):
        _ = FlagValues({"g": {}}).x


@pytest.mark.parametrize(
    ("word", "spelled"),
    [("--top_k", "--top-k"), ("--top_k=a_b", "--top-k=a_b"), ("--a1_b", "--a1_b"), ("a_b", "a_b"),
     ("-a_b", "-a_b"), ("--=x_y", "--=x_y")],
)  # fmt: skip
def test_a_flag_may_have_underscores(word: str, spelled: str) -> None:
    assert with_dashes(word) == spelled


@pytest.mark.parametrize(
    ("word", "letter", "long"),
    [("-lr", "-l", True), ("-l", "-l", False), ("--lr", "-l", False), ("-lr", "-x", False),
     ("-l1", "-l", False), ("-l_r-x", "-l", True)],
)  # fmt: skip
def test_a_long_name_may_stand_after_one_dash(word: str, letter: str, long: bool) -> None:
    assert is_long_name(word, letter) is long


@pytest.mark.parametrize(
    ("wrong", "told"),
    [("generate", "did you mean sample?"), ("GENERATE", "did you mean sample?"),
     ("Trian", "did you mean train?"), ("xyz", None)],
)  # fmt: skip
def test_a_wrong_command_is_answered(wrong: str, told: str | None) -> None:
    assert known_command(wrong, ["train", "sample"]) == told


def test_a_wrong_flag_is_answered_by_what_the_command_has() -> None:
    def option(flag: Flag) -> click.Option:
        return option_from(flag.name, str, Option(flag), None)

    command = GroupedCommand("x", params=[
        option(Flag("seed", int, "")), option(Flag("limit", int, "", elsewhere=("top_most",))),
        click.Argument(["prompt"], metavar="[PROMPT]…"), click.Argument(["folder"]),
    ])  # fmt: skip
    for wrong, told in (
        ("--top-most", "it is --limit here"), ("--TOP_MOST", "it is --limit here"),
        ("-s", "it is --seed here"),
        ("--count", "it is --limit here"), ("--sed", "did you mean --seed?"), ("--zzz", None), ("-z", None),
        ("--prompt", "it is written without a flag: unspool x [PROMPT]…"), ("--data", None),
    ):  # fmt: skip
        assert known_flag(command, wrong) == told, wrong


def test_an_error_speaks_of_flags() -> None:
    params = [option_from(flag.name, str, Option(flag), None) for flag in (
        Flag("top_k", int, "", can_be_off=True), Flag("samplers", str, "", table="a:B"),
        Flag("choice", list[str], "", option="choices"),
    )]  # fmt: skip
    command = GroupedCommand("x", params=params)

    def told(what: str, **words: str) -> str:
        return str(command._of_flags(ConfigError(what, **words)))

    assert (
        told("top_k", expected="a number or None", got="None") == "--top-k must be a number or none; got none"
    )
    assert told("choices 3", expected="top_k=1 or top_k") == "--choice 3: expected top_k=1 or --top-k"
    assert told("samplers", expected="top_k", got="x") == "--samplers must be top_k; got x"
    assert told("a: top_k", expected="top_k or None", got="x") == "a: top_k must be top_k or none; got x"
    assert told("other", expected="x", hint="give top_k") == "other must be x; give --top-k"


def test_a_value_of_a_file_is_what_its_flag_would_give() -> None:
    def read(flag: Flag | None, value: object) -> Any:
        return _checked(Setting("showing", "x", flag, None), value, "f: x")

    off = Flag("x", int, "", can_be_off=True)
    assert (read(off, "none"), read(off, 3), read(Flag("x", list[str], ""), "a")) == (None, 3, ["a"])
    assert read(Flag("x", list[float], ""), [1, 0.5]) == [1, 0.5]
    for flag, value, told in (
        (Flag("x", int, ""), "none", "f: x must be a whole number; got 'none'"),
        (Flag("x", int, ""), True, "f: x must be a whole number; got True"),
        (Flag("x", float, ""), "1", "f: x must be a number; got '1'"),
        (Flag("x", bool, ""), 1, "f: x must be true or false; got 1"),
        (Flag("x", list[str], ""), ["a", 1], "f: x must be a string; got 1"),
        (None, 1, "f: x must be a string; got 1"),
    ):
        with pytest.raises(ConfigError) as error:
            read(flag, value)
        assert str(error.value) == told


def test_a_configuration_file_is_not_larger_than_a_megabyte(tmp_path: Path) -> None:
    from unspool._cli.commands.train import GROUPS

    flags = FlagValues({group.argument: {} for group in GROUPS})
    file = tmp_path / "a.toml"
    file.write_text("epochs = 3\n" + "#" * ((1 << 20) - 11), "utf-8-sig")
    with pytest.raises(ConfigError, match="expected at most 1,048,576 bytes, got more"):
        with_config(flags, str(file), GROUPS)
    file.write_text("epochs = 3\n" + "#" * ((1 << 20) - 14), "utf-8-sig")
    assert with_config(flags, str(file), GROUPS).training == {"epochs": 3}
    file.write_text('text = "a"\ntarget = "b"\n', "utf-8")
    with pytest.raises(ConfigError) as error:
        with_config(flags, str(file), GROUPS)
    assert str(error.value) == f"{file}: target and another name of it are given: expected one of them"


def test_the_lines_of_a_configuration_file() -> None:
    group = Group("g", "Heading", (
        Flag("a", int, "A number", default="3"), Flag("b", int, "B", can_be_off=True),
        Flag("c", str, "C " + "word " * 30),
    ))  # fmt: skip
    values = FlagValues({"g": {"a": 7, "b": None, "c": None}})
    lines = "\n".join(toml_lines(values, [group])).splitlines()
    assert lines[:8] == [
        "# unspool train CORPUS --config FILE; a flag on the command line comes before what stands here.", "",
        "# Heading", "# A number [3]", "a = 7", "# B", 'b = "none"', "# C" + " word" * 19,
    ]  # fmt: skip
    assert lines[8:] == ["#" + " word" * 11, "# c ="]
