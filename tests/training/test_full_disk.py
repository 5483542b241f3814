"""A disk that is full for a moment, at any moment: the run ends as if nothing had been."""

import contextlib
import errno
import json
import os
import resource
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from unittest import mock

import pytest

from tests.failing_disk import HALF, WRITE_FAULTS, FailingDisk, Fault
from unspool._errors import ArtifactError
from unspool._text.tokenizers.registry import CharTokenizer
from unspool._training.callbacks import SamplingCallback
from unspool._training.checkpoints import Checkpoint
from unspool._training.folder.run_folder import RunFolder
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask

TOKENIZER = CharTokenizer(tuple("abcdefgh"))
CLOCK = ("seconds", "characters_per_second")
PAGE = 4096


class Run:
    """Train in a folder, from the beginning or from where it stopped.

    Args:
        folder: Where.
        task: What is trained; it is the same every time.
        begin: Makes a fresh start of it.
    """

    def __init__(self, folder: Path, task: TrainingTask, begin: Callable[[TrainingTask], Checkpoint]) -> None:
        self.folder, self.task, self.begin = folder, task, begin

    def at(self, folder: Path) -> "Run":
        return Run(folder, self.task, self.begin)

    def go(self) -> str | None:
        """Train to the end, and give what the run remarked."""
        if (self.folder / "config.json").exists():
            run = RunFolder.reopen(self.folder)
        else:
            task = self.task
            run = RunFolder.create(
                self.folder, network=task.engine.config, training=task.config, tokenizer=TOKENIZER, data={}
            )
        for record in train_loop(self.task, run.start(self.begin(self.task)), sink=run):
            run.record(record)
        return run.remark

    def stopped(self) -> bool:
        """Train, and tell whether the disk has put an end to it: with one clear error, and nothing else."""
        try:
            self.go()
        except ArtifactError as error:
            if not error.what.startswith("cannot write"):
                raise
            return True
        return False

    def left(self) -> tuple[dict[str, bytes], list[dict[str, Any]]]:
        """Give all files but those that tell the time, and the metrics without their times."""
        files = {
            path.relative_to(self.folder).as_posix(): path.read_bytes()
            for path in self.folder.rglob("*")
            if path.is_file()
        }
        lines = [json.loads(line) for line in files.pop("metrics.jsonl").decode("utf-8").splitlines()]
        checkpoint = files.pop("checkpoint/last.safetensors")
        assert b"# run" in files.pop("README.md")  # it tells how long the run took
        size = int.from_bytes(checkpoint[:8], "little")
        return files | {"arrays": checkpoint[8 + size :]}, [
            {key: value for key, value in line.items() if key not in CLOCK} for line in lines
        ]


@pytest.fixture
def run(make_task: Callable[..., TrainingTask], begin: Any, tmp_path: Path) -> Iterator[Run]:
    """Give a run of about ten steps that saves after each; what it asks of the disk's firmness is skipped."""
    task = make_task(
        epochs=1,
        threads=1,
        checkpoint_seconds=0.0,
        evaluate_every=4,
        validation=4,
        network={"num_layers": 1, "hidden_size": 4},
        callbacks=(SamplingCallback(tokenizer=TOKENIZER, prompts=["a"], max_new_tokens=4),),
    )
    with mock.patch("os.fsync", return_value=None):
        yield Run(tmp_path / "whole" / "run", task, begin)


@pytest.fixture
def whole(run: Run) -> Any:
    run.go()
    return run.left()


def calls(run: Run, kind: str) -> int:
    """Count the calls of a whole run."""
    disk = FailingDisk()
    with getattr(disk, kind)():
        run.at(run.folder.parent.with_name(kind) / "run").go()
    return disk.calls


@pytest.mark.parametrize("fault", WRITE_FAULTS.values(), ids=WRITE_FAULTS)
def test_a_fault_at_any_added_line_leaves_a_run_that_goes_on(
    run: Run, whole: Any, tmp_path: Path, fault: Fault
) -> None:
    mended = not any(isinstance(action, int) for action in fault) and len(fault) < 20
    for turn in range(calls(run, "appending")):
        again = run.at(tmp_path / str(turn) / "run")
        with FailingDisk(turn, fault).appending():
            assert again.stopped() is not mended
        assert mended or again.go() is None
        assert again.left() == whole


def test_half_a_line_that_the_disk_does_not_let_go_blocks_nothing(
    run: Run, whole: Any, tmp_path: Path
) -> None:
    refuse = OSError(errno.EIO, "Input/output error")
    for turn in range(calls(run, "appending")):
        again = run.at(tmp_path / str(turn) / "run")
        with (
            FailingDisk(turn, (HALF, errno.ENOSPC)).appending(),
            mock.patch("os.ftruncate", side_effect=refuse),
        ):
            assert again.stopped()
        assert not (again.folder / "metrics.jsonl").read_bytes().endswith(b"\n")
        assert again.go() is None
        assert again.left() == whole


@pytest.mark.parametrize("fault", [(errno.ENOSPC,), (HALF, errno.ENOSPC), (errno.EIO,) * 3])
def test_a_fault_at_any_call_of_saving_leaves_a_run_that_goes_on(
    run: Run, whole: Any, tmp_path: Path, fault: Fault
) -> None:
    for turn in range(calls(run, "saving")):
        again = run.at(tmp_path / str(turn) / "run")
        with FailingDisk(turn, fault).saving():
            again.stopped()
        assert again.go() is None
        assert again.left() == whole


def test_files_that_may_not_grow_leave_a_run_that_goes_on(run: Run, whole: Any, tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    stops = 0
    for size in range(1, 9000, 331):
        again = run.at(tmp_path / str(size) / "run")
        resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
        try:
            stops += again.stopped()
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
        assert again.go() is None
        assert again.left() == whole
    assert stops > 10


@contextlib.contextmanager
def small_disk(place: Path, size: str) -> Iterator[Path]:
    """Mount a file system in memory."""
    place.mkdir()
    done = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(place)],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode:
        pytest.skip(f"no small disk can be mounted here: {done.stderr.strip()}")
    try:
        yield place
    finally:
        subprocess.run(["umount", str(place)], check=True)


def fill(ballast: Path, *, free: int) -> None:
    """Fill a disk but for so many bytes."""
    state = os.statvfs(ballast.parent)
    ballast.write_bytes(bytes(state.f_bavail * state.f_frsize - free))


@pytest.mark.skipif(os.name != "posix" or os.geteuid() != 0, reason="only root may mount a small disk")
def test_a_disk_that_is_really_full_leaves_a_run_that_goes_on(run: Run, whole: Any, tmp_path: Path) -> None:
    with small_disk(tmp_path / "disk", "300k") as disk:
        stops = 0
        for pages in range(40):
            again, ballast = run.at(disk / "run"), disk / "ballast"
            fill(ballast, free=pages * PAGE)
            stops += again.stopped()
            ballast.unlink()
            assert again.go() is None
            assert again.left() == whole
            subprocess.run(["rm", "-r", str(again.folder)], check=True)
        assert 5 < stops < 40
