"""What is asked of the system, call by call: answers that it may give, and what is made of each."""

import io
import mmap
import os
import resource
import signal
import socket
import sys
import tempfile
import time
from multiprocessing import Pipe
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from unspool import _system

SIZES = {"SC_PHYS_PAGES": 10, "SC_PAGE_SIZE": 4096}


def fails(error: Exception) -> Any:
    def call(*_: object, **__: object) -> Any:
        raise error

    return call


def test_the_processors_are_those_that_this_process_may_use(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda process: {0, 3, 5} if process == 0 else set())
    assert _system.available_processors() == 3
    monkeypatch.delattr(os, "sched_getaffinity")
    for count, found in ((7, 7), (None, 1)):
        monkeypatch.setattr(os, "cpu_count", lambda count=count: count)
        assert _system.available_processors() == found


@pytest.mark.parametrize(
    ("groups", "size"),
    [([], 40_960), (["max\n"], 40_960), (["30000\n"], 30_000), (["50000\n"], 40_960), (["max", "7"], 7)],
)
def test_the_memory_is_that_of_the_machine_or_of_the_group(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, groups: list[str], size: int
) -> None:
    paths = [tmp_path / str(number) for number in range(2)]
    for path, text in zip(paths, groups, strict=False):
        path.write_text(text)
    monkeypatch.setattr(_system, "GROUP_LIMITS", tuple(map(str, paths)))
    monkeypatch.setattr(os, "sysconf", SIZES.__getitem__)
    assert _system.memory_size() == size
    monkeypatch.setattr(os, "sysconf", lambda name: 1)
    assert _system.memory_size() == 1
    for unknown in (fails(ValueError()), fails(OSError()), lambda name: 0):
        monkeypatch.setattr(os, "sysconf", unknown)
        assert _system.memory_size() is None
    monkeypatch.delattr(os, "sysconf")
    assert _system.memory_size() is None


def test_where_limits_of_groups_stand() -> None:
    assert _system.GROUP_LIMITS == (
        "/sys/fs/cgroup/memory.max", "/sys/fs/cgroup/memory/memory.limit_in_bytes",
    )  # fmt: skip


def test_the_first_processor_is_described(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(_system, "PROCESSOR", tmp_path / "cpuinfo")
    assert _system.processor_words() == []
    (tmp_path / "cpuinfo").write_bytes(b"name: a\xff\nflags: b\n\nname: c\n")
    assert _system.processor_words() == ["name: a\ufffd", "flags: b"]
    monkeypatch.undo()
    assert Path("/proc/cpuinfo") == _system.PROCESSOR


def test_the_load_is_that_of_the_last_minute(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "getloadavg", lambda: (1.5, 2.5, 3.5))
    assert _system.load_average() == 1.5
    monkeypatch.delattr(os, "getloadavg")
    assert _system.load_average() is None


@pytest.mark.parametrize(("mode", "others"), [(0o640, False), (0o770, False), (0o644, True), (0o602, True),
                                              (0o601, True)])  # fmt: skip
def test_who_may_read_a_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, mode: int, others: bool
) -> None:
    with (tmp_path / "file").open("wb") as file:
        (tmp_path / "file").chmod(mode)
        assert _system.others_may_read(file.fileno()) is others
        monkeypatch.setattr(_system, "WINDOWS", True)
        assert _system.others_may_read(file.fileno()) is False


FREE = resource.RLIM_INFINITY


@pytest.mark.parametrize(
    ("limits", "count", "allowed", "made"),
    [
        ((100, 1000), 500, 500, (500, 1000)),
        ((100, 1000), 5000, 1000, (1000, 1000)),
        ((100, 1000), 50, 100, None),
        ((100, 1000), 100, 100, None),
        ((100, 1000), 101, 101, (101, 1000)),
        ((1000, 1000), 5000, 1000, None),
        ((100, FREE), 5000, 5000, (5000, FREE)),
        ((FREE, FREE), 5000, 5000, None),
    ],
)
def test_as_many_open_files_as_may_be(
    monkeypatch: pytest.MonkeyPatch, limits: tuple[int, int], count: int, allowed: int, made: object
) -> None:
    asked: list[tuple[object, ...]] = []
    monkeypatch.setattr(resource, "getrlimit", {resource.RLIMIT_NOFILE: limits}.__getitem__)
    monkeypatch.setattr(resource, "setrlimit", lambda *limit: asked.append(limit))
    assert _system.allow_open_files(count) == allowed
    assert asked == ([] if made is None else [(resource.RLIMIT_NOFILE, made)])
    monkeypatch.setattr(sys, "platform", "win32")
    assert _system.allow_open_files(count) == count


def test_a_freed_port_is_taken_but_on_windows(monkeypatch: pytest.MonkeyPatch) -> None:
    for windows in (False, True):
        monkeypatch.setattr(_system, "WINDOWS", windows)
        with socket.socket() as listener:
            _system.take_freed_port(listener)
            assert bool(listener.getsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR)) is not windows


def test_a_lock_is_asked_for_as_it_was_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with (tmp_path / "file").open("wb") as first, (tmp_path / "file").open("wb") as second:
        assert _system.lock(first.fileno(), wait=False) is True
        assert _system.lock(second.fileno(), wait=False) is False
        first.close()
        assert _system.lock(second.fileno(), wait=True) is True
        assert _system.lock_to_append(second.fileno()) is True
        monkeypatch.setattr(_system, "lock", fails(OSError()))
        assert _system.lock_to_append(second.fileno()) is False


@pytest.mark.parametrize("windows", [False, True])
def test_an_open_file_goes_and_on_windows_it_is_closed_first(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool
) -> None:
    monkeypatch.setattr(_system, "WINDOWS", windows)
    with (tmp_path / "file").open("wb") as file:
        _system.remove_open(file, tmp_path / "file")
        assert file.closed is windows
    assert not (tmp_path / "file").exists()


@pytest.mark.parametrize(("windows", "tries"), [(False, 1), (True, 51)])
def test_a_name_that_is_refused_is_asked_for_again_on_windows(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, windows: bool, tries: int
) -> None:
    pauses: list[float] = []
    asked: list[tuple[Path, Path]] = []

    def refuse(source: Path, target: Path) -> None:
        asked.append((source, target))
        raise PermissionError

    monkeypatch.setattr(_system, "WINDOWS", windows)
    monkeypatch.setattr(Path, "replace", refuse)
    monkeypatch.setattr(time, "sleep", pauses.append)
    with pytest.raises(PermissionError):
        _system.replace(tmp_path / "a", tmp_path / "b")
    assert asked == [(tmp_path / "a", tmp_path / "b")] * tries
    assert pauses == [0.02] * (tries - 1)


def test_a_file_without_a_name_can_be_read_and_is_its_owners(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    with _system.unnamed_file() as file:
        file.write(b"one")
        file.seek(0)
        assert file.read() == b"one"
        assert os.fstat(file.fileno()).st_mode & 0o777 == 0o600
    named: list[dict[str, Any]] = []
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: named.append(options) or io.BytesIO())
    monkeypatch.setattr(_system, "OPEN_FILES", tmp_path / "missing")
    assert _system.unnamed_file().read() == b""
    monkeypatch.undo()
    monkeypatch.setattr(tempfile, "TemporaryFile", lambda **options: named.append(options) or io.BytesIO())
    monkeypatch.setattr(os, "open", fails(OSError()))
    _system.unnamed_file()
    assert named == [{"prefix": "unspool-"}] * 2


def test_what_was_read_of_a_mapped_file_may_go(monkeypatch: pytest.MonkeyPatch) -> None:
    advice: list[int] = []
    mapped: Any = SimpleNamespace(madvise=advice.append)
    _system.release_pages(mapped)
    monkeypatch.setattr(sys, "platform", "win32")
    _system.release_pages(mapped)
    assert advice == [mmap.MADV_DONTNEED]


def test_a_folder_is_forced_to_the_disk_and_let_go(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[int] = []
    monkeypatch.setattr(os, "fsync", synced.append)
    _system.sync_folder(tmp_path)
    (descriptor,) = synced
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(descriptor)
    monkeypatch.setattr(_system, "FOLDER", None)
    _system.sync_folder(tmp_path / "missing")


def test_processes_that_go_their_own_way(monkeypatch: pytest.MonkeyPatch) -> None:
    sent: list[tuple[int, int]] = []
    monkeypatch.setattr(os, "kill", lambda *signal: sent.append(signal))
    _system.interrupt(7)
    monkeypatch.setattr(signal, "CTRL_BREAK_EVENT", 1, raising=False)
    _system.interrupt(8)
    assert sent == [(7, signal.SIGINT), (8, 1)]
    assert (_system.apart(), _system.on_its_own()) == ({"process_group": 0}, {"start_new_session": True})
    monkeypatch.setattr(_system, "WINDOWS", True)
    assert _system.on_its_own() == {"process_group": 0}


def test_a_connection_is_inherited_by_its_number() -> None:
    ours, theirs = Pipe()
    assert _system.inheriting(theirs) == {"pass_fds": [theirs.fileno()]}
    with ours, theirs, _system.inherited_connection(os.dup(theirs.fileno())) as inherited:
        inherited.send("word")
        assert ours.recv() == "word"


def test_limits_are_set_where_the_system_has_them(monkeypatch: pytest.MonkeyPatch) -> None:
    limits: dict[int, tuple[int, int]] = {}
    monkeypatch.setattr(resource, "setrlimit", limits.__setitem__)
    _system.limit_resources(seconds=3, memory=1 << 30)
    assert limits == {
        resource.RLIMIT_CPU: (3, 3), resource.RLIMIT_AS: (1 << 30, 1 << 30), resource.RLIMIT_CORE: (0, 0),
    }  # fmt: skip
    limits.clear()
    monkeypatch.setattr(sys, "platform", "win32")
    _system.limit_resources(seconds=3, memory=1)
    assert limits == {}
    monkeypatch.undo()
    for error in (OSError(), ValueError(), AttributeError()):
        monkeypatch.setattr(resource, "setrlimit", fails(error))
        _system.limit_resources(seconds=3, memory=1)
