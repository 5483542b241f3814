"""Encoded corpora kept on disk, so that the next run on the same files need not read them again.

::

    CACHE/encoded/DIGEST/
        entry.json            what it was made of, and what the other files must hold
        ...                   the files of `stream_files`

An entry is found by all that decides what stands in it: the files with their sizes and times, how they are
read, what is held out, the tokenizer. It takes its name when it is whole. Its files are mapped, not read into
memory.
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

from unspool.errors import ConfigError
from unspool.text.corpora.ag_news import cache_folder
from unspool.text.encoding.corpus_files import FORMAT, load_corpus, save_corpus
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.records import Records

ENTRY = "entry.json"
LEAST_SOURCE = 1 << 24  # bytes; less than that is encoded in about a second
GIGABYTE = 10**9
DEFAULT_LIMIT = 20.0  # gigabytes
ABANDONED = 24 * 3600  # seconds after which a half-written entry is no longer being written


@dataclass(frozen=True)
class CacheEntry:
    """Describe an entry for people.

    Args:
        path: Its folder.
        description: The files that it was made of.
        size: Its bytes.
        used: When it was last used, in seconds since 1970.
    """

    path: Path
    description: str
    size: int
    used: float


class StreamCache:
    """Keep encoded corpora in a folder of limited size.

    Args:
        folder: Where; None for ``encoded`` in the folder that ``UNSPOOL_CACHE`` names, or in the platform's
            own for caches.
        limit: Most bytes that all entries take together, the one used longest ago going first; 0 keeps
            nothing. None asks ``UNSPOOL_CACHE_LIMIT``, which is in gigabytes.

    Raises:
        ConfigError: If ``UNSPOOL_CACHE_LIMIT`` is no number.
    """

    def __init__(self, folder: Path | None = None, *, limit: int | None = None) -> None:
        self.folder = folder or cache_folder() / "encoded"
        self.limit = _limit_from_environment() if limit is None else limit

    def entries(self) -> list[CacheEntry]:
        """List what is kept, what was used last first."""
        found = []
        for path in self._folders():
            with contextlib.suppress(OSError, ValueError, KeyError):
                facts = json.loads((path / ENTRY).read_text("utf-8"))
                size = sum(file.stat().st_size for file in path.iterdir())
                used = (path / ENTRY).stat().st_mtime
                found.append(CacheEntry(path, str(facts["description"]), size, used))
        return sorted(found, key=lambda entry: -entry.used)

    def clear(self) -> int:
        """Remove everything; runs that read from it now go on undisturbed.

        Returns:
            How many bytes that has freed.
        """
        freed = sum(entry.size for entry in self.entries())
        for path in self._folders():
            _remove(path)
        self._remove_abandoned(age=0)
        return freed

    def find(self, key: str) -> EncodedCorpus | None:
        """Give what is kept under a key, or None if there is nothing.

        Raises:
            ValueError: If it is damaged; it is removed then.
        """
        for path in self._folders():
            try:
                facts = json.loads((path / ENTRY).read_text("utf-8"))
                if key not in facts["keys"]:
                    continue
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
        """Keep a corpus, and give it back as it is read from the cache.

        Args:
            corpus: What to keep.
            keys: What it is found by; the first also names it.
            description: What it was made of, for people.

        Raises:
            OSError: If it cannot be written, a full disk for one.
            ValueError: If it is larger than all the cache may be.
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
            facts = save_corpus(temporary, corpus) | {"keys": keys, "description": description}
            (temporary / ENTRY).write_text(json.dumps(facts), "utf-8")
            with contextlib.suppress(OSError):  # another process was first: it has kept the same
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
        """Remove what killed processes have left half-written."""
        for path in self.folder.glob(".*.tmp"):
            with contextlib.suppress(OSError):
                if time.time() - path.stat().st_mtime >= age:
                    shutil.rmtree(path)


def reused(
    make: Callable[[], EncodedCorpus], sources: Sequence[Records], recipe: EncodingRecipe
) -> EncodedCorpus:
    """Take an encoded corpus from the cache, or make it and keep it for the next run.

    It is kept under two names: that of its recipe, and that of a run that goes on with its tokenizer.

    Args:
        make: Encodes the corpus.
        sources: What it reads.
        recipe: How it encodes.

    Returns:
        The corpus; its note says where it came from, or why it was not kept. What is too small for the cache,
        or no file, is made without a word.
    """
    named = cache_key(sources, recipe)
    if named is None or not (cache := StreamCache()).limit:
        return make()
    key, description = named
    notes = []
    try:
        found = cache.find(key)
        if found is not None:
            return replace(found, note="taken from the cache (unspool cache)")
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
    """Name what is made of some files, by everything that decides it.

    Args:
        sources: What is read, each from files.
        recipe: How it is encoded.

    Returns:
        A digest, and the sources for people; None if they are small, or may not be kept.
    """
    facts: list[object] = []
    total, names = 0, []
    for records in sources:
        if records.files is None:
            return None
        try:
            states = [(str(path.absolute()), path.stat()) for path in records.files()]
        except OSError:
            return None  # who reads it will say what is wrong
        facts += [records.spec, [(name, state.st_size, state.st_mtime_ns) for name, state in states]]
        total += sum(state.st_size for _, state in states)
        names.append(str(records.spec["source"]))
    if total < LEAST_SOURCE:
        return None
    facts += [FORMAT, unicodedata.unidata_version, recipe.to_json()]
    digest = hashlib.blake2b(json.dumps(facts, sort_keys=True).encode(), digest_size=16).hexdigest()
    return digest, " and ".join(names)


def _limit_from_environment() -> int:
    given = os.environ.get("UNSPOOL_CACHE_LIMIT") or str(DEFAULT_LIMIT)
    try:
        gigabytes = float(given)
    except ValueError:
        gigabytes = -1
    if not 0 <= gigabytes < 1e9:
        what = "environment variable UNSPOOL_CACHE_LIMIT"
        raise ConfigError(what, expected="gigabytes, 0 to keep nothing", got=repr(given))
    return int(gigabytes * GIGABYTE)


def _remove(path: Path) -> None:
    """Remove an entry: first its name, so that nobody finds half of it."""
    gone = path.with_name(f".{path.name}.{secrets.token_hex(6)}.tmp")
    with contextlib.suppress(OSError):
        path.rename(gone)
        shutil.rmtree(gone)
