"""The help tells the truth: its defaults, its choices and its names are the library's own."""

import dataclasses
import importlib
import inspect
import math
import sys
from pathlib import Path
from types import NoneType
from typing import get_args, get_type_hints

import click
import pytest

import unspool as library
from tests.cli.conftest import TINY, Run
from unspool._cli.app import COMMANDS
from unspool._cli.commands import bench, score
from unspool._cli.flags import shared as options
from unspool._cli.flags import sweeping
from unspool._cli.flags.flag import (
    Flag,
    FlagValues,
    Group,
    Option,
    choices,
    completing,
    given,
    option_from,
    takes,
)
from unspool._cli.flags.values import bias
from unspool._configuration import rows_of
from unspool._generation.options.generation_options import ALIASES, GenerationOptions
from unspool._generation.search.search_options import BeamOptions, EnumerationOptions
from unspool._model import Generator
from unspool._sweeping.sweep_config import SweepConfig
from unspool._text.reading.read_options import ReadOptions

GROUPS = [value for value in vars(options).values() if isinstance(value, Group)]
EVERYWHERE = [*vars(sweeping).values(), *vars(bench).values(), *vars(score).values(), *GROUPS]
WITH_TABLES = {
    (flag.name, flag.table): flag
    for group in EVERYWHERE
    for flag in (group.flags if isinstance(group, Group) else ())
    if flag.table
}.values()
SWEEPING = Group("sweeping", "", (*sweeping.TRYING.flags, *sweeping.BUDGET.flags))
CONFIGS = {
    options.NETWORK: library.NetworkConfig,
    options.TRAINING: library.TrainingConfig,
    options.READING: ReadOptions,
    SWEEPING: SweepConfig,
}
WORDS = {"none": None, "off": False, "on": True, "one on each processor": None, "an epoch": None,
         "a space": " ", "no limit": None, "by the file's name": None, "detected": None,
         "by the format and the look": None, "the end of a line": None, "all": None,
         "utf-8, or by a byte order mark": None, "double, unless they join rows": None,
         "new each time": None, "the model's own": 1.0,
         "200, or the longest text it learned": 200}  # fmt: skip


PLAIN = GenerationOptions()  # what Generator.generate passes on


def value_shown(flag: Flag) -> object:
    """Read the default that the help shows."""
    shown = flag.default or ""
    if shown in WORDS:
        return WORDS[shown]
    return float(shown) if flag.kind is float else int(shown) if flag.kind is int else shown


@pytest.mark.parametrize(
    ("config", "flag"),
    [(config, flag) for group, config in CONFIGS.items() for flag in group.flags if flag.name != "reuse"],
    ids=lambda value: getattr(value, "name", None),
)
def test_defaults_are_those_of_the_configurations(config: type, flag: Flag) -> None:
    name = flag.option or flag.name
    default, row = getattr(config(), name), rows_of(config)[name]
    if flag.several:
        words = (flag.default or "").split()
        assert flag.collect is not None
        assert flag.collect(words) == default
    elif flag.kind == list[str]:
        assert (flag.default, default) == (None, ())
    else:
        assert value_shown(flag) == default
    if flag.can_be_off:
        assert NoneType in get_args(get_type_hints(config)[name])
        assert row.takes_none


def test_a_flag_that_unspool_chooses_for_takes_no_none() -> None:
    flags = {flag.name: flag for group in CONFIGS for flag in group.flags}
    off = {name for name, flag in flags.items() if flag.can_be_off}
    assert {"epochs", "normalization", "split", "trials", "pruner"} <= off
    assert not off & {"threads", "format", "header", "minutes_per_trial", "symbols_per_trial"}


@pytest.mark.parametrize(
    ("function", "flag"),
    [
        *((library.read_records, flag) for flag in options.READING.flags),
        *((library.train, flag) for flag in options.TOKENIZER.flags),
        *((Generator.generate, flag) for flag in options.SAMPLING.flags),
        *(
            (Generator.audit, flag)
            for flag in options.AUDITING.flags
            if flag.name in ("samples", "temperature")
        ),
        *((BeamOptions, flag) for flag in options.SEARCH.flags),
        *((EnumerationOptions, flag) for flag in options.ENUMERATION.flags),
    ],
    ids=lambda value: getattr(value, "name", None),
)
def test_defaults_are_those_of_the_functions(function: object, flag: Flag) -> None:
    parameters = inspect.signature(function).parameters  # type: ignore[arg-type]
    name = flag.option or flag.name  # `source` is where the texts come from
    default = parameters[name].default if name in parameters else getattr(PLAIN, name)
    if flag.kind == list[str]:
        assert not default
    else:
        assert value_shown(flag) == default


def test_the_flags_of_constraints_are_its_fields() -> None:
    fields = {field.name: field for field in dataclasses.fields(library.Constraint)}
    names = {flag.name: flag for flag in options.CONSTRAINTS.flags}
    assert [flag.option for flag in options.CONSTRAINTS.flags] == list(fields)
    assert fields["scope"].default == names["scope"].default
    assert all(field.default is None for name, field in fields.items() if name != "scope")


def test_a_flag_may_have_another_name_than_its_option_and_a_text_may_be_the_word_none() -> None:
    values = {"choice": ["a"], "starts_with": "none", "max_length": "none"}
    assert given(options.CONSTRAINTS, values) == {"starts_with": "none", "choices": ["a"], "max_length": None}


@pytest.mark.parametrize("flag", WITH_TABLES, ids=lambda flag: flag.name)
def test_choices_are_those_of_the_tables(flag: Flag) -> None:
    assert flag.table
    module, name = flag.table.split(":")
    table = getattr(importlib.import_module(module), name)
    shown = help_of(flag)
    assert [key for key in table if key not in shown] == []
    first = next(iter(table))
    assert first in [item.value for item in completing(flag.table)(None, None, first[:1])]
    assert completing(flag.table)(None, None, "no such") == []


@pytest.mark.parametrize("flag", WITH_TABLES, ids=lambda flag: flag.name)
def test_a_table_that_is_not_loaded_is_read_from_its_source(
    flag: Flag, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert flag.table
    module, name = flag.table.split(":")
    names = list(getattr(importlib.import_module(module), name))
    assert choices(flag.table) == names
    monkeypatch.delitem(sys.modules, module)
    assert choices(flag.table) == names


def help_of(flag: Flag, kind: object = str) -> str:
    """Return the sentence that stands in the help."""
    record = option_from(flag.name, kind, Option(flag), None).get_help_record(
        click.Context(click.Command("x"))
    )
    assert record is not None
    return record[1]


def test_the_help_names_choices_that_are_no_names_of_a_table_too() -> None:
    text = Flag("out", str, "A file: {choices}", default="x", suffixes="unspool._cli.output.text_files:FILES")
    assert help_of(text) == "A file: .txt, .jsonl or .csv [x]"
    off = Flag("pruner", str, "{choices}", table="unspool._sweeping.sweep_config:PRUNERS", can_be_off=True)
    assert help_of(off) == "median, halving or none"
    assert help_of(Flag("unknown", str, "{choices}"), options.Unknown) == "error, drop or replace"


def test_what_is_given_is_told_from_what_is_not() -> None:
    flags = (Flag("a", int, ""), Flag("b", int, "", can_be_off=True), Flag("c", list[str], ""))
    group = Group("g", "G", flags)
    values = {"a": 0, "b": "none", "c": [], "other": 1}
    assert given(group, values) == {"a": 0, "b": None}
    assert values == {"other": 1}
    assert given(group, {"a": None, "b": None, "c": ["x"]}) == {"c": ["x"]}


def test_aliases_are_those_of_the_library_and_are_not_shown(unspool: Run) -> None:
    found = {alias: flag.name for flag in options.SAMPLING.flags for alias in flag.aliases}
    assert found == ALIASES
    shown = unspool(["sample", "--help"]).stdout
    assert not any(f"--{alias.replace('_', '-')} " in shown for alias in ALIASES)


@pytest.mark.parametrize(
    ("text", "wanted"), [("a=1", ("a", 1)), ("==-2.5", ("=", -2.5)), (" =-inf", (" ", -math.inf))]
)
def test_a_bias_is_read(text: str, wanted: tuple[str, float]) -> None:
    assert bias(text) == wanted


@pytest.mark.parametrize("text", ["", "a", "=", "=1", "a=", "a=b"])
def test_what_is_no_bias_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"could not convert|^$|^a$|^=1?$"):
        bias(text)


def test_a_command_keeps_its_own_parameters() -> None:
    @takes(Group("g", "G", (Flag("a", int, ""),)))
    def command(*, own: str = "x", flags: FlagValues) -> None:
        found.append((own, flags.g))
        with pytest.raises(AttributeError, match="no group h"):
            flags.h  # noqa: B018

    found: list[object] = []
    assert list(inspect.signature(command).parameters) == ["own", "a"]
    command(a=1)  # type: ignore[call-arg]
    assert found == [("x", {"a": 1})]


def test_variables_mirror_the_flags(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPOOL_HIDDEN_SIZE", "6")
    monkeypatch.setenv("UNSPOOL_EPOCHS", "1")
    monkeypatch.setenv("UNSPOOL_CLIP_NORM", "none")
    monkeypatch.setenv("UNSPOOL_OUT", str(tmp_path / "run"))
    monkeypatch.setenv("UNSPOOL_JSON", "1")
    done = unspool(["train", str(corpus), *TINY[2:]])
    assert done.exit_code == 0, done.stderr
    model = library.load(tmp_path / "run")
    assert model.network.hidden_size == 6
    assert model.training["clip_norm"] is None
    assert done.stdout.startswith("{")
    monkeypatch.setenv("UNSPOOL_HIDDEN_SIZE", "six")
    assert "'six'" in unspool(["train", str(corpus)]).stderr


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help_in_sections_and_takes_json(unspool: Run, command: str) -> None:
    shown = unspool([command, "--help"])
    assert shown.exit_code == 0
    assert "--json" in shown.stdout
    assert max(map(len, shown.stdout.splitlines())) <= 80
    if command == "train":
        headings = [line for line in shown.stdout.splitlines() if line.endswith(":") and line[0] != " "]
        groups = [options.SHOWING, options.READING, options.TABLE, options.TOKENIZER]
        groups += [options.NETWORK, options.TRAINING]
        assert headings[:4] == ["Examples:", "Arguments:", "Most used:", "Options:"]
        assert headings[4:] == [f"{group.heading}:" for group in [*groups, options.CANARIES]]


def test_completion_offers_choices(unspool: Run) -> None:
    variables = {
        "_UNSPOOL_COMPLETE": "bash_complete",
        "COMP_WORDS": "unspool train x --cell g",
        "COMP_CWORD": "4",
    }
    assert unspool([], prog_name="unspool", env=variables).stdout.split() == ["plain,gru"]
