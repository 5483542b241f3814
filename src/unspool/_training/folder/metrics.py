"""metrics.jsonl: a line for every step, evaluation, sample and change of the run, and one for the finish."""

import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

from unspool._configuration import from_dict, is_real
from unspool._errors import ArtifactError, InputError
from unspool._json_files import json_text, parse_json
from unspool._storage import append_line, atomic_write, open_regular, sync_file
from unspool._training.checkpoints import write_error
from unspool._training.records import (
    ChangeRecord,
    CountsRecord,
    EvaluationRecord,
    FinishRecord,
    SampleRecord,
    StepRecord,
    TrainingRecord,
    record_to_dict,
)

METRICS = "metrics.jsonl"
LONGEST_LINE = 1 << 24  # bytes; a longer one is broken
KEPT = (StepRecord, EvaluationRecord, SampleRecord, ChangeRecord, CountsRecord, FinishRecord)
ENDS = (CountsRecord.kind, FinishRecord.kind)  # of a run that is over
BEGIN = b'{"kind": '  # start of every line, and nowhere else in one: inside a text the quotes are escaped


class MetricsFile:
    """The file metrics.jsonl: records are appended, and it can be cut back to a checkpoint.

    Args:
        path: The file; it is created with its first line.

    Attributes:
        path: The file.
        broken: Numbers of the broken lines that the last cut removed.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: list[int] = []

    def append(self, record: TrainingRecord | ChangeRecord) -> None:
        """Write a record as one line, if it is of a kind that the file stores.

        Raises:
            ArtifactError: If the line cannot be written, for example on a full disk.
        """
        if not isinstance(record, KEPT):
            return
        line = json_text(record_to_dict(record))
        try:
            append_line(self.path, line)
        except OSError as error:
            raise write_error(self.path, len(line), error) from error

    def sync(self) -> None:
        """Force the written lines to the disk, so that a checkpoint is never ahead of this file.

        Raises:
            ArtifactError: If the disk does not accept them.
        """
        try:
            sync_file(self.path)
        except FileNotFoundError:
            pass  # nothing is written yet
        except OSError as error:
            raise write_error(self.path, 0, error) from error

    def cut_back(self, step: int) -> list[dict[str, Any]]:
        """Remove all lines after a step, so that a resumed run repeats no line.

        A last line that a killed run left unfinished is removed as well. A broken line before it, from a full
        disk or a power cut, is no reason to refuse a run whose checkpoint is whole: it is removed, the whole
        lines around it stay, and `broken` has its number.

        Args:
            step: The step of the checkpoint from which the run is resumed.

        Returns:
            The remaining lines, as dictionaries.

        Raises:
            ArtifactError: If the file cannot be read or written; it is then unchanged.
        """
        self.broken = []
        records: list[dict[str, Any]] = []
        raw_lines: list[bytes] = []
        torn: int | None = None  # number of a broken line; the last line of all may be one
        try:
            with open_regular(self.path) as file:
                for number, line in enumerate(_lines(file), start=1):
                    self.broken += [] if torn is None else [torn]
                    part = line[max(line.rfind(BEGIN), 0) :]  # the whole line, or the part after half a line
                    record, torn = _parse(part), None
                    if record is None:
                        torn = number
                        continue
                    self.broken += [number] if part != line else []
                    if record["step"] > step or record["kind"] in ENDS:
                        break
                    records.append(record)
                    raw_lines.append(part)
            self._replace(b"".join(raw_lines))
        except FileNotFoundError:
            return []
        except OSError as error:
            raise write_error(self.path, sum(map(len, raw_lines)), error) from error
        return records

    def remark(self) -> str | None:
        """Return a remark about the broken lines that were removed, or None if there were none."""
        if not self.broken:
            return None
        lines = ", ".join(map(str, self.broken[:5])) + (" and more" if len(self.broken) > 5 else "")
        several = "lines" if len(self.broken) > 1 else "line"
        return f"broken in {self.path} and left out: {several} {lines}; checkpoint and model are whole"

    def _replace(self, whole: bytes) -> None:
        """Replace the content by these bytes, in one step that is done as a whole or not at all."""
        if self.broken:
            atomic_write(self.path, whole)
        else:
            os.truncate(self.path, len(whole))


def write_evaluations(path: Path, history: list[dict[str, Any]]) -> None:
    """Write the lines of a training that a model keeps when it is saved elsewhere: all but steps and samples.

    Args:
        path: The file metrics.jsonl; a file that has all lines of this training stays as it is.
        history: The lines of the training; without any, the lines of another model are removed.

    Raises:
        ArtifactError: If the file cannot be written.
    """
    kinds = (EvaluationRecord.kind, ChangeRecord.kind, *ENDS)
    lines = [line for line in history if line.get("kind") in kinds]
    if path.exists() and read_metrics(path) == history:
        return
    content = "".join(f"{json_text(line)}\n" for line in lines)
    try:
        atomic_write(path, content) if lines else path.unlink(missing_ok=True)
    except OSError as error:
        raise write_error(path, len(content), error) from error


def read_metrics(path: Path) -> list[dict[str, Any]]:
    """Read the lines of a training; none if there is no such file, as in a model that was saved on its own.

    A line that is no JSON object is left out: a run is writing it at this moment, or a full disk left a part
    of it.

    Args:
        path: The file metrics.jsonl.

    Raises:
        ArtifactError: If the file cannot be read.
        ConfigError: If an evaluation has an unknown key or lacks one.
    """
    records: list[dict[str, Any]] = []
    try:
        with open_regular(path) as file:
            for number, line in enumerate(_lines(file), start=1):
                where = f"{path}, line {number}"
                try:
                    record = parse_json(line, where=where)
                except ArtifactError:
                    continue
                if record.get("kind") == EvaluationRecord.kind:
                    evaluation_of(record, where=where)
                records.append(record)
    except FileNotFoundError:
        return []
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None
    return records


def evaluation_of(line: dict[str, Any], *, where: str) -> EvaluationRecord:
    """Return the record of an evaluation's line.

    Raises:
        ConfigError: If the line has an unknown key or lacks one.
    """
    values = {name: value for name, value in line.items() if name != "kind"}
    return from_dict(EvaluationRecord, values, where=where)


def _lines(file: BinaryIO) -> Iterator[bytes]:
    """Yield the lines with their ends; a line that is too long comes in parts."""
    while line := file.readline(LONGEST_LINE):
        yield line


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return a line as a record, or None if it is not a whole one."""
    if not line.endswith(b"\n"):
        return None
    try:
        record = parse_json(line, where=METRICS)
        if record.get("kind") == EvaluationRecord.kind:
            evaluation_of(record, where=METRICS)
    except InputError:
        return None
    kind, step, bits = (record.get(key) for key in ("kind", "step", "bits_per_character"))
    whole = isinstance(kind, str) and type(step) is int and (bits is None or is_real(bits))
    return record if whole else None
