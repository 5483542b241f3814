"""The state of a training that was begun from the page, as its folder tells it."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from unspool._artifacts.model_folder import CONFIG, MODEL
from unspool._errors import InputError
from unspool._json_files import parse_json
from unspool._screen.wording import one_line
from unspool._serving.training.jobs import LOG, TrainingJob, is_running
from unspool._storage import open_regular
from unspool._training.folder.metrics import BEGIN, METRICS
from unspool._training.records import EvaluationRecord, FinishRecord, SampleRecord, StepRecord

PART, MOST = 1 << 16, 1 << 22  # bytes that are read at once, and at most, from the end of metrics.jsonl
KINDS = (StepRecord.kind, EvaluationRecord.kind, SampleRecord.kind, FinishRecord.kind)
LOG_END = 1 << 14  # bytes of the log that are looked at
LOG_LINES = 12  # that are shown
COMPLAINT = "unspool: "
STOPPED = "Stopped"  # the first word of a command that was interrupted


def state_of(name: str, folder: Path, job: TrainingJob) -> dict[str, Any]:
    """Return what is known of a training, in plain JSON types.

    Its `state` is "starting" while the text is read and the network chosen, then "training", "finishing" when
    the last step is made, and in the end "finished", "stopped" or "failed".

    Args:
        name: The name of the run.
        folder: The folder of the run.
        job: What was asked for.
    """
    running, born = is_running(folder), (folder / CONFIG).is_file()
    last, lines = last_records(folder / METRICS) if born else {}, log_lines(folder / LOG)
    if running and _is_older(folder / METRICS, job.begun):
        state = "starting"  # a part of the run before this one has written the metrics
    else:
        state = _state(job, lines, last, running=running, born=born)
    step, finish = last.get(StepRecord.kind, {}), last.get(FinishRecord.kind, {})
    evaluation, samples = last.get(EvaluationRecord.kind, {}), last.get("samples", [])
    return {
        "name": name,
        "state": state,
        "running": running,
        "process": job.process,
        "text": job.text,
        "corpus": job.corpus,
        "minutes": job.minutes,
        "begun": job.begun,
        "has_model": (folder / MODEL).is_file(),
        "can_resume": not running and state != "finished",
        "progress": 1.0 if state == "finished" else step.get("progress"),
        "step": step.get("step"),
        "epoch": step.get("epoch"),
        "seconds": finish.get("seconds", step.get("seconds")),
        "characters_per_second": step.get("characters_per_second"),
        "training_bits": step.get("bits_per_character"),
        "bits": finish.get("best_bits_per_character", evaluation.get("bits_per_character")),
        "samples": [{"temperature": each.get("temperature"), "text": each.get("text")} for each in samples],
        "problem": _problem(lines, born=born) if state == "failed" else None,
        "log": lines[-LOG_LINES:],
    }


def _is_older(path: Path, moment: float) -> bool:
    try:
        return path.stat().st_mtime < moment
    except OSError:
        return False


def _state(job: TrainingJob, lines: list[str], last: dict[str, Any], *, running: bool, born: bool) -> str:
    finished = FinishRecord.kind in last
    if running:
        return "finishing" if finished else "training" if born else "starting"
    if finished:
        return "finished"
    return "stopped" if job.stopped or any(line.startswith(STOPPED) for line in lines[-3:]) else "failed"


def _problem(lines: list[str], *, born: bool) -> str:
    """Return in a sentence why a training has failed."""
    for line in reversed(lines):
        if line.startswith(COMPLAINT):
            return line.removeprefix(COMPLAINT)
    kept = "; what was saved is there, and the training can go on" if born else ""
    return f"its process ended without a word, as one does that is killed or runs out of memory{kept}"


def last_records(path: Path) -> dict[str, Any]:
    """Return the last record of each kind in metrics.jsonl by its kind, and the last samples as "samples".

    The file is read from its end, until they are found or a few megabytes are read.

    Args:
        path: The file; it may be missing.
    """
    found: dict[str, Any] = {}
    try:
        with open_regular(path) as file:
            for line in _lines_from_the_end(file):
                _take(line, found)
                if all(kind in found for kind in KINDS[:3]) and _past_samples(found):
                    break
    except OSError:
        pass
    found.pop("past", None)
    found.setdefault("samples", []).reverse()
    return found


def _take(line: bytes, found: dict[str, Any]) -> None:
    """Keep a record that is the last of its kind, and the samples of the last step that has any."""
    kind = line[len(BEGIN) + 1 : line.find(b'"', len(BEGIN) + 1)].decode("ascii", "replace")
    is_sample = kind == SampleRecord.kind
    if kind not in KINDS or (kind in found and not is_sample) or (is_sample and found.get("past")):
        return
    try:
        record = parse_json(line, where=METRICS)
    except InputError:
        return
    if not is_sample:
        found[kind] = record
        return
    first = found.setdefault(kind, record)
    if record.get("step") == first.get("step"):
        found.setdefault("samples", []).append(record)
    else:
        found["past"] = True


def _past_samples(found: dict[str, Any]) -> bool:
    """Return whether a step was read before that of the last samples, so that there are no more of them."""
    return bool(found.get("past")) or len(found.get("samples", [])) >= 3


def _lines_from_the_end(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines within the last `MOST` bytes of a file, the last one first; it may be half a line."""
    end = file.seek(0, os.SEEK_END)
    least, rest = max(0, end - MOST), b""
    while end > least:
        begin = max(least, end - PART)
        file.seek(begin)
        first, *lines = (file.read(end - begin) + rest).split(b"\n")
        yield from reversed(lines)
        rest, end = first, begin
    if not least:
        yield rest


def log_lines(path: Path) -> list[str]:
    """Return the last lines of a log that are not blank, without control characters."""
    try:
        with open_regular(path) as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - LOG_END))
            text = file.read(LOG_END).decode("utf-8", "replace")
    except OSError:
        return []
    return [one_line(line.rstrip()) for line in text.split("\n") if line.strip()]
