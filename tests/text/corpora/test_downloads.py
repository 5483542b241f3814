"""A download survives what networks do, and never passes off another file as the one that was published."""

import hashlib
import random
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.text.http_server import Site, serve
from unspool._errors import DownloadError
from unspool._text.corpora.downloads import Patience, RemoteFile, fetch, is_complete

CONTENT = random.Random(0).randbytes(300_000)
QUICK = Patience(attempts=3, timeout=5.0, pause=0.01)


@pytest.fixture(autouse=True)
def no_proxy(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reach the server on this machine directly, whatever the environment says."""
    monkeypatch.setenv("no_proxy", "*")


@pytest.fixture
def site() -> Iterator[Site]:
    with serve(Site({"/a.csv": CONTENT})) as running:
        yield running


def remote(site: Site, path: str = "/a.csv") -> RemoteFile:
    return RemoteFile(site.url + path, len(CONTENT), hashlib.md5(CONTENT).hexdigest())


def test_a_file_comes_whole_and_progress_is_reported(site: Site, tmp_path: Path) -> None:
    seen: list[tuple[int, int]] = []
    target = tmp_path / "new" / "folder" / "a.csv"
    fetch(remote(site), target, advice="", patience=QUICK, report=lambda *at: seen.append(at))
    assert target.read_bytes() == CONTENT
    assert is_complete(target, remote(site))
    assert seen == sorted(seen)
    assert seen[-1] == (len(CONTENT), len(CONTENT))
    assert [path.name for path in target.parent.iterdir()] == ["a.csv"]


def test_an_interrupted_download_goes_on_where_it_stopped(site: Site, tmp_path: Path) -> None:
    site.breaks = [100_000, 50_000]
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert (tmp_path / "a.csv").read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-", "bytes=150000-"]


def test_a_later_run_goes_on_as_well(site: Site, tmp_path: Path) -> None:
    site.breaks = [100_000]
    once = Patience(attempts=1, timeout=5.0)
    with pytest.raises(DownloadError, match=r"expected 300,000 bytes, got .*; take a book"):
        fetch(remote(site), tmp_path / "a.csv", advice="take a book", patience=once)
    assert not (tmp_path / "a.csv").exists()
    assert (tmp_path / "a.csv.part").read_bytes() == CONTENT[:100_000]
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=once)
    assert (tmp_path / "a.csv").read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-"]


def test_a_server_that_ignores_ranges_sends_the_whole_file(site: Site, tmp_path: Path) -> None:
    site.ranges = False
    site.breaks = [100_000]
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert (tmp_path / "a.csv").read_bytes() == CONTENT
    assert site.asked == [None, "bytes=100000-"]


@pytest.mark.parametrize("wrong", [CONTENT[:-1] + b"?", CONTENT + b"more", b"<html>"])
def test_another_file_is_refused_and_removed(site: Site, tmp_path: Path, wrong: bytes) -> None:
    site.files["/a.csv"] = wrong
    with pytest.raises(DownloadError, match="not the file that was published") as caught:
        fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert f"got {len(wrong):,} bytes" in str(caught.value)
    assert list(tmp_path.iterdir()) == []
    assert len(site.asked) == 1


def test_a_wrong_sum_is_named(site: Site, tmp_path: Path) -> None:
    site.files["/a.csv"] = CONTENT[::-1]
    with pytest.raises(DownloadError, match=r"expected .* MD5 .* it was deleted"):
        fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)


@pytest.mark.parametrize("stale", [b"x" * 1000, b"x" * len(CONTENT), b"x" * (len(CONTENT) + 1)])
def test_a_stale_part_does_not_spoil_the_file(site: Site, tmp_path: Path, stale: bytes) -> None:
    (tmp_path / "a.csv.part").write_bytes(stale)
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert (tmp_path / "a.csv").read_bytes() == CONTENT


@pytest.mark.parametrize("status", [403, 404, 410])
def test_what_is_not_there_is_not_asked_for_twice(site: Site, tmp_path: Path, status: int) -> None:
    site.statuses = [status]
    with pytest.raises(
        DownloadError, match=rf"cannot download .*a.csv: the server answers {status} .*; take a book"
    ):
        fetch(remote(site), tmp_path / "a.csv", advice="take a book", patience=QUICK)
    assert len(site.asked) == 1


def test_a_server_in_trouble_is_asked_again(site: Site, tmp_path: Path) -> None:
    site.statuses = [503, 500]
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert len(site.asked) == 3
    site.asked.clear()
    site.statuses = [503] * 9
    with pytest.raises(DownloadError, match="the server answers 503"):
        fetch(remote(site), tmp_path / "b.csv", advice="", patience=QUICK)
    assert len(site.asked) == 3


def test_a_range_that_is_refused_starts_anew(site: Site, tmp_path: Path) -> None:
    (tmp_path / "a.csv.part").write_bytes(CONTENT[:10])
    site.statuses = [416]
    fetch(remote(site), tmp_path / "a.csv", advice="", patience=QUICK)
    assert (tmp_path / "a.csv").read_bytes() == CONTENT
    assert site.asked == ["bytes=10-", None]


def test_no_network_says_what_to_do(tmp_path: Path) -> None:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    nowhere = RemoteFile(f"http://127.0.0.1:{port}/a.csv", 1, "")
    with pytest.raises(
        DownloadError, match=r"cannot download .*: the connection failed \(connection refused\); take a book"
    ):
        fetch(nowhere, tmp_path / "a.csv", advice="take a book", patience=QUICK)


def test_a_silent_server_is_given_up(tmp_path: Path) -> None:
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        silent = RemoteFile(f"http://127.0.0.1:{deaf.getsockname()[1]}/a.csv", 1, "")
        with pytest.raises(DownloadError, match="timed out"):
            fetch(silent, tmp_path / "a.csv", advice="", patience=Patience(attempts=1, timeout=0.1))


def test_a_folder_that_cannot_be_written_is_an_error_of_the_tree(site: Site, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("no folder")
    with pytest.raises(DownloadError, match=r"a.csv cannot be written: got .*; .*UNSPOOL_CACHE=FOLDER"):
        fetch(remote(site), tmp_path / "file" / "a.csv", advice="look at the network", patience=QUICK)
