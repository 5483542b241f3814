"""The texts that were uploaded: files that are named by a hash of their content.

::

    RUNS/.corpora/0f4c…9a.csv      the content, with a suffix of `SOURCES`
    RUNS/.corpora/0f4c…9a.facts    what its owner calls it, in JSON; its time is that of the last use

A file gets its name when it is whole and on the disk. An upload that no training names goes a week after its
last use, or earlier if a new one needs its place.
"""

import hashlib
import re
import secrets
import shutil
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO, Self

from unspool._configuration import from_dict, to_dict
from unspool._errors import InputError
from unspool._json_files import json_text, read_json
from unspool._screen.wording import one_line, size
from unspool._serving.refusals import RefusedError
from unspool._storage import atomic_file, atomic_write, is_torn
from unspool._system import replace
from unspool._text.reading.decoding import STRANGE_STARTS
from unspool._text.reading.sources import SOURCES

FOLDER = ".corpora"  # in the folder of the runs; hidden, so that it is no run
FACTS = ".facts"
PASTED = "pasted text"
ID = re.compile("[0-9a-f]{32}")
LONGEST_NAME = 80  # characters of a name that are kept
MAGIC = {b"PAR1": "parquet", b"ARROW1": "feather"}  # formats that are known by their first bytes
LONGEST_START = max(map(len, STRANGE_STARTS))
FORMAT_VERSION = 1

MOST_KEPT = 4  # times as much is kept of all uploads that no training names
KEPT_SECONDS = 7 * 24 * 3600.0
RESERVE = 64 << 20  # bytes of the disk that no upload takes


@dataclass(frozen=True)
class UploadFacts:
    """The facts that are stored beside an upload.

    Args:
        format_version: Version of the format of the file.
        name: What its owner calls it; it is shown, and is never a path.
    """

    format_version: int
    name: str


@dataclass(frozen=True)
class Upload:
    """A text that was uploaded.

    Args:
        id: The hash of its content, in hexadecimal digits.
        path: The file.
        name: What its owner calls it.
        bytes: Its size.
        used: When it was used last, in seconds since 1970.
    """

    id: str
    path: Path
    name: str
    bytes: int
    used: float


class Uploads:
    """The uploads in a folder.

    Args:
        folder: The folder, which is made by the first upload.
        named: Function that returns the ids that trainings name, which are kept.
        most_bytes: Greatest size of an upload.
    """

    def __init__(self, folder: Path, named: Callable[[], set[str]], *, most_bytes: int) -> None:
        self.folder, self.most_bytes = folder, most_bytes
        self._named, self._lock = named, threading.Lock()

    def all(self) -> dict[str, Upload]:
        """Return the uploads that are whole, by their ids."""
        found = {}
        with suppress(OSError):
            for path in self.folder.iterdir():
                if ID.fullmatch(path.name.split(".")[0]) and path.suffix != FACTS:
                    with suppress(OSError, InputError):
                        upload = _upload(path)
                        found[upload.id] = upload
        return found

    def find(self, identity: object) -> Upload:
        """Return the upload with an id, and note that it is used.

        Raises:
            RefusedError: If there is none.
        """
        upload = self.all().get(identity) if isinstance(identity, str) else None
        if upload is None:
            message = "there is no such text here: it was never uploaded, or was removed after a week"
            raise RefusedError(404, message, code="corpus_not_found", param="corpus")
        with suppress(OSError):
            _facts_of(upload.path).touch()
        return upload

    def remove(self, upload: Upload) -> None:
        """Remove an upload; its facts go first, without which it does not count."""
        with suppress(OSError):
            _facts_of(upload.path).unlink(missing_ok=True)
            upload.path.unlink(missing_ok=True)

    def begin(self, name: str, announced: int | None) -> "Receiver":
        """Begin to receive a text.

        Args:
            name: What its owner calls it, which tells its format by its end.
            announced: Its size in bytes, as far as it is known.

        Raises:
            RefusedError: If it is too large for the limit or the disk, or the folder cannot be written.
        """
        self.refuse_large(announced or 0)
        try:
            self.folder.mkdir(exist_ok=True)
            self.make_room(announced or 0)
            free = shutil.disk_usage(self.folder).free - RESERVE
            if (announced or 0) > free:
                raise _full(f"{size(max(0, free))} are left on the disk, and it has {size(announced or 0)}")
            return Receiver(self, _shown(name))
        except OSError as error:
            raise _full(f"the folder of the texts cannot be written: {error.strerror or error}") from None

    def refuse_large(self, count: int) -> None:
        """Refuse a text of too many bytes."""
        if count > self.most_bytes:
            message = f"the text is too large: at most {size(self.most_bytes)} ({self.most_bytes:,} bytes)"
            hint = "train it with `unspool train`, which has no limit"
            raise RefusedError(413, f"{message}; {hint}", code="corpus_too_large")

    def make_room(self, needed: int) -> None:
        """Remove what no training names: what is old, and the oldest until so many bytes have a place."""
        with self._lock:
            named, now = self._named(), time.time()
            free = [upload for upload in self.all().values() if upload.id not in named]
            kept = sum(upload.bytes for upload in free)
            for upload in sorted(free, key=lambda each: each.used):
                crowded = kept + needed > MOST_KEPT * self.most_bytes
                if crowded or now - upload.used > KEPT_SECONDS:
                    self.remove(upload)
                    kept -= upload.bytes
            self._remove_halves(now)

    def _remove_halves(self, now: float) -> None:
        """Remove what a killed server left: a content without facts, facts without their content."""
        whole = {upload.id for upload in self.all().values()}
        for path in self.folder.iterdir():
            with suppress(OSError):
                half = path.name.split(".")[0] not in whole and not is_torn(path.name)
                if half and now - path.stat().st_mtime > 3600:
                    path.unlink()


class Receiver:
    """A text that is being received; `finish` or `drop` ends it.

    Args:
        uploads: Where it goes.
        name: What its owner calls it.
    """

    def __init__(self, uploads: Uploads, name: str) -> None:
        self._uploads, self._name = uploads, name
        self._hash, self.bytes, self._start = hashlib.sha256(), 0, b""
        self._path = uploads.folder / f"upload-{secrets.token_hex(8)}"
        self._writing: AbstractContextManager[BinaryIO] = atomic_file(self._path)
        self._file = self._writing.__enter__()

    def add(self, block: bytes) -> None:
        """Take the next bytes.

        Raises:
            RefusedError: If there are too many, they are no text, or the disk is full.
        """
        self.bytes += len(block)
        self._uploads.refuse_large(self.bytes)
        self._start = (self._start + block)[:LONGEST_START] if self.bytes else b""
        _suffix_of(self._name, self._start)
        try:
            self._file.write(block)
        except OSError as error:
            raise _full(f"it could not be written: {error.strerror or error}") from None
        self._hash.update(block)

    def finish(self) -> Upload:
        """Store the text under its name, whole and on the disk.

        Raises:
            RefusedError: If it is empty or the disk is full.
        """
        if not self.bytes:
            self.drop()
            raise RefusedError(400, "the text is empty: nothing came", code="corpus_empty")
        suffix = _suffix_of(self._name, self._start)
        self._hash.update(suffix.encode())
        path = self._uploads.folder / f"{self._hash.hexdigest()[:32]}{suffix}"
        try:
            self._writing.__exit__(None, None, None)
            replace(self._path, path)
            facts = UploadFacts(FORMAT_VERSION, self._name)
            atomic_write(_facts_of(path), json_text(to_dict(facts)) + "\n")
            return _upload(path)
        except OSError as error:
            raise _full(f"it could not be written: {error.strerror or error}") from None

    def drop(self) -> None:
        """Remove what was received."""
        gone = InterruptedError("dropped")
        with suppress(InterruptedError, OSError):
            self._writing.__exit__(InterruptedError, gone, None)

    @contextmanager
    def dropped_on_error(self) -> Iterator[Self]:
        """Drop what was received if the body raises anything, also a cancellation."""
        try:
            yield self
        except BaseException:
            self.drop()
            raise


def _upload(path: Path) -> Upload:
    """Return the upload of a file.

    Raises:
        OSError: If the file or its facts are missing.
        InputError: If its facts are broken.
    """
    facts_path = _facts_of(path)
    facts = from_dict(UploadFacts, read_json(facts_path), where=FACTS)
    used = facts_path.stat().st_mtime
    return Upload(path.name.split(".")[0], path, facts.name, path.stat().st_size, used)


def _facts_of(path: Path) -> Path:
    return path.with_name(path.name.split(".")[0] + FACTS)


def _shown(name: str) -> str:
    """Return what a text is called when it is shown: the last part of a path, short, on one line."""
    last = one_line(re.split(r"[\\/]", name)[-1]).strip()
    if len(last) > LONGEST_NAME:  # the end tells the format
        last = f"{last[: LONGEST_NAME // 2]}…{last[-LONGEST_NAME // 2 + 1 :]}"
    return last or PASTED


def _suffix_of(name: str, start: bytes) -> str:
    """Return the suffix of the file of a text: that of its format, by its first bytes or its name.

    Raises:
        RefusedError: If the bytes are of something that is read by no format.
    """
    for magic, form in MAGIC.items():
        if start.startswith(magic):
            return SOURCES[form].suffixes[0]
    for magic, words in STRANGE_STARTS.items():
        if start.startswith(magic):
            raise RefusedError(415, f"{name}: {words}", code="corpus_is_no_text")
    plain = name.lower()
    packed = ".gz" if plain.endswith(".gz") else ""
    plain = plain.removesuffix(".gz")
    for source in SOURCES.values():
        if plain.endswith(source.suffixes):
            return source.suffixes[0] + ("" if source.binary else packed)
    return ".txt" + packed


def _full(message: str) -> RefusedError:
    return RefusedError(507, f"there is no place for the text: {message}", code="no_space")
