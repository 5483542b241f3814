"""metrics.jsonl: one line for every step, evaluation and sample, and one for the finish."""

import json
import os
from pathlib import Path
from typing import Any

from unspool.storage import append_line, atomic_write
from unspool.training.checkpoints import write_error
from unspool.training.records import (
    EvaluationRecord,
    FinishRecord,
    SampleRecord,
    StepRecord,
    TrainingRecord,
    record_to_dict,
)

KEPT = (StepRecord, EvaluationRecord, SampleRecord, FinishRecord)
BEGIN = b'{"kind": '  # of every line, and nowhere else in one: inside a text the quotes are escaped


class MetricsFile:
    """Append records to a file, and cut it back to a checkpoint.

    Args:
        path: The file; made with its first line.

    Attributes:
        path: The file.
        broken: Numbers of the lines that were no whole record and went when it was cut back.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.broken: list[int] = []

    def append(self, record: TrainingRecord) -> None:
        """Write a record as one line, if it is of a kind that is kept.

        Raises:
            ArtifactError: If the line cannot be written, a full disk for one.
        """
        if not isinstance(record, KEPT):
            return
        line = json.dumps(record_to_dict(record), ensure_ascii=False, allow_nan=False)
        try:
            append_line(self.path, line)
        except OSError as error:
            raise write_error(self.path, len(line), error) from error

    def sync(self) -> None:
        """Force what was written to the disk, so that a checkpoint never knows more than this file.

        Raises:
            ArtifactError: If the disk does not take it.
        """
        if self.path.exists():
            try:
                with self.path.open("rb") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise write_error(self.path, self.path.stat().st_size, error) from error

    def cut_back(self, step: int) -> list[dict[str, Any]]:
        """Cut off everything after a step, so that a run that goes on from there repeats no line.

        A last line that a killed run left unfinished goes as well. A broken line before it, the trace of a
        full disk or a power cut, is no reason to refuse a run whose checkpoint is whole: it goes, what is
        whole around it stays, and `broken` tells of it.

        Args:
            step: The step of the checkpoint that the run goes on from.

        Returns:
            The lines that are left, as dictionaries.

        Raises:
            ArtifactError: If the file cannot be read or written; it is then as it was.
        """
        self.broken = []
        if not self.path.exists():
            return []
        kept: list[dict[str, Any]] = []
        whole: list[bytes] = []
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
            for number, line in enumerate(lines, start=1):
                part = line[max(line.rfind(BEGIN), 0) :]  # all of it, or what was written after half a line
                record = _parse(part)
                if number < len(lines) if record is None else part != line:
                    self.broken.append(number)
                if record is None:
                    continue
                if record["step"] > step or record["kind"] == FinishRecord.kind:
                    break
                kept.append(record)
                whole.append(part)
            self._replace(b"".join(whole))
        except OSError as error:
            raise write_error(self.path, sum(map(len, whole)), error) from error
        return kept

    def remark(self) -> str | None:
        """Say which broken lines went, or None where there were none."""
        if not self.broken:
            return None
        lines = ", ".join(map(str, self.broken[:5])) + (" and more" if len(self.broken) > 5 else "")
        several = "lines" if len(self.broken) > 1 else "line"
        return f"broken in {self.path} and left out: {several} {lines}; checkpoint and model are whole"

    def _replace(self, whole: bytes) -> None:
        """Leave nothing but these bytes, in one step that happens or does not."""
        if self.broken:
            atomic_write(self.path, whole)
        else:
            os.truncate(self.path, len(whole))


def _parse(line: bytes) -> dict[str, Any] | None:
    """Read a line as a record, or as None where it is not a whole one."""
    try:
        record = json.loads(line)
        if line.endswith(b"\n") and isinstance(record["kind"], str) and isinstance(record["step"], int):
            return dict(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None
