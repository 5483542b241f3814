"""What other systems than Linux lack or do otherwise: hidden or imitated, since the tests run on Linux."""

import errno
import io
import os
import subprocess
import sys
import threading
from pathlib import Path
from types import SimpleNamespace

import pytest

from unspool import ArtifactError, _system
from unspool._storage import append_line, atomic_file, atomic_write, is_missing, sync_file
from unspool._text.streams.mapped_file import MappedFile
from unspool._training.folder.sole_writer import sole_writer

HIDDEN_MODULES = ("fcntl", "termios", "resource", "pwd", "grp")
HIDDEN_NAMES = (
    "O_TMPFILE", "O_DIRECTORY", "O_NONBLOCK", "O_NOCTTY", "O_NOFOLLOW", "sched_getaffinity", "sysconf",
    "pread", "getloadavg", "fork", "register_at_fork", "mkfifo", "getuid",
)  # fmt: skip
HIDE = f"""
import filelock, os, sys, tempfile
for name in {HIDDEN_MODULES!r}:
    sys.modules[name] = None
for name in {HIDDEN_NAMES!r}:
    vars(os).pop(name, None)
tempfile._O_TMPFILE_WORKS = False
from pathlib import Path
from unspool import _system
assert _system.FOLDER is None and _system.memory_size() is None and _system.load_average() is None
_system.OPEN_FILES = _system.PROCESSOR = Path("nowhere")
"""
RUN = """
import os, unspool
from unspool import _system
from unspool._text.streams import builder
builder.SPILL = 0  # in files, as a large corpus is
options = dict(out="run", cell="gru", hidden_size=8, batch_size=4, sequence_length=8, threads=1, seed=3,
               checkpoint_seconds=0)
texts = [f"line {number % 7} of {number % 11}" for number in range(200)]
unspool.train(texts, epochs=1, **options)
unspool.train(texts, resume=True, out="run", epochs=2)
for generation in unspool.load("run").generate("line", n=3, seed=1):
    print(repr(generation.text))
print(sorted(name for name in os.listdir("run") if name != _system.LOCK_FILE))
"""


def run(program: str, folder: Path) -> str:
    """Run a program in an empty folder, and return what it prints."""
    folder.mkdir()
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=folder, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_without_what_linux_alone_has_a_run_is_the_same(tmp_path: Path) -> None:
    here = run(RUN, tmp_path / "here")
    assert here.count("\n") == 4
    assert run(HIDE + RUN, tmp_path / "there") == here


def test_without_it_the_command_line_writes_the_same(tmp_path: Path) -> None:
    command = "import sys; sys.argv = ['unspool', {}]; from unspool._cli import main; main()"
    train = "'train', 'texts.txt', '--out', 'run', '--hidden-size', '8', '--epochs', '1', '--threads', '1'"
    sample = "'sample', 'run', '-n', '3', '--seed', '1'"
    texts = "from pathlib import Path; Path('texts.txt').write_text('a cat\\na dog\\n' * 50)\n"
    first, second = ((command.format(flags) + "\n") for flags in (train, sample))
    for name, before in (("here", ""), ("there", HIDE)):
        run(
            before + texts + f"try: exec({first!r})\nexcept SystemExit as end: assert not end.code",
            tmp_path / name,
        )
    written = [
        subprocess.run(
            [sys.executable, "-c", before + second], cwd=tmp_path / name, capture_output=True, check=True
        )
        for name, before in (("here", ""), ("there", HIDE))
    ]
    assert written[0].stdout.count(b"\n") == 3
    assert written[1].stdout == written[0].stdout


def names_in(folder: Path) -> list[str]:
    """Return the names in a folder, sorted."""
    return sorted(path.name for path in folder.iterdir())


@pytest.fixture
def windows(monkeypatch: pytest.MonkeyPatch) -> None:
    """Imitate the ways of Windows that Linux can do: no folder is opened, files are closed before they go."""
    monkeypatch.setattr(_system, "WINDOWS", True)
    monkeypatch.setattr(_system, "FOLDER", None)
    monkeypatch.setattr(_system, "PAUSE", 0.0)


@pytest.mark.usefixtures("windows")
def test_files_of_killed_processes_go_and_others_stay(tmp_path: Path) -> None:
    (tmp_path / ".a.0a1b2c3d4e5f.tmp").touch()
    with atomic_file(tmp_path / "first") as first:
        first.write(b"one")
        atomic_write(tmp_path / "second", b"two")
    assert names_in(tmp_path) == ["first", "second"]
    assert (tmp_path / "first").read_bytes() == b"one"


@pytest.mark.usefixtures("windows")
def test_a_file_that_somebody_reads_is_replaced_when_he_has_read_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    honest, refusals = Path.replace, []

    def busy(source: Path, target: Path) -> Path:
        if len(refusals) < 3:
            refusals.append(target)
            raise PermissionError(errno.EACCES, "Access is denied")
        return honest(source, target)

    monkeypatch.setattr(Path, "replace", busy)
    atomic_write(tmp_path / "file", b"new")
    assert len(refusals) == 3
    assert (tmp_path / "file").read_bytes() == b"new"
    monkeypatch.setattr(_system, "MOST_TRIES", 2)
    refusals.clear()
    with pytest.raises(PermissionError):
        atomic_write(tmp_path / "file", b"newer")
    assert names_in(tmp_path) == ["file"]


def test_two_folders_exchange_their_names_where_the_system_can_do_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    calls: list[tuple[object, ...]] = []

    def library(name: str, answer: int) -> SimpleNamespace:
        return SimpleNamespace(**{name: lambda *given: calls.append(given) or answer})

    def refuse(_: None) -> None:
        raise TypeError("LoadLibrary() argument 1 must be str, not None")  # the words of Windows

    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    (first / "file").touch()
    assert not _system.exchange(first, second)
    second.mkdir()
    if _system.exchange(first, second):  # the disk may be one that cannot
        assert names_in(second) == ["file"]
    else:
        assert names_in(first) == ["file"]
    for system, answer, done in (("renameat2", 0, True), ("renamex_np", 0, True), ("renamex_np", -1, False)):
        monkeypatch.setattr("ctypes.CDLL", lambda _, name=system, answer=answer: library(name, answer))
        assert _system.exchange(first, second) is done
    names = os.fsencode(first), os.fsencode(second)
    assert [[*map(plain, given)] for given in calls] == [
        [-1, names[0], -1, names[1], 2], [*names, 2], [*names, 2],
    ]  # fmt: skip
    monkeypatch.setattr("ctypes.CDLL", refuse)
    assert not _system.exchange(first, second)


def plain(argument: object) -> object:
    """Return the number in a number of C, and all else as it is."""
    return getattr(argument, "value", argument)


@pytest.mark.usefixtures("windows")
def test_a_line_is_added_without_a_lock_that_would_keep_readers_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(_system, "lock", lambda *_, **__: pytest.fail("locked"))
    append_line(tmp_path / "lines", "a")
    append_line(tmp_path / "lines", "b")
    sync_file(tmp_path / "lines")
    assert (tmp_path / "lines").read_bytes() == b"a\nb\n"


@pytest.mark.usefixtures("windows")
def test_a_folder_that_cannot_be_opened_is_locked_by_a_file_in_it(tmp_path: Path) -> None:
    with sole_writer(tmp_path):
        assert names_in(tmp_path) == [_system.LOCK_FILE]
        with (
            pytest.raises(ArtifactError, match="another training is writing to it; wait"),
            sole_writer(tmp_path),
        ):
            pytest.fail("two writers")
    with sole_writer(tmp_path):
        pass


def test_a_folder_is_locked_until_its_process_ends(tmp_path: Path) -> None:
    held = (
        "import sys, time; from unspool._training.folder.sole_writer import sole_writer\n"
        "with sole_writer(sys.argv[1]): print('held', flush=True); time.sleep(600)"
    )
    holder = subprocess.Popen([sys.executable, "-c", held, str(tmp_path)], stdout=subprocess.PIPE, text=True)
    with holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(ArtifactError, match="another training"), sole_writer(tmp_path):
            pytest.fail("two writers")
        holder.kill()
        holder.wait()
    with sole_writer(tmp_path):
        assert names_in(tmp_path) == []


def test_threads_that_read_one_file_at_places_do_not_disturb_each_other(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    content = bytes(range(256)) * 40
    (tmp_path / "file").write_bytes(content)
    with (tmp_path / "file").open("rb") as file:
        mapped = MappedFile(file)
    monkeypatch.delattr(os, "pread")
    wrong: list[int] = []

    def read(first: int) -> None:
        for place in range(first, 9_000, 97):
            if _system.read_at(mapped._descriptor, place, 50) != content[place : place + 50]:
                wrong.append(place)

    threads = [threading.Thread(target=read, args=(first,)) for first in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


def test_what_windows_says_of_a_closed_pipe_is_understood(monkeypatch: pytest.MonkeyPatch) -> None:
    invalid = OSError(errno.EINVAL, "Invalid argument")
    assert _system.is_closed_pipe(BrokenPipeError(errno.EPIPE, "Broken pipe"))
    assert not _system.is_closed_pipe(invalid)
    monkeypatch.setattr(_system, "WINDOWS", True)
    assert _system.is_closed_pipe(invalid)
    assert not _system.is_closed_pipe(OSError(errno.EINVAL, "Invalid argument", "texts?.csv"))
    assert not _system.is_closed_pipe(OSError(errno.ENOSPC, "No space left on device"))


@pytest.mark.usefixtures("windows")
def test_a_file_or_a_pipe_gets_texts_as_they_are() -> None:
    raw = io.BytesIO()
    stream = io.TextIOWrapper(raw, encoding="cp1252", newline="\r\n")
    stream.reconfigure(**_system.stream_settings(terminal=False))
    stream.write("naïve ∎\n")
    stream.flush()
    assert raw.getvalue() == "naïve ∎\n".encode()
    assert _system.stream_settings(terminal=True) == {}


def test_a_path_that_is_stored_is_the_same_on_every_system(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert (
        _system.relative_path(str(tmp_path / "texts" / "a.txt"), tmp_path / "runs" / "a")
        == "../../texts/a.txt"
    )
    monkeypatch.setattr(os, "sep", "\\")
    monkeypatch.setattr(os.path, "relpath", lambda path, folder: f"..\\{path}")
    assert _system.relative_path("a.txt", tmp_path) == "../a.txt"

    def refuse(path: str, folder: Path) -> str:
        raise ValueError("path is on mount 'D:', start on mount 'C:'")

    monkeypatch.setattr(os.path, "relpath", refuse)
    assert _system.relative_path("a.txt", tmp_path) == str(Path("a.txt").absolute())


def test_a_name_that_windows_does_not_allow_leads_to_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(path: object) -> None:
        raise OSError(errno.EINVAL, "The filename, directory name, or volume label syntax is incorrect")

    monkeypatch.setattr(os, "stat", refuse)
    missing = is_missing("a|b")
    monkeypatch.undo()
    assert missing
