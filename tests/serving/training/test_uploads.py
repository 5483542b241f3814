"""The files of uploaded texts: which are kept, and which go."""

import errno
import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.failing_disk import FailingDisk
from unspool._configuration import to_dict
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError
from unspool._serving.training.desk import TrainingDesk
from unspool._serving.training.jobs import JOB, TrainingJob
from unspool._serving.training.uploads import FOLDER, Upload, Uploads


def kept(runs: Path) -> list[str]:
    return sorted(path.name for path in (runs / FOLDER).iterdir())


def stored(uploads: Uploads, content: bytes) -> Upload:
    with uploads.begin("a.txt", len(content)).dropped_on_error() as receiver:
        receiver.add(content)
        return receiver.finish()


def test_old_texts_go_and_those_of_trainings_stay(runs: Path) -> None:
    uploads = TrainingDesk(runs).uploads
    old, used, new = (stored(uploads, text).id for text in (b"old text", b"used text", b"new text"))
    long_ago = time.time() - 8 * 24 * 3600
    for name in (old, used):
        os.utime(runs / FOLDER / f"{name}.facts", (long_ago, long_ago))
    half = runs / FOLDER / f"{'0' * 32}.txt"  # a server was killed before it wrote the facts
    half.write_bytes(b"half")
    os.utime(half, (long_ago, long_ago))
    (runs / "run" / "checkpoint").mkdir(parents=True)
    job = TrainingJob(format_version=1, corpus=used, file="", text="a", minutes=1.0, begun=0.0)
    (runs / "run" / JOB).write_bytes(json.dumps(to_dict(job)).encode())
    stored(uploads, b"the newest")
    names = {name.partition(".")[0] for name in kept(runs)}
    assert names >= {used, new}
    assert not names & {old, "0" * 32}


def test_the_oldest_make_room_for_a_new_text(runs: Path) -> None:
    uploads = TrainingDesk(runs, Limits(max_upload=1024)).uploads
    ids = []
    for number in range(6):
        ids.append(stored(uploads, bytes([65 + number]) * 1000).id)
        os.utime(runs / FOLDER / f"{ids[-1]}.facts", (time.time(), time.time() - 100 + number))
    assert [f"{each}.txt" in kept(runs) for each in ids] == [False, False, True, True, True, True]


def test_a_disk_that_fills_leaves_nothing_broken(runs: Path) -> None:
    content = b"text " * 10_000
    honest = FailingDisk()
    with honest.saving():
        stored(TrainingDesk(runs / "..").uploads, content)
    for turn in range(honest.calls):
        folder = runs / str(turn)
        folder.mkdir()
        uploads = TrainingDesk(folder).uploads
        with FailingDisk(turn, (errno.ENOSPC,) * 9).saving(), pytest.raises(RefusedError) as refused:
            stored(uploads, content)
        assert refused.value.status == 507
        assert "there is no place for the text" in refused.value.message
        assert all(each.path.read_bytes() == content for each in uploads.all().values())
        assert stored(uploads, content).path.read_bytes() == content
        assert not [name for name in kept(folder) if name.endswith(".tmp")]


def test_a_server_that_is_killed_leaves_nothing_broken(runs: Path) -> None:
    desk = TrainingDesk(runs)
    program = f"""
import os, sys
from pathlib import Path
from unspool._serving.training.desk import TrainingDesk
receiver = TrainingDesk(Path({str(runs)!r})).uploads.begin("a.txt", 10)
receiver.add(b"half")
os.kill(os.getpid(), 9)
"""
    assert subprocess.run([sys.executable, "-c", program], check=False).returncode < 0
    assert len(kept(runs)) == 1
    assert desk.uploads.all() == {}
    assert stored(desk.uploads, b"text").bytes == 4
    assert len(kept(runs)) == 2  # the half is gone
