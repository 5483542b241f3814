"""Record what the errors say that a test raises, and compare it with what they said.

A test that asks for a part of a message lets the rest change. So the whole messages of the rooms in `ROOMS`
are kept in ``data/ROOM.json``, by the name of the test; what is not recorded there is not compared.
"""

import contextlib
import json
import re
import sys
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

from unspool._errors import InputError

DATA = Path(__file__).parent / "data"
ROOMS = ("artifacts", "hub", "importing", "network", "text")
PYTHON = "3.11"  # whose words for what is wrong with JSON, zip archives and numbers are recorded
# What differs from run to run, with how unspool was installed, and with the versions of other libraries.
CHANGING = (
    (re.compile(r"\b[0-9a-f]{12}\b"), "HEX"),
    (re.compile(r"(127\.0\.0\.1|localhost):\d+"), r"\1:PORT"),
    (re.compile(r"(broken \w+ data: got |texts, numbers or dates, got )[^;]*"), r"\1LIBRARY"),
    (re.compile(r'pip install (-e )?"[^"]*\[(\w+)\][^"]*"'), r'pip install "unspool[\2]"'),
)


@contextlib.contextmanager
def listening() -> Iterator[list[InputError]]:
    """Yield the list of all errors that are made meanwhile."""
    made: list[InputError] = []
    honest = InputError.__init__

    def make(self: InputError, *args: Any, **keywords: Any) -> None:
        honest(self, *args, **keywords)
        made.append(self)

    with mock.patch.object(InputError, "__init__", make):
        yield made


def spelled(errors: list[InputError], folder: Path) -> list[str]:
    """Return what errors say, each once, without what changes from run to run.

    Args:
        errors: The errors.
        folder: The temporary folder of the test.
    """
    said = set()
    for error in errors:
        text = str(error).replace(str(folder), "TMP")
        for pattern, word in CHANGING:
            text = pattern.sub(word, text)
        said.add(text)
    return sorted(said)


@cache
def recorded(room: str) -> dict[str, list[str]]:
    """Return what is recorded of a room: messages by the names of tests; nothing on another Python."""
    path = DATA / f"{room.replace('/', '-')}.json"
    if sys.version_info[:2] != tuple(map(int, PYTHON.split("."))) or not path.exists():
        return {}
    found: dict[str, list[str]] = json.loads(path.read_text("utf-8"))
    return found


def room_of(test: str) -> str | None:
    """Return the room that a test belongs to, by its name; None for one whose messages are not kept."""
    return next((room for room in ROOMS if test.startswith(f"tests/{room}/")), None)
