"""The audit that lies beside a model, in what of it the page shows."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unspool._artifacts.model_folder import MODEL
from unspool._evaluation.audit.lengths import QUANTILES
from unspool._serving.watching.log import stamp_of
from unspool._training.folder.run_folder import AUDIT_FILES

AUDIT, LARGEST = AUDIT_FILES[0], 1 << 26
LONGEST_SHOWN = 5
LONGEST_TEXT = 1_000
KEYS = ("text", "start", "copied", "record", "position", "before", "span", "after", "verbatim")  # of a copy


def stored_audit(path: Path) -> dict[str, Any] | None:
    """Return the audit of a run, with whether it is of an earlier model; None if there is none."""
    stamp, model = stamp_of(path / AUDIT), stamp_of(path / MODEL)
    if stamp is None or stamp[1] > LARGEST:
        return None
    try:
        audit = json.loads((path / AUDIT).read_bytes())
    except (OSError, ValueError, RecursionError):
        return None
    if not isinstance(audit, dict):
        return None
    return short_audit(audit) | {"stale": model is not None and stamp[0] < model[0], "time": stamp[0] / 1e9}


def short_audit(audit: Mapping[str, Any]) -> dict[str, Any]:
    """Return what the page says of an audit: the verdict, the figures and the longest copies."""
    copying = mapping(audit.get("copying"))
    samples = [one for one in _sequence(copying.get("samples")) if isinstance(one, dict)]
    longest = sorted(samples, key=lambda one: -_number(one.get("copied")))[:LONGEST_SHOWN]
    return {
        "sentences": [str(one)[:LONGEST_TEXT] for one in _sequence(audit.get("sentences"))][:10],
        "verdict": copying.get("verdict") if isinstance(copying.get("verdict"), str) else None,
        "training_bits_per_character": _number(audit.get("training_bits_per_character")) or None,
        "held_out_bits_per_character": _number(audit.get("held_out_bits_per_character")) or None,
        "texts": len(samples),
        "verbatim_share": _number(copying.get("verbatim_share")),
        "median": _median(copying.get("lengths")),
        "held_out_median": _median(copying.get("held_out_lengths")),
        "longest": [{key: _plain(one.get(key)) for key in KEYS} for one in longest],
    }


def _median(spread: object) -> float | None:
    """Return the median of lengths, as the audit of unspool stores them; None without any."""
    quantiles = _sequence(mapping(spread).get("quantiles"))
    return _number(quantiles[QUANTILES.index(0.5)]) if len(quantiles) == len(QUANTILES) else None


def mapping(value: object) -> Mapping[str, Any]:
    """Return a value if it is a mapping, or an empty one."""
    return value if isinstance(value, dict) else {}


def _sequence(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def _number(value: object) -> float:
    return float(value) if isinstance(value, int | float) and abs(value) < 1e15 else 0.0


def _plain(value: object) -> object:
    return (
        value[:LONGEST_TEXT] if isinstance(value, str) else value if isinstance(value, int | None) else None
    )
