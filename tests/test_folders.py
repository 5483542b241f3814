"""Folders are replaced whole: the old one or the new one, and what killed ones left is mended."""

import errno
import os
import re
from pathlib import Path
from unittest import mock

import pytest

from unspool import _folders
from unspool._folders import mend_folders, write_folder


def names_in(folder: Path) -> list[str]:
    return sorted(os.listdir(folder))  # noqa: PTH208  (hidden files count as well)


def content_of(folder: Path) -> dict[str, bytes]:
    return {
        path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }


@pytest.mark.parametrize("exchanges", [True, False])
def test_a_folder_is_replaced_whole_also_behind_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchanges: bool
) -> None:
    if not exchanges:
        monkeypatch.setattr(_folders, "exchange", lambda *_: False)
    write_folder(tmp_path / "x", {"a.txt": b"1", "deep/b.txt": b"2"})
    assert content_of(tmp_path / "x") == {"a.txt": b"1", "deep/b.txt": b"2"}
    (tmp_path / "link").symlink_to("x")
    write_folder(tmp_path / "link", {"c.txt": b"3"})
    assert content_of(tmp_path / "x") == {"c.txt": b"3"}
    assert names_in(tmp_path) == ["link", "x"]
    assert (tmp_path / "link").is_symlink()


def test_all_of_a_folder_is_forced_to_the_disk_before_it_gets_its_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    steps: list[tuple[str, str]] = []

    def noted(name: str) -> None:
        honest = getattr(_folders, name)

        def call(*paths: Path) -> object:
            place = paths[0].relative_to(tmp_path).as_posix()
            steps.append((name, re.sub(r"^\.x\.[0-9a-f]{12}\.", "", place)))
            return honest(*paths)

        monkeypatch.setattr(_folders, name, call)

    for name in ("sync_file", "sync_folder", "replace", "exchange"):
        noted(name)
    for named in ("replace", "exchange"):
        steps.clear()
        write_folder(tmp_path / "x", {"a.txt": b"1", "deep/er/b.txt": b"2", "other/c.txt": b"3"})
        assert steps[:3] == [
            ("sync_file", "new/a.txt"),
            ("sync_file", "new/deep/er/b.txt"),
            ("sync_file", "new/other/c.txt"),
        ]
        assert steps[3:7] == [
            ("sync_folder", "new/deep/er"),
            ("sync_folder", "new/deep"),
            ("sync_folder", "new/other"),
            ("sync_folder", "new"),
        ]
        assert steps[7] == (named, "new")
        assert steps[-1] == ("sync_folder", ".")


def test_what_killed_writers_of_folders_left_is_mended(tmp_path: Path) -> None:
    number = "0a1b2c3d4e5f"
    lost, doubled = tmp_path / f".lost.{number}.old", tmp_path / f".x.{number}.old"
    half, strange = tmp_path / f".y.{number}.new", tmp_path / ".z.0a1b.new"
    for folder in (lost, doubled, half, strange, tmp_path / "x"):
        folder.mkdir()
        (folder / "file").write_text(folder.name)
    (tmp_path / f".lost.{number}.tmp").touch()  # the lock of one that was killed
    write_folder(tmp_path / "other", {"file": b"new"})
    assert names_in(tmp_path) == [".z.0a1b.new", "lost", "other", "x"]
    assert (tmp_path / "lost" / "file").read_text() == lost.name
    assert (tmp_path / "x" / "file").read_text() == "x"


def test_folders_that_somebody_writes_stay(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_folder(tmp_path / "x", {"file": b"old"})
    honest, seen = _folders.replace, []

    def look(source: Path, target: Path) -> None:
        if target.name == "x":  # between the two steps: another process writes
            hidden = names_in(tmp_path)
            mend_folders(tmp_path)
            seen.append((hidden, names_in(tmp_path)))
        honest(source, target)

    monkeypatch.setattr(_folders, "exchange", lambda *_: False)
    monkeypatch.setattr(_folders, "replace", look)
    write_folder(tmp_path / "x", {"file": b"new"})
    ((before, after),) = seen
    assert [Path(name).suffix for name in before] == [".new", ".old", ".tmp"]
    assert after == before
    assert content_of(tmp_path / "x") == {"file": b"new"}


def test_without_locks_no_folder_is_mended(tmp_path: Path) -> None:
    left = [".x.0a1b2c3d4e5f.new", ".x.0a1b2c3d4e5f.old"]
    for name in left:
        (tmp_path / name).mkdir()
    (tmp_path / ".x.0a1b2c3d4e5f.tmp").touch()
    with mock.patch("fcntl.flock", side_effect=OSError(errno.ENOLCK, "No locks available")):
        write_folder(tmp_path / "y", {"file": b""})
    assert names_in(tmp_path) == [*left, ".x.0a1b2c3d4e5f.tmp", "y"]


def test_a_folder_that_gets_no_name_leaves_the_old_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write_folder(tmp_path / "x", {"file": b"old"})

    def refuse(source: Path, target: Path) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(_folders, "exchange", lambda *_: False)
    monkeypatch.setattr(_folders, "replace", refuse)
    with pytest.raises(OSError, match="Input/output"):
        write_folder(tmp_path / "x", {"file": b"new"})
    assert content_of(tmp_path / "x") == {"file": b"old"}
    assert names_in(tmp_path) == ["x"]
