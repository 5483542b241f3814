"""Fetch one file over HTTP: go on where it stopped, try again, and check what came."""

import hashlib
import os
import re
import time
from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import TYPE_CHECKING

from unspool.errors import DownloadError
from unspool.storage import sync_folder

if TYPE_CHECKING:
    import http.client

CHUNK = 1 << 16  # bytes
GIVEN_UP = frozenset({400, 401, 403, 404, 405, 410, 451})  # answers that do not change by asking again
RANGE_REFUSED = 416

ReportBytes = Callable[[int, int], None]  # bytes that are here, bytes in all


@dataclass(frozen=True)
class RemoteFile:
    """Describe a file that was published.

    Args:
        url: Where it is.
        size: Its bytes.
        md5: Its MD5, in hexadecimal digits.
    """

    url: str
    size: int
    md5: str


@dataclass(frozen=True)
class Patience:
    """Say how long a download is tried.

    Args:
        attempts: Connections made in all, 1 or more.
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

    What has come is kept beside the target under the name of the target with ``.part``, so that the next
    attempt, in this run or a later one, asks the server only for the rest. A server that sends the whole
    file anyway is understood. The target appears only when the size and the MD5 are right.

    Args:
        remote: What to fetch.
        target: Where to put it; its folder is made.
        advice: What the user can do where the network cannot be used, for messages.
        patience: How long to try.
        report: Called with the bytes that are here and the bytes in all, after each piece.

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
        raise DownloadError(f"{target} cannot be written", got=str(error), hint=advice) from error


def is_complete(path: Path, remote: RemoteFile) -> bool:
    """Tell whether a file is there with the size and the MD5 that were published."""
    return path.is_file() and path.stat().st_size == remote.size and md5_of(path) == remote.md5


def md5_of(path: Path) -> str:
    """Compute a file's MD5, in hexadecimal digits."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, lambda: hashlib.md5(usedforsecurity=False)).hexdigest()


def _fetch_part(
    remote: RemoteFile, part: Path, advice: str, patience: Patience, report: ReportBytes | None
) -> None:
    """Fill the partial file until it is right, or raise what was wrong with the last attempt."""
    failure = ""
    for attempt in range(patience.attempts):
        if attempt:
            time.sleep(patience.pause * 2 ** (attempt - 1))
        resumed = _size(part) > 0
        failure = _attempt(remote, part, advice, patience.timeout, report)
        if failure or _size(part) < remote.size:
            continue
        found = (_size(part), md5_of(part))
        if found == (remote.size, remote.md5):
            return
        part.unlink()  # kept, it would spoil every later attempt
        if not resumed:  # a resumed file may be made of two versions; a fresh one is simply another file
            raise _not_what_was_published(remote, f"{found[0]:,} bytes with MD5 {found[1]}", advice)
        failure = "a file that is not what was published"
    expected = f"{remote.size:,} bytes"
    got = failure or f"an end after {_size(part):,}"
    raise DownloadError(f"cannot download {remote.url}", expected=expected, got=got, hint=advice)


def _attempt(remote: RemoteFile, part: Path, advice: str, timeout: float, report: ReportBytes | None) -> str:
    """Ask once for what is missing; give back what went wrong, or nothing if the server sent all it had."""
    # Imported here because an HTTP client takes longer to import than all the rest of unspool.
    import http.client  # noqa: PLC0415
    import urllib.error  # noqa: PLC0415
    import urllib.request  # noqa: PLC0415

    here = _size(part)
    if here >= remote.size:
        return ""
    request = urllib.request.Request(remote.url, headers={"User-Agent": "unspool"})
    if here:
        request.add_header("Range", f"bytes={here}-")
    try:
        with urllib.request.urlopen(request, timeout=timeout) as response:
            whole = response.status == HTTPStatus.OK
            if whole and response.length not in (None, remote.size):  # the page of a captive portal, say
                part.unlink(missing_ok=True)
                raise _not_what_was_published(remote, f"{response.length:,} bytes", advice)
            _receive(response, part, here, remote.size, report)
    except urllib.error.HTTPError as error:
        error.close()
        if error.code == RANGE_REFUSED:
            part.unlink(missing_ok=True)
        if error.code in GIVEN_UP:
            answer = f"{error.code} {error.reason}"
            raise DownloadError(f"cannot download {remote.url}", got=answer, hint=advice) from None
        return f"{error.code} {error.reason}"
    except (http.client.HTTPException, urllib.error.URLError, ConnectionError, TimeoutError) as error:
        return str(getattr(error, "reason", "") or error) or type(error).__name__
    return ""


def _receive(
    response: "http.client.HTTPResponse", part: Path, here: int, size: int, report: ReportBytes | None
) -> None:
    """Append what the server sends, or start anew if it sends the file from its beginning."""
    start = re.match(r"bytes (\d+)-", response.headers.get("Content-Range", ""))
    goes_on = response.status == HTTPStatus.PARTIAL_CONTENT and start and int(start[1]) == here
    done = here if goes_on else 0
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


def _not_what_was_published(remote: RemoteFile, found: str, advice: str) -> DownloadError:
    return DownloadError(
        f"{remote.url} is not the file that was published",
        expected=f"{remote.size:,} bytes with MD5 {remote.md5}",
        got=f"{found}; nothing of it was kept",
        hint=advice,
    )
