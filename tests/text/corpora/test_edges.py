"""What downloads and named corpora do at their edges: pauses, answers that are final, the longest lines."""

import hashlib
import os
import sysconfig
import time
import urllib.error
import urllib.request
from pathlib import Path

import pytest

from tests.text.http_server import Site, serve
from unspool._errors import DownloadError
from unspool._text.corpora import ag_news
from unspool._text.corpora.docstrings import docstring_rows
from unspool._text.corpora.downloads import PATIENCE, Patience, RemoteFile, fetch, is_complete
from unspool._text.corpora.registry import CORPORA

CONTENT = b"a line of text\n" * 10_000


@pytest.fixture(autouse=True)
def quiet(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """Note each pause without taking it, and reach the server on this machine directly."""
    monkeypatch.setenv("no_proxy", "*")
    for name in ("UNSPOOL_AG_NEWS", "UNSPOOL_AG_NEWS_URL"):
        monkeypatch.delenv(name, raising=False)
    pauses: list[float] = []
    monkeypatch.setattr(time, "sleep", pauses.append)
    return pauses


def remote(site: Site) -> RemoteFile:
    return RemoteFile(site.url + "/a.csv", len(CONTENT), hashlib.md5(CONTENT).hexdigest())


@pytest.mark.parametrize("status", [400, 401, 403, 404, 405, 410, 451])
def test_some_answers_are_final(tmp_path: Path, status: int) -> None:
    with serve(Site({"/a.csv": CONTENT}, statuses=[status])) as site:
        with pytest.raises(DownloadError, match=f"answers {status} "):
            fetch(remote(site), tmp_path / "a.csv", advice="")
        assert len(site.asked) == 1


@pytest.mark.parametrize("status", [402, 406, 408, 429, 500])
def test_after_others_it_is_tried_four_times_with_longer_pauses(
    tmp_path: Path, quiet: list[float], status: int
) -> None:
    with serve(Site({"/a.csv": CONTENT}, statuses=[status] * 9)) as site:
        with pytest.raises(DownloadError, match=f"answers {status} "):
            fetch(remote(site), tmp_path / "a.csv", advice="")
        assert len(site.asked) == 4
    assert quiet == [1.0, 2.0, 4.0]
    assert Patience(attempts=4, timeout=30.0, pause=1.0) == PATIENCE


def test_a_server_is_told_who_asks_for_what_and_is_given_up_in_time(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    asked: list[tuple[str, dict[str, str], float]] = []

    def refuse(request: urllib.request.Request, *, timeout: float) -> None:
        asked.append((request.full_url, dict(request.headers), timeout))
        raise urllib.error.URLError("nobody is here")

    monkeypatch.setattr(urllib.request, "urlopen", refuse)
    for content, more in ((b"", {}), (b"abc", {"Range": "bytes=3-"})):
        (tmp_path / "a.csv.part").write_bytes(content)
        with pytest.raises(DownloadError) as caught:
            fetch(
                RemoteFile("http://a/b", 9, ""), tmp_path / "a.csv", advice="wait", patience=Patience(1, 7.0)
            )
        assert asked.pop() == ("http://a/b", {"User-agent": "unspool", **more}, 7.0)
        assert str(caught.value) == (
            "cannot download http://a/b: the connection failed (nobody is here); wait"
        )


def test_a_range_that_nobody_asked_for_may_be_refused(tmp_path: Path) -> None:
    with serve(Site({"/a.csv": CONTENT}, statuses=[416])) as site:
        fetch(remote(site), tmp_path / "a.csv", advice="")
    assert (tmp_path / "a.csv").read_bytes() == CONTENT


def test_what_comes_is_reported_and_forced_to_the_disk(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    synced: list[int] = []
    honest = os.fsync
    monkeypatch.setattr(os, "fsync", lambda file: synced.append(os.fstat(file).st_size) or honest(file))
    seen: list[tuple[int, int]] = []
    with serve(Site({"/a.csv": CONTENT})) as site:
        fetch(remote(site), tmp_path / "a.csv", advice="", report=lambda *at: seen.append(at))
    assert synced[0] == len(CONTENT)
    assert {total for _, total in seen} == {len(CONTENT)}
    assert (
        max(after - before for (before, _), (after, _) in zip([(0, 0), *seen], seen, strict=False)) <= 1 << 16
    )
    assert is_complete(tmp_path / "a.csv", RemoteFile("", len(CONTENT), hashlib.md5(CONTENT).hexdigest()))
    for size, md5 in ((len(CONTENT) + 1, hashlib.md5(CONTENT).hexdigest()), (len(CONTENT), "0" * 32)):
        assert not is_complete(tmp_path / "a.csv", RemoteFile("", size, md5))
    assert not is_complete(tmp_path, RemoteFile("", 0, ""))


def test_where_ag_news_comes_from(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv/"
    parts = [ag_news._remote(part) for part in (ag_news.TRAIN, ag_news.TEST)]
    assert parts == [
        RemoteFile(published + "train.csv", 29_470_338, "b1a00f826fdfbd249f79597b59e1dc12"),
        RemoteFile(published + "test.csv", 1_857_427, "d52ea96a97a2d943681189a97654912d"),
    ]
    monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", "http://a/b//")
    assert ag_news._remote(ag_news.TEST).url == "http://a/b/test.csv"
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path))
    cached = tmp_path / "ag-news" / "test.csv"
    cached.parent.mkdir()
    for size, state in ((1_857_426, "not downloaded"), (1_857_427, "cached")):
        cached.touch()
        os.truncate(cached, size)
        assert ag_news.state(ag_news.TEST) == CORPORA["ag-news-test"].state() == state
    assert CORPORA["ag-news"].state() == "not downloaded"


LEFT_OUT = (
    "__pycache__ _pydecimal _pyio aifc dist-packages distutils encodings ensurepip idlelib lib-dynload "
    "lib2to3 nntplib pickletools pydoc_data site-packages test tests this turtledemo"
)


def test_docstrings_have_two_words_and_at_most_a_hundred_characters(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    fits, long = "Do " + "x" * 97, "Do " + "x" * 98
    lines = [fits, long, "One", "Two words", "Bell\x07 here", "A\ttab  and\tspaces"]
    for number, line in enumerate(lines):
        (tmp_path / f"m{number}.py").write_text(f'"""{line}\n\nMore of it."""\n')
    (tmp_path / "m9.py").write_text(
        "async def f():\n 'Wait for it.'\ndef g():\n def h(): 'Never seen here.'\n"
    )
    for name in LEFT_OUT.split():
        (tmp_path / f"{name}.py").write_text(f'"""Left out {name}"""')
    (tmp_path / "n").mkdir()
    (tmp_path / "n" / "b.py").write_text('"""Two words"""')
    (tmp_path / "n" / "a.py").write_text('"""In a folder"""')
    monkeypatch.setattr(sysconfig, "get_path", lambda name: str(tmp_path) if name == "stdlib" else "")
    assert docstring_rows.__wrapped__() == (
        (fits, "m0"), ("Two words", "m3"), ("A tab and spaces", "m5"), ("Wait for it.", "m9"),
        ("In a folder", "n"),
    )  # fmt: skip
