"""What is told of two texts that should be one: the first lines that differ, and how many there are."""

import difflib
import json
import math
import re
from typing import Any

EXACT = ("weights", "checkpoint", "metrics", "card")  # digests of figures to their last bit
DIGEST = re.compile(r"\b[0-9a-f]{16}\b")
FIGURE = re.compile(rf"{DIGEST.pattern}|-?\d+\.\d+(?:e[-+]?\d+)?")
NEAR = 1e-2
LINES = 40
WIDTH = 240


def difference(golden: str, found: str, name: str) -> str:
    """Return a unified diff of the first lines that differ, cut to what fits; "" where there are none."""
    if golden == found:
        return ""
    rows = list(
        difflib.unified_diff(golden.splitlines(), found.splitlines(), name, "today", n=1, lineterm="")
    )
    counts = [sum(row.startswith(mark) for row in rows[2:]) for mark in "-+"]
    shown = apart(rows[:LINES])
    more = [f"... and {len(rows) - LINES} lines more"] if len(rows) > LINES else []
    return "\n".join([f"{name}: {counts[0]} lines went, {counts[1]} came", *shown, *more])


def apart(rows: list[str]) -> list[str]:
    """Cut lines to a width; of a long line that changed, around the place where it does."""
    told = []
    for number, row in enumerate(rows):
        partner = rows[number + 1] if row.startswith("-") and number + 1 < len(rows) else rows[number - 1]
        start = 0
        if row[:1] in ("-", "+") and partner[:1] in ("-", "+") and partner[:1] != row[:1]:
            same = next((i for i, (a, b) in enumerate(zip(row[1:], partner[1:], strict=False)) if a != b), 0)
            start = max(0, same - WIDTH // 2)
        cut = row[1 + start : 1 + start + WIDTH]
        told.append(row[:1] + ("…" if start else "") + cut + ("…" if len(row) > 1 + start + WIDTH else ""))
    return told


def as_golden(golden: str, found: str) -> str:
    """Return a text with the golden one's figures and digests where its own are near: another compiler's.

    Words and texts stay as they are, and so does a line that has another number of figures.
    """
    before, after = golden.splitlines(), found.splitlines()
    if len(before) != len(after):
        return found
    rows = [near(row, other) for row, other in zip(before, after, strict=True)]
    return "".join(f"{row}\n" for row in rows)


def near(golden: str, found: str) -> str:
    """Return the golden line, if the other one differs in the last digits of its figures alone."""
    figures, others = FIGURE.findall(golden), FIGURE.findall(found)
    same = FIGURE.sub("", golden) == FIGURE.sub("", found) and len(figures) == len(others)
    return golden if same and all(map(close, figures, others)) else found


def close(golden: str, found: str) -> bool:
    """Tell whether two figures are one but for their last digits; of digests nothing can be told."""
    if DIGEST.fullmatch(golden) and DIGEST.fullmatch(found):
        return True
    if DIGEST.fullmatch(golden) or DIGEST.fullmatch(found):
        return False
    return math.isclose(float(golden), float(found), rel_tol=NEAR, abs_tol=NEAR)


def without_exact(text: str) -> str:
    """Leave out of the digests those that another compiler or NumPy may change."""
    found: dict[str, dict[str, Any]] = json.loads(text)
    kept = {
        name: {key: value for key, value in row.items() if key not in EXACT} for name, row in found.items()
    }
    return json.dumps(kept, indent=1, ensure_ascii=False) + "\n"
