import errno
import json
import os
from pathlib import Path

import pytest

from unspool._errors import ArtifactError
from unspool._training.folder.metrics import MetricsFile
from unspool._training.records import (
    CheckpointRecord,
    FinishRecord,
    SampleRecord,
    StepRecord,
    StopRecord,
    TrainingRecord,
)


def step(number: int) -> StepRecord:
    return StepRecord(
        step=number,
        epoch=1,
        progress=0.5,
        loss=1.25,
        bits_per_character=2.0,
        learning_rate=0.1,
        grad_norm=1.0,
        characters=10,
        characters_per_second=1e5,
        seconds=0.5,
    )


def sample(number: int) -> SampleRecord:
    return SampleRecord(step=number, epoch=1, prompt="a", temperature=0.8, text="naïve\n\u2028 line")


FINISH = FinishRecord(
    step=3, epoch=1, reason="epochs", best_step=3, best_bits_per_character=None, seconds=1.0
)


@pytest.fixture
def metrics(tmp_path: Path) -> MetricsFile:
    return MetricsFile(tmp_path / "metrics.jsonl")


def lines(metrics: MetricsFile) -> list[tuple[str, int]]:
    text = metrics.path.read_text("utf-8")
    return [(line["kind"], line["step"]) for line in map(json.loads, text.split("\n")[:-1])]


def write(metrics: MetricsFile, *records: TrainingRecord) -> None:
    for record in records:
        metrics.append(record)


def test_what_is_worth_keeping_is_one_line_each(metrics: MetricsFile) -> None:
    write(
        metrics,
        step(1),
        sample(1),
        CheckpointRecord(step=1, seconds=1.0),
        StopRecord(step=1, epoch=1, seconds=1.0),
    )
    write(metrics, step(2), FINISH)
    assert lines(metrics) == [("step", 1), ("sample", 1), ("step", 2), ("finish", 3)]
    first = json.loads(metrics.path.read_text("utf-8").split("\n")[0])
    assert first["loss"] == 1.25


def test_cutting_back_keeps_all_of_a_step_and_nothing_after_it(metrics: MetricsFile) -> None:
    write(metrics, step(1), step(2), sample(2), step(3), FINISH)
    assert [line["step"] for line in metrics.cut_back(2)] == [1, 2, 2]
    assert lines(metrics) == [("step", 1), ("step", 2), ("sample", 2)]
    assert metrics.cut_back(0) == []
    assert lines(metrics) == []


def test_a_finish_goes_even_at_its_own_step(metrics: MetricsFile) -> None:
    write(metrics, step(3), FINISH)
    metrics.cut_back(3)
    assert lines(metrics) == [("step", 3)]


@pytest.mark.parametrize("torn", [b'{"kind": "step", "st', b'{"kind": "step", "step": 2}', b"\xc3", b"7\n"])
def test_a_torn_last_line_goes(metrics: MetricsFile, torn: bytes) -> None:
    write(metrics, step(1))
    with metrics.path.open("ab") as file:
        file.write(torn)
    metrics.cut_back(9)
    assert lines(metrics) == [("step", 1)]


BROKEN = {
    "no record": (b"oops\n", []),
    "half a line": (b'{"kind": "step", "st\n', []),
    "a hole that a power cut left": (bytes(4096) + b"\n", []),
    "half a character": (b'{"kind": "sample", "text": "\xc3\n', []),
    "brackets without end": (b"[" * 100_000 + b"\n", []),
    "half a line and a whole one": (b'{"kind": "st{"kind": "step", "step": 2}\n', [2]),
    "nearly all of a line and a whole one": (
        b'{"kind": "step", "step": 2}{"kind": "step", "step": 2}\n',
        [2],
    ),
}


@pytest.mark.parametrize(("broken", "rest"), BROKEN.values(), ids=BROKEN)
def test_a_broken_line_in_the_middle_goes_and_is_named(
    metrics: MetricsFile, broken: bytes, rest: list[int]
) -> None:
    first, last = (b'{"kind": "step", "step": %d}\n' % number for number in (1, 3))
    metrics.path.write_bytes(first + broken + last + b"torn")
    assert [line["step"] for line in metrics.cut_back(3)] == [1, *rest, 3]
    assert [number for _, number in lines(metrics)] == [1, *rest, 3]
    assert metrics.broken == [2]
    assert "metrics.jsonl and left out: line 2; checkpoint and model are whole" in str(metrics.remark())
    metrics.cut_back(3)
    assert metrics.remark() is None


def test_a_broken_line_goes_with_all_that_comes_after_the_checkpoint(metrics: MetricsFile) -> None:
    metrics.path.write_text('{"kind": "step", "step": 1}\noops\n{"kind": "step", "step": 3}\noops\n')
    assert [line["step"] for line in metrics.cut_back(1)] == [1]
    assert lines(metrics) == [("step", 1)]


def test_many_broken_lines_are_one_short_remark(metrics: MetricsFile) -> None:
    metrics.path.write_text("oops\n" * 9)
    assert metrics.cut_back(1) == []
    assert "lines 1, 2, 3, 4, 5 and more;" in str(metrics.remark())


@pytest.mark.parametrize("function", ["truncate", "replace"])
def test_what_cannot_be_cut_back_stays_as_it_was(
    metrics: MetricsFile, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    whole, oops = '{"kind": "step", "step": 1}\n', "oops\n" if function == "replace" else ""
    metrics.path.write_text(oops + whole + whole + "torn")
    before = metrics.path.read_bytes()
    monkeypatch.setattr(*((os, "truncate", full) if function == "truncate" else (Path, "replace", full)))
    with pytest.raises(ArtifactError, match=r"cannot write .* No space left"):
        metrics.cut_back(3)
    assert metrics.path.read_bytes() == before


def test_what_the_disk_does_not_take_is_one_clear_error(
    metrics: MetricsFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    write(metrics, step(1))
    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(ArtifactError, match=r"cannot write .* No space left"):
        metrics.sync()


def test_no_file_is_fine(metrics: MetricsFile) -> None:
    assert metrics.cut_back(5) == []
    metrics.sync()
    assert not metrics.path.exists()


def test_a_file_that_cannot_be_written_is_one_clear_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot write"):
        MetricsFile(tmp_path / "nowhere" / "metrics.jsonl").append(step(1))
