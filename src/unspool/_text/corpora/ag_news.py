"""AG News: 127,600 news titles and descriptions in four classes, downloaded when they are first read.

The files are the ones that text classification has used since Zhang, Zhao and LeCun, "Character-level
Convolutional Networks for Text Classification" (2015), with the sizes and checksums that torchtext checks.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import platformdirs

from unspool._errors import CorpusError, DownloadError
from unspool._text.corpora.downloads import PATIENCE, Patience, RemoteFile, ReportBytes, fetch, is_complete
from unspool._text.reading.places import file_place
from unspool._text.reading.tables import table_rows

ADDRESS = "https://raw.githubusercontent.com/mhjabreel/CharCnn_Keras/master/data/ag_news_csv"
LABELS = {"1": "World", "2": "Sports", "3": "Business", "4": "Sci/Tech"}
COLUMNS = ("label", "title", "description")


@dataclass(frozen=True)
class CorpusPart:
    """One of the two files.

    Args:
        file_name: Its published name; in a folder of the user it may have ``ag_news_`` in front.
        size: Its size in bytes.
        md5: Its MD5 checksum.
    """

    file_name: str
    size: int
    md5: str


TRAIN = CorpusPart("train.csv", 29_470_338, "b1a00f826fdfbd249f79597b59e1dc12")
TEST = CorpusPart("test.csv", 1_857_427, "d52ea96a97a2d943681189a97654912d")


def cache_folder() -> Path:
    """Return the folder for downloads: ``UNSPOOL_CACHE``, or the platform's folder for caches."""
    return Path(os.environ.get("UNSPOOL_CACHE") or platformdirs.user_cache_path("unspool"))


def locate(
    part: CorpusPart,
    *,
    data_dir: Path | None = None,
    patience: Patience = PATIENCE,
    report: ReportBytes | None = None,
) -> Path:
    """Return the path of one file: in a folder of the user, in the cache, or else downloaded.

    Args:
        part: `TRAIN` or `TEST`.
        data_dir: A folder that has the file; None for the folder in ``UNSPOOL_AG_NEWS``.
        patience: How long a download is tried. ``UNSPOOL_AG_NEWS_URL`` is another address to try.
        report: A function that is called while the download goes on.

    Returns:
        The path of the file, with the published size and MD5.

    Raises:
        CorpusError: If the folder does not have the file, or has another one.
        DownloadError: If it cannot be downloaded.
    """
    folder = data_dir or _users_folder()
    if folder:
        return _in_folder(part, folder)
    cached = _cached(part)
    remote = _remote(part)
    if not is_complete(cached, remote):
        advice = (
            f"connect to the network, or set UNSPOOL_AG_NEWS to a folder that has {part.file_name}, "
            "or train on the corpus 'docstrings', which needs no download"
        )
        fetch(remote, cached, advice=advice, patience=patience, report=report)
    return cached


def rows(part: CorpusPart) -> Iterator[list[str]]:
    """Yield (label, title, description) of each text, with the name of the label.

    Raises:
        CorpusError: If the file cannot be read or downloaded.
    """
    for _, (label, title, description) in table_rows(file_place(locate(part)), ","):
        yield [LABELS[label], title, description]


def state(part: CorpusPart) -> str:
    """Return the place of the file: ``local folder``, ``cached`` or ``not downloaded``."""
    if _users_folder():
        return "local folder"
    path = _cached(part)
    return "cached" if path.is_file() and path.stat().st_size == part.size else "not downloaded"


def _users_folder() -> Path | None:
    folder = os.environ.get("UNSPOOL_AG_NEWS")
    return Path(folder) if folder else None


def _cached(part: CorpusPart) -> Path:
    return cache_folder() / "ag-news" / part.file_name


def _remote(part: CorpusPart) -> RemoteFile:
    address = os.environ.get("UNSPOOL_AG_NEWS_URL") or ADDRESS
    return RemoteFile(f"{address.rstrip('/')}/{part.file_name}", part.size, part.md5)


def _in_folder(part: CorpusPart, folder: Path) -> Path:
    names = (part.file_name, f"ag_news_{part.file_name}")
    path = next((folder / name for name in names if (folder / name).is_file()), None)
    if path is None:
        raise CorpusError(f"{folder} has no AG News", expected=f"{names[0]} or {names[1]} in it")
    if not is_complete(path, _remote(part)):
        raise DownloadError(
            f"{path} is not the file that was published",
            expected=f"{part.size:,} bytes with MD5 {part.md5}",
            hint=f"read it as any other CSV file: {path} instead of ag-news",
        )
    return path
