"""Download one file over HTTP: resume an unfinished download, try again, and check the result."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from unspool._errors import DownloadError
from unspool._system import sync_folder

if TYPE_CHECKING:
    import http.client

CHUNK = 1 << 16  # bytes
GIVEN_UP = frozenset({400, 401, 403, 404, 405, 410, 451})  # answers after which a new attempt is useless
RANGE_REFUSED = 416

ReportBytes = Callable[[int, int], None]  # bytes received so far, bytes in total


@dataclass(frozen=True)
class RemoteFile:
    """A published file.

    Args:
        url: Its address.
        size: Its size in bytes.
        md5: Its MD5 checksum, in hexadecimal digits.
    """

    url: str
    size: int
    md5: str


@dataclass(frozen=True)
class Patience:
    """The number of attempts of a download, and their times.

    Args:
        attempts: Number of connections in total, 1 or more.
        timeout: Seconds without a byte after which a connection is given up.
        pause: Seconds before the second attempt; each later pause is twice as long.
    """

    attempts: int = 4
    timeout: float = 30.0
    pause: float = 1.0


PATIENCE = Patience()


def fetch(
    remote: RemoteFile,
    target: Path,
    *,
    advice: str,
    patience: Patience = PATIENCE,
    report: ReportBytes | None = None,
) -> None:
    """Download a file, check it, and put it in its place.

    The received part is stored beside the target, under the name of the target with ``.part``. So the next
    attempt, in this run or a later one, asks the server only for the rest. A server may also send the whole
    file again. The target appears only when the size and the MD5 are right.

    Args:
        remote: The file to download.
        target: The path of the result; its folder is made.
        advice: Advice for a user whose network cannot be used, for messages.
        patience: How long the download is tried.
        report: A function that is called after each piece, with the bytes received so far and the bytes in
            total.

    Raises:
        DownloadError: If the server cannot be reached, refuses, or sends something else.
    """
    part = target.with_name(target.name + ".part")
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        _fetch_part(remote, part, advice, patience, report)
        part.replace(target)
        sync_folder(target.parent)
    except OSError as error:
        hint = "free some disk space, or name another folder: UNSPOOL_CACHE=FOLDER"
        got = error.strerror or str(error)
        raise DownloadError(f"{target} cannot be written", got=got, hint=hint) from error


def is_complete(path: Path, remote: RemoteFile) -> bool:
    """Return whether a file exists with the published size and MD5."""
    return path.is_file() and path.stat().st_size == remote.size and md5_of(path) == remote.md5


def md5_of(path: Path) -> str:
    """Return a file's MD5, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch_part(
    remote: RemoteFile, part: Path, advice: str, patience: Patience, report: ReportBytes | None
) -> None:
    """Complete the partial file, or raise the error of the last attempt."""
    failure = ""
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause * 2 ** (attempt - 1))
        resumed = _size(part) > 0
        failure = _attempt(remote, part, advice, patience.timeout, report)
        if failure or _size(part) < remote.size:
            continue
        result = (_size(part), md5_of(part))
        if result == (remote.size, remote.md5):
            return
        part.unlink()  # it would spoil every later attempt
        if not resumed:  # a resumed file may be made of two versions; a fresh one is simply another file
            raise _not_what_was_published(remote, f"{result[0]:,} bytes with MD5 {result[1]}", advice)
        failure = "the file differs from the published one"
    if failure:
        raise DownloadError(f"cannot download {remote.url}: {failure}", hint=advice)
    expected, got = f"{remote.size:,} bytes", f"only {_size(part):,}"
    raise DownloadError(f"cannot download {remote.url}", expected=expected, got=got, hint=advice)


def _attempt(remote: RemoteFile, part: Path, advice: str, timeout: float, report: ReportBytes | None) -> str:
    """Request the missing bytes once; return what went wrong, or nothing if the server sent all it had."""
    # Imported here because an HTTP client takes longer to import than all the rest of unspool.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    received = _size(part)
    if received >= remote.size:
        return ""
    request = urllib.request.Request(remote.url, headers={"User-Agent": "unspool"})
    if received:
        request.add_header("Range", f"bytes={received}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            whole = response.status == HTTPStatus.OK
            if whole and response.length not in (None, remote.size):  # the page of a captive portal, say
                part.unlink(missing_ok=True)
                raise _not_what_was_published(remote, f"{response.length:,} bytes", advice)
            _receive(response, part, received, remote.size, report)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_REFUSED:
            part.unlink(missing_ok=True)
        if error.code in GIVEN_UP:
            answer = f"the server answers {error.code} {error.reason}"
            raise DownloadError(f"cannot download {remote.url}: {answer}", hint=advice) from None
        return f"the server answers {error.code} {error.reason}"
    except (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError) as error:
        return _in_words(getattr(error, "reason", error))
    return ""


def _in_words(reason: object) -> str:
    """Return why there is no answer from a server, without the numbers of the system."""
    import socket  # noqa: PLC0415 - urllib.request has imported it

    words = str(getattr(reason, "strerror", None) or reason or type(reason).__name__)
    failed = "no network connection" if isinstance(reason, socket.gaierror) else "the connection failed"
    return f"{failed} ({words[:1].lower()}{words[1:]})"


def _receive(
    response: "http.client.HTTPResponse", part: Path, received: int, size: int, report: ReportBytes | None
) -> None:
    """Append the server's bytes, or start again if it sends the file from its beginning."""
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    goes_on = response.status == HTTPStatus.PARTIAL_CONTENT and start and int(start[1]) == received
    done = received if goes_on else 0
    with part.open("ab" if goes_on else "wb") as file:
        while done <= size and (data := response.read1(CHUNK)):
            file.write(data)
            done += len(data)
            if report:
                report(min(done, size), size)
        file.flush()
        os.fsync(file.fileno())


def _size(path: Path) -> int:
    return path.stat().st_size if path.is_file() else 0


def _not_what_was_published(remote: RemoteFile, received: str, advice: str) -> DownloadError:
    return DownloadError(
        f"{remote.url} is not the file that was published",
        expected=f"{remote.size:,} bytes with MD5 {remote.md5}",
        got=f"{received}; it was deleted",
        hint=advice,
    )
