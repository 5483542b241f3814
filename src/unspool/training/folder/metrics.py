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

    def append(self, record: TrainingRecord) -> None:
        """Write a record as one line, if it is of a kind that the file stores.

        Raises:
            ArtifactError: If the line cannot be written, for example on a full disk.
        """
        if not isinstance(record, KEPT):
            return
        line = json.dumps(record_to_dict(record), ensure_ascii=False, allow_nan=False)
        try:
            append_line(self.path, line)
        except OSError as error:
            raise write_error(self.path, len(line), error) from error

    def sync(self) -> None:
        """Force the written lines to the disk, so that a checkpoint is never ahead of this file.

        Raises:
            ArtifactError: If the disk does not accept them.
        """
        if self.path.exists():
            try:
                with self.path.open("rb") as file:
                    os.fsync(file.fileno())
            except OSError as error:
                raise write_error(self.path, self.path.stat().st_size, error) from error

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
        if not self.path.exists():
            return []
        records: list[dict[str, Any]] = []
        raw_lines: list[bytes] = []
        try:
            lines = self.path.read_bytes().splitlines(keepends=True)
            for number, line in enumerate(lines, start=1):
                part = line[max(line.rfind(BEGIN), 0) :]  # the whole line, or the part after half a line
                record = _parse(part)
                if number < len(lines) if record is None else part != line:
                    self.broken.append(number)
                if record is None:
                    continue
                if record["step"] > step or record["kind"] == FinishRecord.kind:
                    break
                records.append(record)
                raw_lines.append(part)
            self._replace(b"".join(raw_lines))
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


def _parse(line: bytes) -> dict[str, Any] | None:
    """Return a line as a record, or None if it is not a whole one."""
    try:
        record = json.loads(line)
        if line.endswith(b"\n") and isinstance(record["kind"], str) and isinstance(record["step"], int):
            return dict(record)
    except (ValueError, KeyError, TypeError, RecursionError):
        pass
    return None
