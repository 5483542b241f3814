"""metrics.jsonl: one line for every step, evaluation and sample, and one for the finish."""

import json
import os
from pathlib import Path
from typing import Any

from unspool.errors import ArtifactError
from unspool.storage import append_line
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


class MetricsFile:
    """Append records to a file, and cut it back to a checkpoint.

    Args:
        path: The file; made with its first line.
    """

    def __init__(self, path: Path) -> None:
        self.path = path

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
        """Force what was written to the disk, so that a checkpoint never knows more than this file."""
        if self.path.exists():
            with self.path.open("rb") as file:
                os.fsync(file.fileno())

    def cut_back(self, step: int) -> list[dict[str, Any]]:
        """Cut off everything after a step, so that a run that goes on from there repeats no line.

        A last line that a killed run left unfinished goes as well.

        Args:
            step: The step of the checkpoint that the run goes on from.

        Returns:
            The lines that are left, as dictionaries.

        Raises:
            ArtifactError: If a line before the last is not a record.
        """
        if not self.path.exists():
            return []
        kept: list[dict[str, Any]] = []
        size = 0
        lines = self.path.read_bytes().splitlines(keepends=True)
        for number, line in enumerate(lines, start=1):
            record = self._parse(line, number, last=number == len(lines))
            if record is None or record["step"] > step or record["kind"] == FinishRecord.kind:
                break
            kept.append(record)
            size += len(line)
        os.truncate(self.path, size)  # one system call: it happens or it does not
        return kept

    def _parse(self, line: bytes, number: int, *, last: bool) -> dict[str, Any] | None:
        try:
            record = json.loads(line)
            if line.endswith(b"\n") and isinstance(record["kind"], str) and isinstance(record["step"], int):
                return dict(record)
        except (ValueError, KeyError, TypeError):
            pass
        if last:
            return None
        got = repr(line[:40].decode("utf-8", "replace"))
        raise ArtifactError(f"{self.path}, line {number}", expected="a record in JSON", got=got)
