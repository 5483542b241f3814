"""JSON Schema says of each option what its row allows."""

import math
import re
from dataclasses import fields
from typing import Any

import jsonschema
import pytest

import unspool
from unspool._configuration import from_dict, rows_of, to_plain
from unspool._generation.selecting.selection import Selection
from unspool._serving.describing.options import option_schemas

OPTIONS = [
    (config, name)
    for config in (unspool.GenerationOptions, unspool.Constraint, Selection)
    for name in rows_of(config)
]
SCHEMAS = {
    unspool.GenerationOptions: option_schemas(unspool.GenerationOptions),
    unspool.Constraint: option_schemas(unspool.Constraint),
    Selection: option_schemas(Selection, novel=bool, valid=str | None),
}
VALUES: list[Any] = [
    None, True, False, -1, 0, 1, 2, 5, 100, 101, 2**31, 2**64, -0.5, 0.0, 0.5, 1.0, 1.5, 1e7, -1e7, "", "a",
    "top_k", [], ["a"], ["top_k"], [""], [1], [0.5, 1.0], [-1.0], [[1]], [[0]], {}, {"a": 1.0}, {"a": 1e7},
    {"a": "b"},
]  # fmt: skip
BESIDE: dict[str, dict[str, Any]] = {
    "temperature_steps": {"temperature": (0.2, 1.0)},
    "min_tokens": {"max_new_tokens": 2**31 - 1},
    "min_length": {"max_length": 100_000},
}


@pytest.mark.parametrize(("config", "name"), OPTIONS)
def test_the_schema_takes_what_the_row_takes(config: type, name: str) -> None:
    validator = jsonschema.Draft202012Validator(SCHEMAS[config][name])
    row = rows_of(config)[name]
    if row.sample is not None and not _has_infinity(row.sample):
        assert validator.is_valid(to_plain(row.sample))
    for value in VALUES:
        says = validator.is_valid(value)
        takes = is_taken(config, name, value)
        if isinstance(value, float) and value.is_integer() and takes != says:
            continue  # 1.0 is a whole number in JSON Schema
        assert takes == says, (value, takes, says)


def is_taken(config: type, name: str, value: Any) -> bool:
    """Return whether an option may have a value; it may be refused beside others."""
    row = rows_of(config)[name]
    if value is None and row.none_means is not None:
        return True
    if config is Selection:
        return row.range.holds(value)
    try:
        from_dict(config, BESIDE.get(name, {}) | {name: value}, where="")
    except unspool.ConfigError as error:
        return re.split(r"\W", error.what)[0] != name
    return True


def _has_infinity(value: Any) -> bool:
    return isinstance(value, dict) and any(math.isinf(number) for number in value.values())


@pytest.mark.parametrize("config", SCHEMAS)
def test_each_option_is_there_with_its_names_and_words(config: type) -> None:
    for field in fields(config):
        row = rows_of(config)[field.name]
        for name in (field.name, *row.aliases):
            assert SCHEMAS[config][name] == SCHEMAS[config][field.name]
        assert SCHEMAS[config][field.name]["description"].endswith((".", ")."))
