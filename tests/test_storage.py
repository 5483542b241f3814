"""Files are replaced whole: the old one or the new one, and no litter."""

import os
import threading
from pathlib import Path

import pytest

from unspool.storage import append_line, atomic_file, atomic_write


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
