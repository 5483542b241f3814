"""The fields of a request for a training: each is checked, whether it comes in an address or in JSON."""

from collections.abc import Mapping
from typing import Any

from starlette.requests import Request

from unspool._configuration import is_real
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served
from unspool._serving.training.desk import TrainingDesk, folder_of_runs

MOST_MINUTES = 24 * 60.0
LONGEST_TEXT = 200  # characters of a field
TRUTHS = {"true": True, "false": False, True: True, False: False}


def desk_of(served: Served) -> TrainingDesk:
    """Return the place where trainings are asked for.

    Raises:
        RefusedError: If the server has none.
    """
    if served.trainings is None:
        root = folder_of_runs(served.roots)
        if not served.is_local and not served.keys:
            message = "this server is open to everybody, so that it trains nothing"
            raise RefusedError(403, f"{message}; start it with --api-key-file FILE", code="no_trainings")
        if root is None:
            message = "this server has models alone, and no folder for new ones"
            raise RefusedError(403, f"{message}; start it with one: unspool serve runs", code="no_trainings")
        served.trainings = TrainingDesk(root, served.limits)
    desk: TrainingDesk = served.trainings
    return desk


def text_of(values: Mapping[str, Any], name: str) -> str | None:
    """Return a field that is a short text, or None if it is missing or empty.

    Raises:
        RefusedError: If it is something else, or has a control character.
    """
    value = values.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, int) and not isinstance(value, bool):
        value = str(value)  # the number of a column
    if not isinstance(value, str) or len(value) > LONGEST_TEXT or not value.isprintable():
        raise _wrong(name, f"a text of at most {LONGEST_TEXT} printable characters", value)
    return value


def truth_of(values: Mapping[str, Any], name: str) -> bool | None:
    """Return a field that is true or false, or None if it is missing.

    Raises:
        RefusedError: If it is something else.
    """
    value = values.get(name)
    if value is None or value == "":
        return None
    if not isinstance(value, str | bool) or value not in TRUTHS:
        raise _wrong(name, "true or false", value)
    return TRUTHS[value]


def minutes_of(values: Mapping[str, Any]) -> float | None:
    """Return the field `minutes`, or None if it is missing.

    Raises:
        RefusedError: If it is no number of minutes up to a day.
    """
    value = values.get("minutes")
    if value is None or value == "":
        return None
    if isinstance(value, str):
        try:
            value = float(value)
        except ValueError:
            raise _wrong("minutes", f"a number > 0, at most {MOST_MINUTES:g}", value) from None
    if not is_real(value) or not 0 < value <= MOST_MINUTES:
        raise _wrong("minutes", f"a number > 0, at most {MOST_MINUTES:g}", value)
    return float(value)


def whole_length(request: Request) -> int | None:
    """Return how many bytes a request says that its body has, or None if it does not say."""
    length = request.headers.get("content-length", "")
    return int(length) if length.isascii() and length.isdigit() and len(length) < 20 else None


def refuse_others(values: Mapping[str, Any], known: set[str]) -> None:
    """Refuse a request that has a field nobody knows.

    Raises:
        RefusedError: For the first such field.
    """
    for name in values:
        if name not in known:
            message = f"{str(name)[:60]!r} is no field here: expected one of {', '.join(sorted(known))}"
            raise RefusedError(400, message, code="unknown_field", param=str(name)[:60])


def _wrong(name: str, expected: str, got: object) -> RefusedError:
    return RefusedError(400, f"{name} must be {expected}; got {str(got)[:60]!r}", param=name)
