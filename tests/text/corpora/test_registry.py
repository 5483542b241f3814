"""Every named corpus describes itself and can be read; each is what it says it is."""

import hashlib
import json
import shutil
import sysconfig
from pathlib import Path

import pytest

from tests.text.http_server import Site, serve
from unspool._errors import CorpusError, DownloadError
from unspool._text.corpora import ag_news
from unspool._text.corpora import registry as corpora
from unspool._text.corpora.ag_news import CorpusPart
from unspool._text.corpora.docstrings import docstring_rows
from unspool._text.corpora.downloads import Patience
from unspool._text.corpora.registry import CORPORA
from unspool._text.reading.sources import read_records
from unspool._text.records import Record

ROWS = b'"3","Oil rises","Crude, again"\n"4","New phone","It\'s ""smart"""\n"2","",""\n"1","Talks","On"\n'
LOCAL = CorpusPart("train.csv", len(ROWS), hashlib.md5(ROWS).hexdigest())


@pytest.fixture(autouse=True)
def home(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """Give each test a cache folder of its own, and nothing from the environment."""
    for name in ("UNSPOOL_AG_NEWS", "UNSPOOL_AG_NEWS_URL"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("no_proxy", "*")
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path / "cache"))
    return tmp_path


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    """Make ag-news a file of four rows."""
    corpus = corpora._ag_news("ag-news", LOCAL, "a small part", "4 texts")
    monkeypatch.setitem(CORPORA, "ag-news", corpus)


@pytest.mark.parametrize("name", CORPORA)
class TestEveryCorpus:
    def test_it_describes_itself(self, name: str) -> None:
        corpus = CORPORA[name]
        assert corpus.name == name
        assert corpus.description
        assert corpus.size
        assert corpus.licence
        assert corpus.state() in {"embedded", "not downloaded"}
        assert {corpus.text, *corpus.context} <= set(corpus.columns)
        assert name not in {"", "-"}
        assert not set(name) & set("/\\. :")

    def test_its_texts_are_normalized_records_with_a_label(self, name: str) -> None:
        if CORPORA[name].state() != "embedded":
            pytest.skip("not on this machine without a download")
        records = list(read_records(name))
        assert len(records) > 4000
        assert all(record.text.strip() and set(record.context) == {"label"} for record in records)
        assert records == list(read_records(name, text=[0], context=1))

    def test_a_wrong_column_is_refused(self, name: str) -> None:
        with pytest.raises(CorpusError, match=f"corpus {name}: no column 'titel'"):
            list(read_records(name, text="titel"))


def test_the_unicode_names_are_the_same_everywhere() -> None:
    records = list(read_records("unicode-names"))
    assert len(records) == 12_886
    assert records[33] == Record("LATIN CAPITAL LETTER A", {"label": "Lu"})
    rows = "".join(f"{record.text}\t{record.context['label']}\n" for record in records)
    digest = hashlib.sha256(rows.encode()).hexdigest()
    assert digest == "dbfada8b97c413b70586a221c318a6abde22dd709139be4db409fc2ef3b97200"


def test_the_docstrings_are_short_lines_each_once() -> None:
    rows = docstring_rows()
    lines = [line for line, _ in rows]
    assert len(set(lines)) == len(lines) > 4000
    assert max(map(len, lines)) <= 100
    assert {"ast", "json", "typing"} <= {label for _, label in rows}
    assert not any(label.startswith(("test", "idlelib", "site-packages")) for _, label in rows)
    assert ((json.dumps.__doc__ or "").split("\n")[0], "json") in rows


def test_docstrings_are_read_without_importing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    files = {
        "zebra.py": '"""Draw  a zebra.\n\nWith stripes."""\nraise SystemExit\n',
        "apple/__init__.py": '"""Eat an apple."""\n',
        "apple/core.py": "class Core:\n 'Hold seeds.'\n def a(self): 'Draw a zebra.'\n def b(self): 'One'\n",
        "broken.py": '"""Never read this."""\n(',
        "test/test_x.py": '"""Never read this."""',
        "apple/tests/x.py": '"""Never read this."""',
        "my-folder/x.py": '"""Never read this."""',
        "long.py": f'"""{"Far too long " * 20}"""',
        "caf.py": '"""Drink caf\u00e9 now."""',
        "data.txt": '"""Never read this."""',
    }
    for name, content in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(content, "utf-8")
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path))
    assert docstring_rows.__wrapped__() == (
        ("Draw a zebra.", "zebra"),
        ("Eat an apple.", "apple"),
        ("Hold seeds.", "apple"),
    )


def test_a_standard_library_without_sources_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sysconfig, "get_path", lambda _: str(tmp_path / "nowhere"))
    with pytest.raises(CorpusError, match="no Python source files"):
        docstring_rows.__wrapped__()


@pytest.mark.usefixtures("small")
def test_ag_news_is_downloaded_once_and_kept(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Site({"/train.csv": ROWS}, breaks=[20])) as site:
        monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", site.url + "/")
        records = read_records("ag-news", text="title")
        assert (site.asked, CORPORA["ag-news"].state()) == ([], "not downloaded")
        first = list(records)
        assert first == list(records)
        assert site.asked == [None, "bytes=20-"]
    assert first == [
        Record("Oil rises", {"label": "Business"}),
        Record("New phone", {"label": "Sci/Tech"}),
        Record("Talks", {"label": "World"}),
    ]
    assert CORPORA["ag-news"].state() == "cached"
    assert (home / "cache" / "ag-news" / "train.csv").read_bytes() == ROWS
    joined = read_records("ag-news", text=["title", "description"], context="description")
    assert list(joined)[1] == Record('New phone It\'s "smart"', {"description": 'It\'s "smart"'})


@pytest.mark.usefixtures("small")
def test_a_spoiled_cache_is_fetched_again(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept = home / "cache" / "ag-news" / "train.csv"
    kept.parent.mkdir(parents=True)
    kept.write_bytes(ROWS[::-1])
    seen: list[int] = []
    with serve(Site({"/train.csv": ROWS})) as site:
        monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", site.url)
        CORPORA["ag-news"].prepare(lambda here, _: seen.append(here))
    assert kept.read_bytes() == ROWS
    assert seen[-1] == len(ROWS)


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("name", ["train.csv", "ag_news_train.csv"])
def test_a_folder_of_the_users_is_read_in_place(
    home: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    (home / name).write_bytes(ROWS)
    monkeypatch.setenv("UNSPOOL_AG_NEWS", str(home))
    assert CORPORA["ag-news"].state() == "local folder"
    assert len(list(read_records("ag-news"))) == 3
    assert not (home / "cache").exists()
    (home / name).write_bytes(ROWS + b"\n")
    with pytest.raises(DownloadError, match=r"not the file that was published: .*as any other CSV file"):
        list(read_records("ag-news"))
    (home / name).unlink()
    with pytest.raises(CorpusError, match="has no AG News: expected train"):
        list(read_records("ag-news"))


@pytest.mark.usefixtures("small")
def test_without_a_network_it_says_what_to_do(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", "http://127.0.0.1:9")
    with pytest.raises(DownloadError, match=r"set UNSPOOL_AG_NEWS to a folder that has train\.csv"):
        ag_news.locate(LOCAL, patience=Patience(attempts=1))


@pytest.mark.usefixtures("small")
def test_a_page_that_is_gone_and_a_wrong_sum(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    with serve(Site({"/wrong/train.csv": ROWS[::-1]})) as site:
        monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", site.url)
        with pytest.raises(DownloadError, match="answers 404"):
            list(read_records("ag-news"))
        monkeypatch.setenv("UNSPOOL_AG_NEWS_URL", site.url + "/wrong")
        with pytest.raises(DownloadError, match="MD5"):
            list(read_records("ag-news"))
    assert list((home / "cache" / "ag-news").iterdir()) == []


@pytest.mark.data
def test_the_published_test_part(data_dir: Path, home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    shutil.copy(data_dir / "ag_news_test.csv", home)
    monkeypatch.setenv("UNSPOOL_AG_NEWS", str(home))
    records = list(read_records("ag-news-test"))
    assert len(records) == 7600
    assert records[0] == Record("Fears for T N pension after talks", {"label": "Business"})
