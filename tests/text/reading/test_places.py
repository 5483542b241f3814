"""Pipes are read once, devices that never end are refused, folders say what they pass over."""

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from tests.closed_folder import closed_folder
from unspool._errors import CorpusError
from unspool._text.reading import places
from unspool._text.reading.folders import current_spec
from unspool._text.reading.sources import read_records, records_from_spec
from unspool._text.records import Records


def texts(records: Records) -> list[str]:
    return [record.text for record in records]


def feed(pipe: Path, content: bytes) -> threading.Thread:
    writer = threading.Thread(target=pipe.write_bytes, args=(content,))
    writer.start()
    return writer


@pytest.mark.parametrize("options", [{}, {"document": True}, {"format": "csv", "text": 1}])
def test_a_pipe_is_read_once_like_standard_input(tmp_path: Path, options: dict[str, object]) -> None:
    os.mkfifo(tmp_path / "pipe")
    records = read_records(tmp_path / "pipe", **options)  # type: ignore[arg-type]
    writer = feed(tmp_path / "pipe", b"1,one\n2,two\n")
    found = texts(records)
    writer.join()
    assert "".join(found).replace("\n", "").endswith("two")
    assert (records.once, records.files, records.lines, records.spec["source"]) == (True, None, None, "-")
    with pytest.raises(CorpusError, match="pipe can be read once: got it has been read already"):
        list(records)


def test_a_pipe_that_nobody_writes_into_is_an_error_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(places, "PATIENCE", 0.05)
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(CorpusError, match=r"is a pipe: expected somebody who writes .* start what writes"):
        list(read_records(tmp_path / "pipe"))


def test_process_substitution_works(tmp_path: Path) -> None:
    program = "import sys, unspool\nprint([record.text for record in unspool.read_records(sys.argv[1])])"
    command = f"{sys.executable} -c '{program}' <(sleep 0.1; printf 'one\\ntwo\\n')"
    run = subprocess.run(["bash", "-c", command], capture_output=True, text=True, check=True)
    assert run.stdout == "['one', 'two']\n"


@pytest.mark.parametrize("device", ["/dev/zero", "/dev/urandom", "/dev/null"])
def test_a_device_is_refused_however_it_is_named(tmp_path: Path, device: str) -> None:
    (tmp_path / "link.txt").symlink_to(device)
    for path in (device, tmp_path / "link.txt", [tmp_path / "link.txt"]):
        with pytest.raises(CorpusError, match=r"is a device: expected a file, a folder or a pipe"):
            read_records(path)


def test_an_empty_name_is_not_the_working_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    monkeypatch.chdir(tmp_path)
    for source in ("", ["a.txt", ""]):
        with pytest.raises(CorpusError, match=r"^'': no such file or folder; give a file, a folder"):
            read_records(source)
    assert texts(read_records(".")) == ["one"]


def test_a_folder_counts_what_it_passes_over(tmp_path: Path) -> None:
    for name in ("a.txt", "b.abc", "c.abc", "d.txt.gz.bak", "e", "inside/f.pdf"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(f"{name}\n")
    (tmp_path / "device.txt").symlink_to("/dev/zero")
    os.mkfifo(tmp_path / "pipe.txt")
    records = read_records(tmp_path)
    assert texts(records) == ["a.txt"]
    (note,) = records.notes
    shown = ".abc 2, .txt 2, .bak 1, e 1, .pdf 1"
    assert note == (
        f"{tmp_path}: 7 of 8 files were passed over ({shown}); --format text reads every file as text"
    )
    every = read_records(tmp_path, format="text")
    assert texts(every) == ["a.txt", "b.abc", "c.abc", "d.txt.gz.bak", "e", "inside/f.pdf"]
    assert list(every.notes) == [f"{tmp_path}: 2 of 8 files were passed over (.txt 2)"]
    assert texts(records_from_spec(records.spec)) == ["a.txt"]
    assert len(texts(records_from_spec(every.spec))) == 6
    assert texts(read_records(tmp_path / "inside", format="text")) == ["inside/f.pdf"]


def test_what_an_earlier_version_stored_of_a_folder_is_read_as_it_was(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("one\n")
    (tmp_path / "b.log").write_text("two\n")
    earlier = {"source": str(tmp_path), "format": "text", "text": None, "normalization": "NFC"}
    assert texts(records_from_spec(earlier)) == ["one"]
    assert current_spec({}) == {}
    assert current_spec({"source": str(tmp_path / "a.txt"), "format": "csv"})["format"] == "csv"


def test_several_sources_are_read_in_their_order(tmp_path: Path) -> None:
    (tmp_path / "b.txt").write_text("b\n")
    (tmp_path / "a.txt").write_text("a")
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "c.txt").write_text("c")
    records = read_records([tmp_path / "b.txt", str(tmp_path / "a.txt"), tmp_path / "more"])
    assert texts(records) == ["b", "a", "c"]
    assert records.lines is not None
    assert "".join(records.lines()).split() == ["b", "a", "c"]
    assert records.description == f"{tmp_path / 'b.txt'} and 2 more"
    assert texts(records_from_spec(records.spec)) == ["b", "a", "c"]
    assert records.files is not None
    assert len(records.files()) == 3


@pytest.mark.parametrize(
    ("names", "message"),
    [
        (["a.txt", "b.csv"], r"several formats: expected one, got text \(a\.txt\), csv \(b\.csv\)"),
        (["a.txt", "-"], "- cannot be read together with other sources"),
        (["a.txt", "docstrings"], "docstrings cannot be read together"),
        (["a.txt", "missing.txt"], "missing.txt: no such file"),
        ([], r"source: expected a path, .* got \[\]"),
        (["a.txt", 7], "source: expected a path"),
    ],
)
def test_sources_that_do_not_go_together_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, names: list[str], message: str
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.txt", "b.csv"):
        Path(name).write_text("one,two\n")
    with pytest.raises(CorpusError, match=message):
        read_records(names)


def test_several_pipes_and_files_are_read_once(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("a\n")
    os.mkfifo(tmp_path / "pipe.txt")
    records = read_records([tmp_path / "a.txt", tmp_path / "pipe.txt"])
    writer = feed(tmp_path / "pipe.txt", b"b\n")
    assert texts(records.gathered()) == ["a", "b"]
    writer.join()


@pytest.mark.parametrize("name", ["", "a.txt", "a.csv", "a/b.jsonl", "one\ntwo"])
def test_a_text_without_the_right_to_read(tmp_path: Path, name: str) -> None:
    refused = pytest.raises(CorpusError, match="cannot be read: got permission denied")
    with closed_folder(tmp_path) as closed, refused:
        list(read_records(closed / name))
