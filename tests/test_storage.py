"""Files are replaced whole: the old one or the new one, and no litter."""

import errno
import fcntl
import io
import os
import resource
import signal
import socket
import stat
import subprocess
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from unittest import mock

import pytest

from tests.closed_folder import closed_folder
from tests.failing_disk import HALF, NOTHING, FailingDisk
from unspool._errors import spelled
from unspool._storage import (
    append_line,
    atomic_file,
    atomic_write,
    is_missing,
    open_regular,
    sync_folder,
)


def test_a_file_is_written_and_replaced(tmp_path: Path) -> None:
    path = tmp_path / "model.bin"
    atomic_write(path, b"\x00\x01")
    assert path.read_bytes() == b"\x00\x01"
    atomic_write(path, "é\r\n")
    assert path.read_bytes() == "é\r\n".encode()
    assert os.listdir(tmp_path) == ["model.bin"]  # noqa: PTH208  (hidden files count as well)


def test_a_file_written_in_pieces_is_there_when_it_is_whole(tmp_path: Path) -> None:
    path = tmp_path / "names.txt"
    path.write_bytes(b"old")
    with atomic_file(path) as file:
        file.write(b"one\n")
        assert path.read_bytes() == b"old"
        file.write(b"two\n")
    assert path.read_bytes() == b"one\ntwo\n"
    with pytest.raises(KeyboardInterrupt), atomic_file(path) as file:  # noqa: PT012
        file.write(b"half")
        raise KeyboardInterrupt
    assert path.read_bytes() == b"one\ntwo\n"
    assert os.listdir(tmp_path) == ["names.txt"]  # noqa: PTH208  (hidden files count as well)


def test_what_is_flushed_is_handed_to_the_system(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "notes.txt") as file:
        assert file.writable()
        assert file.write(b"new") == 3
        (temporary,) = tmp_path.iterdir()
        assert temporary.stat().st_size == 0
        file.flush()
        assert temporary.read_bytes() == b"new"


def test_whoever_lets_go_of_a_written_file_gets_no_error(tmp_path: Path) -> None:
    with atomic_file(tmp_path / "notes.txt") as file:
        file.write(b"new")
    file.close()  # Python does it for an object that nobody has; from 3.13 on it prints the error
    assert (tmp_path / "notes.txt").read_bytes() == b"new"


def test_the_file_has_the_modes_of_an_ordinary_one(tmp_path: Path) -> None:
    (tmp_path / "plain").write_text("x")
    atomic_write(tmp_path / "atomic", "x")
    assert (tmp_path / "atomic").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize("function", ["fsync", "replace"])
def test_a_failure_leaves_the_old_file_and_no_litter(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, function: str
) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")

    def fail(*_: object) -> None:
        raise OSError("disk full")

    monkeypatch.setattr(*((os, "fsync") if function == "fsync" else (Path, "replace")), fail)
    with pytest.raises(OSError, match="disk full"):
        atomic_write(path, b"new")
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.bin"]  # noqa: PTH208


def test_a_missing_folder_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        atomic_write(tmp_path / "nowhere" / "file", b"")


def test_a_reader_never_sees_half_a_file(tmp_path: Path) -> None:
    path, stop = tmp_path / "file", threading.Event()
    contents = [bytes([letter]) * 200_000 for letter in b"ab"]
    atomic_write(path, contents[0])
    seen: list[bool] = []

    def read() -> None:
        while not stop.is_set():
            seen.append(path.read_bytes() in contents)

    reader = threading.Thread(target=read)
    reader.start()
    for turn in range(30):
        atomic_write(path, contents[turn % 2])
    stop.set()
    reader.join()
    assert seen
    assert all(seen)


def test_lines_are_added_at_the_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    append_line(path, '{"step": 1}')
    append_line(path, '{"é": 2}')
    assert path.read_text("utf-8") == '{"step": 1}\n{"é": 2}\n'
    with pytest.raises(ValueError, match="one line"):
        append_line(path, "a\nb")


@pytest.mark.parametrize("size", [0, 1, 999, 8192, 99_999])
def test_a_disk_that_is_full_at_any_byte_leaves_the_old_file_and_no_litter(tmp_path: Path, size: int) -> None:
    path = tmp_path / "model.bin"
    path.write_bytes(b"old")
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        with pytest.raises(OSError, match=r"model\.bin") as caught:
            atomic_write(path, bytes(100_000))
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert caught.value.errno == errno.EFBIG
    assert path.read_bytes() == b"old"
    assert os.listdir(tmp_path) == ["model.bin"]  # noqa: PTH208


@pytest.mark.parametrize("fault", [(HALF,), (HALF,) * 5, (NOTHING,), (NOTHING, HALF, NOTHING)])
def test_a_line_that_is_taken_in_parts_is_whole(tmp_path: Path, fault: tuple[str, ...]) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")
    with FailingDisk(0, fault).appending():
        append_line(path, "two and a half")
    assert path.read_text() == "one\ntwo and a half\n"


@pytest.mark.parametrize(
    "fault", [(errno.ENOSPC,), (HALF, errno.ENOSPC), (HALF, HALF, errno.EIO), (NOTHING,) * 9]
)
def test_a_line_that_is_refused_leaves_nothing(tmp_path: Path, fault: tuple[str | int, ...]) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")
    with FailingDisk(0, fault).appending(), pytest.raises(OSError, match=r"space|error"):
        append_line(path, "two")
    assert path.read_text() == "one\n"


def test_a_line_never_goes_on_from_half_of_another(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    path.write_text("one\nha")
    append_line(path, "two")
    append_line(path, "three")
    assert path.read_text() == "one\nha\ntwo\nthree\n"


def test_where_there_are_no_locks_nothing_is_cut(tmp_path: Path) -> None:
    path = tmp_path / "lines"
    append_line(path, "one")
    with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
        with FailingDisk(0, (HALF, errno.ENOSPC)).appending(), pytest.raises(OSError, match="space"):
            append_line(path, "two")
        append_line(path, "three")
    assert path.read_text() == "one\ntw\nthree\n"


def test_lines_of_several_writers_never_mix_even_in_parts(tmp_path: Path) -> None:
    path, honest = tmp_path / "lines", os.write
    lines = [f"{letter * 9}{number}" for letter in "abcd" for number in range(50)]
    with (
        mock.patch("os.write", lambda descriptor, raw: honest(descriptor, raw[:3])),
        ThreadPoolExecutor(4) as threads,
    ):
        list(threads.map(lambda line: append_line(path, line), lines))
    assert sorted(path.read_text().splitlines()) == sorted(lines)


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208  (hidden files count as well)


KILLED = """
import os, signal, sys
from pathlib import Path
from unspool._storage import atomic_file

with atomic_file(Path(sys.argv[1])) as file:
    file.write(b"half")
    file.flush()
    os.kill(os.getpid(), signal.SIGKILL)
"""


def test_what_a_killed_process_left_goes_at_the_next_write(tmp_path: Path) -> None:
    for name in ("texts.jsonl", "a\nb"):
        subprocess.run([sys.executable, "-c", KILLED, str(tmp_path / name)], check=False)
        assert len(names_in(tmp_path)) == 1
    atomic_write(tmp_path / "other", b"x")
    assert names_in(tmp_path) == ["other"]


def test_only_our_own_files_that_nobody_writes_go(tmp_path: Path) -> None:
    others = [
        ".mine.tmp",
        ".a.0a1b.tmp",
        "a.0a1b2c3d4e5f.tmp",
        ".a.0a1b2c3d4e5f.tmp.txt",
        "..0a1b2c3d4e5f.tmp",
    ]
    for name in others:
        (tmp_path / name).touch()
    os.mkfifo(tmp_path / ".pipe.0a1b2c3d4e5f.tmp")
    with atomic_file(tmp_path / "first") as first:
        first.write(b"one")
        atomic_write(tmp_path / "second", b"two")
    assert (tmp_path / "first").read_bytes() == b"one"
    assert names_in(tmp_path) == sorted([*others, ".pipe.0a1b2c3d4e5f.tmp", "first", "second"])


def test_a_file_that_goes_before_it_is_locked_gets_another_name(tmp_path: Path) -> None:
    honest, removed = fcntl.flock, []

    def late(descriptor: int, operation: int) -> None:
        if not removed:  # another process was quicker
            removed.extend(tmp_path.iterdir())
            removed[0].unlink()
        honest(descriptor, operation)

    with mock.patch("fcntl.flock", late):
        atomic_write(tmp_path / "file", b"whole")
    assert removed
    assert names_in(tmp_path) == ["file"]
    assert (tmp_path / "file").read_bytes() == b"whole"


def test_without_locks_nothing_is_removed(tmp_path: Path) -> None:
    (tmp_path / ".a.0a1b2c3d4e5f.tmp").touch()
    with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
        atomic_write(tmp_path / "b", b"x")
    assert names_in(tmp_path) == [".a.0a1b2c3d4e5f.tmp", "b"]


def test_data_and_then_the_name_are_forced_to_the_disk(tmp_path: Path) -> None:
    steps: list[str] = []
    honest_sync, honest_replace = os.fsync, Path.replace

    def sync(descriptor: int) -> None:
        folder = stat.S_ISDIR(os.fstat(descriptor).st_mode)
        steps.append("folder" if folder else f"{os.fstat(descriptor).st_size} bytes")
        assert not folder or os.path.samestat(os.fstat(descriptor), tmp_path.stat())
        honest_sync(descriptor)

    def replace(old: Path, new: Path) -> Path:
        steps.append("name")
        return honest_replace(old, new)

    with mock.patch("os.fsync", sync), mock.patch.object(Path, "replace", replace):
        atomic_write(tmp_path / "file", b"12345")
    assert steps == ["5 bytes", "name", "folder"]


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="the system has no /proc")
def test_no_file_stays_open(tmp_path: Path) -> None:
    def open_descriptors() -> list[int]:
        return [number for number in range(200) if Path(f"/proc/self/fd/{number}").is_symlink()]

    before, path = open_descriptors(), tmp_path / "names.txt"
    atomic_write(path, "one\n")
    append_line(path, "two")
    with atomic_file(path) as file:
        file.write(b"three\n")
    with open_regular(path) as file:
        assert file.read() == b"three\n"
    sync_folder(tmp_path)
    assert open_descriptors() == before


def test_an_error_of_writing_names_the_file_and_another_error_does_not(tmp_path: Path) -> None:
    path = tmp_path / "texts.txt"
    with (
        pytest.raises(PermissionError) as caught,
        mock.patch.object(Path, "open", side_effect=PermissionError(13, "no")),
    ):
        atomic_write(path, b"")
    assert caught.value.filename == str(path)
    with (
        pytest.raises(OSError, match=r"No space left on device: '.*/texts\.txt'$"),
        FailingDisk(1, (errno.ENOSPC,) * 9).saving(),
        atomic_file(path) as file,
        io.TextIOWrapper(file, encoding="utf-8", newline="") as text,
    ):
        text.write("x" * 100_000)
    with pytest.raises(BrokenPipeError) as other, atomic_file(path):
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")
    assert other.value.filename is None
    assert names_in(tmp_path) == []


def test_only_files_are_read(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"content")
    (tmp_path / "link").symlink_to("file")
    (tmp_path / "zero").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(tmp_path / "socket"))
    for name in ("file", "link"):
        with open_regular(tmp_path / name) as file:
            assert file.read() == b"content"
    signal.signal(signal.SIGALRM, mock.Mock(side_effect=TimeoutError))
    signal.alarm(20)  # whoever waits for a pipe waits for ever
    refused = {"zero": "a device, not a file", "pipe": "a named pipe, not a file", "socket": "No such device"}
    for name, reason in refused.items():
        with pytest.raises(OSError, match=reason):
            open_regular(tmp_path / name)
    with pytest.raises(IsADirectoryError):
        open_regular(tmp_path)
    signal.alarm(0)


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (b"names.txt", "names.txt"),
        ("名é.txt".encode(), "名é.txt"),
        (b"n\xff.txt", r"n\xff.txt"),
        (b"caf\xe9 \xc3\xa9", "caf\\xe9 é"),
        (b"a\\xff", r"a\xff"),
    ],
)
def test_every_name_has_a_spelling(raw: bytes, expected: str) -> None:
    assert spelled(raw.decode("utf-8", "surrogateescape")) == expected
    assert spelled(raw.decode("ascii", "surrogateescape")) == expected  # as with LC_ALL=C and no UTF-8 mode


def test_half_a_pair_that_is_no_byte_is_spelled_by_its_number() -> None:
    assert spelled("\ud800\udc41") == r"\ud800\udc41"


def test_what_may_not_be_looked_at_is_not_missing(tmp_path: Path) -> None:
    with closed_folder(tmp_path) as closed:
        assert not is_missing(closed / "a.txt")


def test_what_leads_to_nothing_is_missing(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("text")
    (tmp_path / "round").symlink_to(tmp_path / "round")
    names = ("b.txt", "a.txt/b.txt", "round", "a" * 5_000, "a\0b")
    assert [is_missing(tmp_path / name) for name in names] == [True] * 5
    assert not is_missing(tmp_path / "a.txt")
    assert not is_missing(tmp_path)
