"""The configuration file of ``unspool train --config``: flags by name, read from TOML and written to it."""

import json
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import MISSING, Field, fields
from pathlib import Path
from textwrap import wrap
from typing import Any, NamedTuple, get_args, get_origin

from unspool._cli.flags.flag import OFF, Flag, FlagValues, Group, with_choices
from unspool._cli.flags.shared import NETWORK, READING, TRAINING
from unspool._configuration import (
    SWITCH,
    Allowed,
    check,
    is_real,
    is_whole,
    names_elsewhere,
    refuse_unknown,
    rows_of,
)
from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._storage import open_regular
from unspool._text.reading.read_options import STRING, ReadOptions
from unspool._training.config import TrainingConfig

RUN = "config.json"  # of a model's folder, which has its network and its training
MOST_BYTES = 1 << 20
WIDTH = 100
CONFIGURATIONS = {
    READING.argument: ReadOptions,
    NETWORK.argument: NetworkConfig,
    TRAINING.argument: TrainingConfig,
}
KINDS: dict[Any, Allowed] = {
    int: Allowed("a whole number", lambda value: is_whole(value, least=-(1 << 63))),
    float: Allowed("a number", is_real),
    bool: SWITCH,
    str: STRING,
}


class Setting(NamedTuple):
    """A key of the file.

    Args:
        group: The argument of its group.
        option: Its name in the library.
        flag: Its flag; None if the command line has none.
        field: Its field of a configuration; None if it has none.
    """

    group: str
    option: str
    flag: Flag | None
    field: "Field[Any] | None"


def settings_of(groups: Sequence[Group]) -> dict[str, Setting]:
    """Return what each key of the file sets: an option, by its name in Python or that of its flag."""
    settings: dict[str, Setting] = {}
    for group in groups:
        cls = CONFIGURATIONS.get(group.argument)
        known = {} if cls is None else {field.name: field for field in fields(cls)}
        for flag in group.flags:
            option = flag.option or flag.name
            setting = Setting(group.argument, option, flag, known.pop(option, None))
            settings |= dict.fromkeys((option, flag.name, *flag.aliases), setting)
        for name, field in known.items():
            if field.default is not None:  # None: the texts decide it
                settings[name] = Setting(group.argument, name, None, field)
    return settings


def with_config(flags: FlagValues, file: str, groups: Sequence[Group]) -> FlagValues:
    """Return the values of flags with those of a configuration file beneath them.

    Args:
        flags: The given flags, which come first.
        file: The file: TOML, or the config.json of a run; or the folder of a run.
        groups: The groups of flags.

    Raises:
        InputError: If the file cannot be read, or a key or a value is wrong.
    """
    path = Path(file) / RUN if Path(file).is_dir() else Path(file)
    settings, where = settings_of(groups), str(path)
    values = _of_run(path) if path.suffix == ".json" else _of_toml(path)
    refuse_unknown(values, list(settings), where, names_elsewhere(*CONFIGURATIONS.values()))
    merged: dict[str, dict[str, Any]] = {group.argument: {} for group in groups}
    for key, value in values.items():
        setting = settings[key]
        if setting.option in merged[setting.group]:
            raise ConfigError(f"{where}: {key} and another name of it are given", expected="one of them")
        merged[setting.group][setting.option] = _checked(setting, value, f"{where}: {key}")
    return FlagValues({name: of_file | getattr(flags, name) for name, of_file in merged.items()})


def _of_toml(path: Path) -> dict[str, Any]:
    try:
        with open_regular(path) as file:
            raw = file.read(MOST_BYTES + 1)
        if len(raw) > MOST_BYTES:
            raise ConfigError(str(path), expected=f"at most {MOST_BYTES:,} bytes", got="more")
        return tomllib.loads(raw.decode("utf-8-sig"))
    except OSError as error:
        raise ConfigError(f"cannot read {path}", got=error.strerror or str(error)) from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError, RecursionError) as error:
        hint = "write one with: unspool train CORPUS --print-config > FILE"
        raise ConfigError(str(path), expected="TOML", got=str(error)[:200], hint=hint) from None


def _of_run(path: Path) -> dict[str, Any]:
    """Return the values of a run's network and training, without what its texts decided."""
    from unspool._artifacts.model_folder import config_of, read_content

    config = config_of(read_content(path), where=str(path))
    return {name: getattr(config.network, name) for name in settings_of((NETWORK,))} | dict(config.training)


def _checked(setting: Setting, value: Any, where: str) -> Any:
    """Return a value of the file as the flag would give it.

    Raises:
        ConfigError: If it is of a wrong type or out of its range.
    """
    flag, field = setting.flag, setting.field
    if value == OFF and flag is not None and flag.can_be_off:
        value = None
    many = flag is not None and get_origin(flag.kind) is list
    if many and not isinstance(value, list):
        value = [value]
    if field is not None:
        row = rows_of(CONFIGURATIONS[setting.group])[setting.option]
        value = row.range.canonical(value)
        held = tuple(value) if many else value
        check(where, value, row.range.fill(row.range.words), row.range.holds(held))
        real = float in (flag and flag.kind, type(field.default))
        return float(value) if real and value is not None else value
    kind = KINDS[get_args(flag.kind)[0] if many else flag.kind] if flag is not None else STRING
    for each in value if many else [value]:
        check(where, each, kind.words, each is None or kind.holds(each))
    return value


def toml_lines(flags: FlagValues, groups: Sequence[Group]) -> Iterator[str]:
    """Yield the lines of a configuration file: what is given as keys, all else as comments with its default.

    Args:
        flags: The given flags.
        groups: The groups of flags.
    """
    yield "# unspool train CORPUS --config FILE; a flag on the command line comes before what stands here."
    for group in groups:
        given = getattr(flags, group.argument)
        yield f"\n# {group.heading}"
        shown: dict[str, Setting] = {setting.option: setting for setting in settings_of([group]).values()}
        for option, setting in shown.items():
            if setting.flag is not None:
                yield from _comment(setting.flag)
            off = option in given and given[option] is None
            if option in given and not (off and not (setting.flag and setting.flag.can_be_off)):
                yield f"{option} = {toml_value(given[option])}"
            else:
                default = None if setting.field is None else setting.field.default
                usual = "" if default in (None, MISSING, ()) else f" {toml_value(default)}"
                yield f"# {option} ={usual}"


def _comment(flag: Flag) -> list[str]:
    usual = f" [{flag.default}]" if flag.default is not None else ""
    return wrap(with_choices(flag, flag.help) + usual, WIDTH, initial_indent="# ", subsequent_indent="# ")


def toml_value(value: object) -> str:
    """Return a value as TOML, in which None is the word for off."""
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(toml_value, value))}]"
    if value is None:
        return f'"{OFF}"'
    if isinstance(value, str):
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    return repr(value).lower()  # a number, or true or false
