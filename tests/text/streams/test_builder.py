"""Spools: the same bytes whether they lie in memory or in a file."""

import gc
import resource
import sys
import tempfile
from pathlib import Path

import numpy as np
import pytest

from unspool import _system
from unspool._errors import CorpusError
from unspool._text.streams import builder as module
from unspool._text.streams.builder import Spill, StreamBuilder


def filled(parts: list[list[int]]) -> Spill:
    """Make a spill of some numbers."""
    spill = Spill()
    for part in parts:
        spill.append(np.array(part, np.uint16))
    return spill


def open_files() -> int:
    """Count the open files of this process, where the system shows them."""
    shown = Path("/proc/self/fd")
    gc.collect()  # an earlier test may have left a file in a cycle
    return len(list(shown.iterdir())) if shown.exists() else 0


@pytest.mark.parametrize("most", [0, 5, 6, 7, 1000])
def test_what_went_in_comes_out(monkeypatch: pytest.MonkeyPatch, most: int) -> None:
    monkeypatch.setattr(module, "SPILL", most)
    spill = filled([[1, 2, 3], [], [400, 500]])
    assert spill.size == 10
    blocks = [block.view(np.uint16).tolist() for block in spill.blocks(4)]
    assert blocks == [[1, 2], [3, 400], [500]]
    array, mapped = spill.array(np.uint16)
    assert array.tolist() == [1, 2, 3, 400, 500]
    assert not array.flags.writeable
    assert (mapped is not None) == (most < 10)
    if mapped is not None:
        mapped.give_back()
    assert array.tolist() == [1, 2, 3, 400, 500]


@pytest.mark.parametrize("most", [0, 6, 1000])
@pytest.mark.parametrize("size", [2, 4, 100])
def test_bytes_are_changed_where_they_are(monkeypatch: pytest.MonkeyPatch, most: int, size: int) -> None:
    monkeypatch.setattr(module, "SPILL", most)
    spill = filled([[1, 2, 3], [400, 500]])
    spill.rewrite(size, lambda block: block.view(np.uint16) + np.uint16(1))
    spill.append(np.array([7], np.uint16))
    assert spill.array(np.uint16)[0].tolist() == [2, 3, 4, 401, 501, 7]


@pytest.mark.skipif(sys.platform != "linux", reason="other systems name no file that has no name")
def test_a_file_gets_a_name(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SPILL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = open_files()
    array, mapped = filled([[1, 2, 3]]).array(np.uint16)
    assert mapped is not None
    assert mapped.size == 6
    assert mapped.offset(array[1:]) == 2
    name = tmp_path / "name"
    if not mapped.link(name):
        pytest.skip("the disk has no files without a name")
    assert not mapped.link(name)
    assert np.fromfile(name, np.uint16).tolist() == [1, 2, 3]
    monkeypatch.setattr(_system, "OPEN_FILES", tmp_path / "missing")
    assert not mapped.link(tmp_path / "other")
    del array, mapped
    gc.collect()
    assert open_files() == before


def test_nothing_is_left_open_or_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SPILL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    before = open_files()
    array, mapped = filled([[1]]).array(np.uint16)
    abandoned = filled([[2]])
    assert list(tmp_path.iterdir()) == []
    del array, mapped, abandoned
    gc.collect()
    assert open_files() == before


def test_no_room_is_an_error_that_says_where(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(module, "SPILL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "missing"))
    with pytest.raises(CorpusError, match=r"cannot be kept in .*missing.*TMPDIR"):
        filled([[1]])


@pytest.mark.parametrize("room", [0, 1000, 5000])
def test_a_disk_that_gets_full_is_one_clear_error(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, room: int
) -> None:
    monkeypatch.setattr(module, "SPILL", 0)
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    noise: list[object] = []
    monkeypatch.setattr(sys, "excepthook", lambda *error: noise.append(error))
    before = open_files()
    spill = Spill()
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
    try:
        for _ in range(room // 100):
            spill.append(np.zeros(100, np.uint8))
        with pytest.raises(CorpusError, match=r"cannot be kept in .*file too large.*TMPDIR"):
            spill.append(np.zeros(100, np.uint8))
        del spill
        gc.collect()
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert open_files() == before
    assert noise == []


@pytest.mark.parametrize(
    "batches",
    [
        [([1, 2, 3, 4, 5, 6], [2, 3, 1], [True, False, True])],
        [([1, 2], [2], [True]), ([3, 4, 5], [3], [False]), ([6], [1], [True])],
        [([1], [1], [False]), ([2, 3, 4], [1, 2], [True, False]), ([5], [1], [False]), ([6], [1], [True])],
    ],
    ids=["at once", "in three calls", "in four calls"],
)
def test_records_that_come_in_pieces_are_whole(
    batches: list[tuple[list[int], list[int], list[bool]]],
) -> None:
    builder = StreamBuilder()
    for numbers, lengths, ends in batches:
        builder.add(
            np.array(numbers, np.uint16), lengths=np.array(lengths), ends=np.array(ends),
            characters=10 * np.array(lengths), spelling=np.array(numbers, np.float32),
        )  # fmt: skip
    assert builder.num_records == 2
    assert builder.counts(6).tolist() == [1] * 6
    stream = builder.finish(np.arange(10, 17, dtype=np.uint32), symbol_lengths=None, spelling={})
    assert stream.ids.tolist() == [11, 12, 10, 13, 14, 15, 16, 10]
    assert stream.starts.tolist() == [0, 3]
    assert stream.characters == 60
    assert stream.spelling is not None
    assert stream.spelling.tolist() == [1, 2, 3, 4, 5, 6]
