"""Encoded corpora on disk, so that the next run does not need to read the same files again.

::

    CACHE/encoded/DIGEST/
        entry.json            the sources, and the facts that the other files must match; its own fingerprint
        ...                   the files of `stream_files`

The key of an entry depends on all that decides its content: the files with their sizes and times, the options
of reading, the held-out texts, and the tokenizer. An entry gets its name when it is complete. Its files are
mapped, not read into memory.
"""

import contextlib
import hashlib
import json
import os
import secrets
import shutil
import time
import unicodedata
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from unspool._errors import ConfigError, spelled
from unspool._json_files import fingerprint, json_text, read_json
from unspool._text.corpora.ag_news import cache_folder
from unspool._text.encoding.corpus_files import FORMAT, load_corpus, save_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

ENTRY, CHECKSUM = "entry.json", "fingerprint"
LEAST_SOURCE = 1 << 24  # bytes; a smaller source is encoded in about a second
GIGABYTE = 10**9
DEFAULT_LIMIT = 20.0  # gigabytes
ABANDONED = 24 * 3600  # seconds after which an unfinished entry counts as abandoned


@dataclass(frozen=True)
class CacheEntry:
    """An entry of the cache.

    Args:
        path: The folder of the entry.
        description: The files that it was made from, for people.
        size: Size in bytes.
        used: Time of the last use, in seconds since 1970.
    """

    path: Path
    description: str
    size: int
    used: float


class StreamCache:
    """A cache of encoded corpora in a folder of limited size.

    Args:
        folder: The folder; None for ``encoded`` in the folder that ``UNSPOOL_CACHE`` names, or in the
            platform's folder for caches.
        limit: Greatest size of all entries together, in bytes; the entry that was not used for the longest
            time is removed first. 0 stores nothing. None reads ``UNSPOOL_CACHE_LIMIT``, in gigabytes.

    Raises:
        ConfigError: If ``UNSPOOL_CACHE_LIMIT`` is not a number ≥ 0.
    """

    def __init__(self, folder: Path | None = None, *, limit: int | None = None) -> None:
        self.folder = folder or cache_folder() / "encoded"
        self.limit = _limit_from_environment() if limit is None else limit

    def entries(self) -> list[CacheEntry]:
        """List the entries, the last used first."""
        entries = []
        for path in self._folders():
            with contextlib.suppress(OSError, ValueError, KeyError):
                facts = read_json(path / ENTRY)
                size = sum(file.stat().st_size for file in path.iterdir())
                used = (path / ENTRY).stat().st_mtime
                entries.append(CacheEntry(path, str(facts["description"]), size, used))
        return sorted(entries, key=lambda entry: -entry.used)

    def clear(self) -> int:
        """Remove all entries; a run that reads one of them now is not disturbed.

        Returns:
            The number of bytes that were freed.
        """
        freed = sum(entry.size for entry in self.entries())
        for path in self._folders():
            _remove(path)
        self._remove_abandoned(age=0)
        return freed

    def find(self, key: str) -> EncodedCorpus | None:
        """Find the corpus of a key; return None if there is none.

        Raises:
            ValueError: If its entry is damaged; the entry is removed.
        """
        for path in self._folders():
            try:
                facts = read_json(path / ENTRY)
                if key not in facts["keys"]:
                    continue
                if facts.pop(CHECKSUM) != fingerprint(facts):
                    raise ValueError(f"{ENTRY} is not what was written")
                corpus = load_corpus(path, facts)
                os.utime(path / ENTRY)
            except (OSError, ValueError, KeyError, TypeError) as error:
                if not path.exists():  # another process has just removed it
                    continue
                _remove(path)
                raise ValueError(f"{path.name}: {error}") from error
            return corpus
        return None

    def keep(self, corpus: EncodedCorpus, keys: list[str], description: str) -> EncodedCorpus:
        """Store a corpus, and return it as it is read from the cache.

        Args:
            corpus: The corpus.
            keys: The keys by which it can be found; the first is also the name of the entry.
            description: The sources of the corpus, for people.

        Raises:
            OSError: If it cannot be written, for example because the disk is full.
            ValueError: If it is larger than the limit of the cache.
        """
        streams = (corpus.training, corpus.validation)
        size = sum(array.nbytes for stream in streams for array in (stream.ids, stream.starts))
        if size > self.limit:
            raise ValueError(f"it takes {size / GIGABYTE:.1f} GB of at most {self.limit / GIGABYTE:.1f}")
        self.folder.mkdir(parents=True, exist_ok=True)
        self._remove_abandoned(age=ABANDONED)
        self._make_room(size)
        target = self.folder / keys[0]
        temporary = self.folder / f".{keys[0]}.{secrets.token_hex(6)}.tmp"
        temporary.mkdir()
        try:
            facts = save_corpus(temporary, corpus) | {"keys": keys, "description": spelled(description)}
            sealed = {**facts, CHECKSUM: fingerprint(facts)}
            (temporary / ENTRY).write_bytes(json_text(sealed).encode())
            with contextlib.suppress(OSError):  # another process was first and stored the same
                temporary.rename(target)
            return load_corpus(target, facts)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)

    def _make_room(self, size: int) -> None:
        entries = self.entries()
        taken = sum(entry.size for entry in entries)
        while entries and taken + size > self.limit:
            last = entries.pop()
            taken -= last.size
            _remove(last.path)

    def _folders(self) -> list[Path]:
        if not self.folder.is_dir():
            return []
        return sorted(path for path in self.folder.iterdir() if not path.name.startswith("."))

    def _remove_abandoned(self, *, age: float) -> None:
        """Remove the unfinished entries of processes that were killed."""
        for path in self.folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= age:
                    shutil.rmtree(path)


def reused(
    make: Callable[[], EncodedCorpus], sources: Sequence[Records], recipe: EncodingRecipe
) -> EncodedCorpus:
    """Return an encoded corpus from the cache, or make it and store it for the next run.

    It is stored under two keys: the key of its recipe, and the key of a resumed run with its tokenizer.

    Args:
        make: Function that encodes the corpus.
        sources: The records that it reads.
        recipe: The encoding recipe.

    Returns:
        The corpus. Its note says that it came from the cache, or why it was not stored. A corpus that is too
        small for the cache, or not from files, has no note.
    """
    named = cache_key(sources, recipe)
    if named is None or not (cache := StreamCache()).limit:
        return make()
    key, description = named
    notes = []
    try:
        cached = cache.find(key)
        if cached is not None:
            return replace(cached, note="taken from the cache (unspool cache)")
    except ValueError as error:
        notes.append(f"what the cache had was damaged ({error}) and was made anew")
    corpus = make()
    also = cache_key(sources, recipe.continued(corpus.tokenizer))
    try:
        if also is None or cache_key(sources, recipe) != named:
            raise ValueError("the files have changed while they were read")
        corpus = cache.keep(corpus, [key, also[0]], description)
    except (OSError, ValueError) as error:
        notes.append(f"not kept for the next run: {error}")
    return replace(corpus, note="; ".join(notes) or None)


def cache_key(sources: Sequence[Records], recipe: EncodingRecipe) -> tuple[str, str] | None:
    """Compute the key of a corpus from all that decides its content.

    Args:
        sources: The records that are read.
        recipe: The encoding recipe.

    Returns:
        The key, and the sources for people; None if the sources are small or may not be cached.
    """
    facts: list[object] = []
    total, names = 0, []
    for records in sources:
        if records.files is None:
            return None
        try:
            states = [(str(path.absolute()), path.stat()) for path in records.files()]
        except OSError:
            return None  # the reader reports the error
        facts += [records.spec, [(name, state.st_size, state.st_mtime_ns) for name, state in states]]
        total += sum(state.st_size for _, state in states)
        source = records.spec["source"]
        names.append(source if isinstance(source, str) else ", ".join(map(str, source)))  # type: ignore[call-overload]
    if total < LEAST_SOURCE:
        return None
    facts += [FORMAT, unicodedata.unidata_version, recipe.to_json()]
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()
    return digest, " and ".join(names)


def _limit_from_environment() -> int:
    text = os.environ.get("UNSPOOL_CACHE_LIMIT") or str(DEFAULT_LIMIT)
    try:
        gigabytes = float(text)
    except ValueError:
        gigabytes = -1
    if not 0 <= gigabytes < 1e9:
        what = "environment variable UNSPOOL_CACHE_LIMIT"
        raise ConfigError(what, expected="gigabytes, 0 to keep nothing", got=repr(text))
    return int(gigabytes * GIGABYTE)


def _remove(path: Path) -> None:
    """Remove an entry; it loses its name first, so that no process finds a part of it."""
    gone = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with contextlib.suppress(OSError):
        path.rename(gone)
        shutil.rmtree(gone)
