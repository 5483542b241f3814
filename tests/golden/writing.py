"""How golden outputs are written down: figures rounded, texts as they are, what is measured left out."""

import dataclasses
import hashlib
import json
import math
import re
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import unspool

MEASURED = "seconds|characters_per_second|threads"
SHOWN = 6  # digits of a figure that a command prints: another compiler may round the next otherwise
DIGITS = 4


def rounded(value: Any) -> Any:
    """Return a value in plain JSON types, its numbers rounded; what is not finite becomes a word."""
    if isinstance(value, Mapping):
        return {str(key): rounded(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [rounded(item) for item in value]
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {field.name: rounded(getattr(value, field.name)) for field in dataclasses.fields(value)}
    if hasattr(value, "tolist"):
        return rounded(value.tolist())
    if isinstance(value, float):
        return round(value, DIGITS) + 0.0 if math.isfinite(value) else str(value)
    return value


def line(value: Any) -> str:
    """Write a value as one line of JSON."""
    return json.dumps(rounded(value), ensure_ascii=False, allow_nan=False)


def lines(values: Iterable[Any]) -> str:
    """Write values as JSON lines."""
    return "".join(f"{line(value)}\n" for value in values)


def steady(text: str, folder: Path) -> str:
    """Leave out what is another each time: folders, versions, times and speeds; shorten long figures."""
    text = text.replace(str(folder), "FOLDER").replace(f"unspool {unspool.__version__}", "unspool VERSION")
    text = re.sub(rf'"({MEASURED})": (?:[\d.e+-]+|null)', r'"\1": 0', text)
    text = re.sub(r"\b(in|epochs,|epoch,) \d+(\.\d)? s\b", r"\1 0 s", text)
    text = re.sub(r"(step [\d,]+,|(?:Finished|Stopped) after) \d+(:\d\d){1,2}\b", r"\1 0:00", text)
    return re.sub(r"-?\d+\.\d{7,}(e-?\d+)?", lambda found: f"{float(found[0]):.{SHOWN}g}", text)


def digest(content: bytes) -> str:
    """Compute a short digest."""
    return hashlib.sha256(content).hexdigest()[:16]
