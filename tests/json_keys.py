"""The keys of a JSON document, so that a test can list those that users read."""

from collections.abc import Iterator
from typing import Any


def keys(document: Any, *, place: str = "") -> dict[str, set[str]]:
    """Return the keys of each object in a document by its place, such as ``runs[]``; "" is the document."""
    found: dict[str, set[str]] = {}
    for where, names in _objects(document, place):
        found.setdefault(where, set()).update(names)
    return found


def _objects(value: Any, place: str) -> Iterator[tuple[str, set[str]]]:
    if isinstance(value, dict):
        yield place, set(value)
        for name, part in value.items():
            yield from _objects(part, f"{place}.{name}" if place else name)
    elif isinstance(value, list):
        for part in value:
            yield from _objects(part, f"{place}[]")
