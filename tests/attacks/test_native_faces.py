"""Whatever is given to a face of the native module, it is one error in words, and never a crash.

Each array lies between memory of ours that a call must leave alone. `make sanitize` runs this too, and sees
what is read beyond an array as well.
"""

import re
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from unspool import _native
from unspool._errors import ConfigError

from .native_faces import (
    FACES,
    WITHOUT_ARGUMENTS,
    Arguments,
    guarded,
    odd_numbers,
    odd_values,
    refused_damages,
)

ERRORS = (ValueError, TypeError, IndexError, ConfigError)
MOST_THREADS = 8  # a test starts no more
CASES = [(name, argument) for name, face in FACES.items() for argument in face.make()]
MEANT = {  # what has a meaning although it is of another shape than usual
    ("multiply", "a"): {"empty", "longer", "shorter"},
    ("multiply", "b"): {"wider", "narrower"},
    ("round_to_bf16", "values"): {"of no axis", "of one more axis"},
    ("write", "guide.transitions"): {"wider"},
    ("write", "stop.transitions"): {"wider"},
    ("write", "start"): {"shorter"},
}
Damage = tuple[str, Any]


def damages(name: str, argument: str) -> tuple[list[Damage], list[Damage]]:
    """Return what must be refused in the place of an argument, and what may have a meaning."""
    face = FACES[name]
    value = face.make()[argument]
    if not isinstance(value, np.ndarray):
        numbers = list(odd_numbers())
        if name == "thread_team":
            numbers = [(word, n) for word, n in numbers if not isinstance(n, int) or n <= MOST_THREADS]
        return [], numbers
    written = bool(face.written) and argument.startswith(face.written)
    return (
        list(refused_damages(value, free=argument in face.free, written=written)),
        list(odd_values(value)),
    )


def outcome(name: str, changes: dict[str, Any]) -> Exception | None:
    """Call a face with some of its arguments changed; return its error, and check that it was a fair one."""
    face = FACES[name]
    arguments: Arguments = {}
    whole = []
    for key, value in {**face.make(), **changes}.items():
        arguments[key] = value
        plain = isinstance(value, np.ndarray) and value.flags.c_contiguous and value.flags.writeable
        if plain and value.dtype != object:
            arguments[key], check = guarded(value)
            whole.append(check)
    error = None
    try:
        face.call(arguments)
    except ERRORS as raised:
        error = raised
    assert all(check() for check in whole), "it wrote beyond an array"
    assert error is None or 0 < len(str(error)) < 3000
    return error


def test_every_bound_function_has_a_face_here() -> None:
    bound = {name for name in dir(_native) if not name.startswith("_")}
    assert bound == WITHOUT_ARGUMENTS.union(*(face.bound for face in FACES.values()))


@pytest.mark.parametrize("name", FACES)
def test_what_fits_is_taken(name: str) -> None:
    assert outcome(name, {}) is None


@pytest.mark.parametrize(("name", "argument"), CASES, ids=lambda word: word)
def test_what_does_not_fit_is_refused(name: str, argument: str) -> None:
    refused, odd = damages(name, argument)
    taken = {word for word, value in refused if outcome(name, {argument: value}) is None}
    assert taken == MEANT.get((name, argument), set())
    for _, value in odd:
        outcome(name, {argument: value})


@pytest.mark.parametrize(("name", "argument"), CASES, ids=lambda word: word)
def test_an_array_of_another_type_is_named(name: str, argument: str) -> None:
    first, *_, last = argument.split(".") * 2  # "gradients.output.bias" is "output.bias" of several
    shown = "optimizer array" if name == "optimize" and last.isdigit() else last
    shown = first if shown.isdigit() else shown
    for word, value in damages(name, argument)[0]:
        if word.startswith("as "):
            assert re.search(rf"(^|[ .]){re.escape(shown)}\b", str(outcome(name, {argument: value})))


@given(data=st.data())
@settings(max_examples=100, deadline=None, derandomize=True, suppress_health_check=[HealthCheck.too_slow])
def test_several_damages_at_once_are_no_crash(data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(sorted(FACES)))
    arguments = sorted(FACES[name].make())
    changed = data.draw(st.lists(st.sampled_from(arguments), min_size=1, max_size=4, unique=True))
    changes = {}
    for argument in changed:
        refused, odd = damages(name, argument)
        _, changes[argument] = data.draw(st.sampled_from(refused + odd))
    outcome(name, changes)


@pytest.mark.parametrize(
    "out", [np.ones((2, 2), np.float64), np.ones((2, 4), np.float32)[:, ::2], np.ones((2, 2), np.float32)]
)
def test_no_array_is_taken_by_a_copy(out: Any) -> None:
    out.flags.writeable = out.dtype != np.float32 or not out.flags.c_contiguous
    a = np.ones((2, 2), np.float32)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _native.multiply("", False, False, a, a, out)
    with pytest.raises(TypeError, match="incompatible function arguments"):
        _native.round_to_bf16("", a, out)


def test_parameters_that_may_not_be_changed_are_read_where_they_lie() -> None:
    locked = FACES["write"].make()
    for value in locked.values():
        if isinstance(value, np.ndarray):
            value.flags.writeable = False
    assert outcome("write", locked) is None
