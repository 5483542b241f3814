"""The one door for texts: what a function takes that reads a corpus, from a list to a file."""

from collections.abc import Mapping, Sequence
from inspect import signature
from pathlib import Path
from typing import Any, TypeAlias

from unspool._errors import ConfigError, CorpusError
from unspool._storage import is_missing
from unspool._text.corpora.registry import CORPORA
from unspool._text.frames import TableInMemory
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._text.reading.sources import CORPUS_PREFIX, read_records
from unspool._text.records import Records, Texts

READING = tuple(name for name in signature(read_records).parameters if name != "source")
Readable: TypeAlias = Texts | str | Path | TableInMemory


def as_records(
    texts: Readable, reading: Mapping[str, Any] | None = None, *, what: str = "records"
) -> Records:
    """Return the records of texts in memory, of a table, a file, standard input or a named corpus.

    Args:
        texts: Records, which stay as they are; a path, ``-`` or the name of a corpus; a list of `Path`; or
            what `read_records` takes from memory.
        reading: The options of `read_records`.
        what: The name of the argument, for messages.

    Raises:
        ConfigError: If records come with options.
        CorpusError: If it is nothing that has texts, or one string that is no file.
    """
    options = dict(reading or {})
    if isinstance(texts, Records):
        for name in options:
            hint = f"say it where they are read: read_records(..., {name}=...)"
            raise ConfigError(f"{name} does not work with Records, which are read already", hint=hint)
        return texts
    if isinstance(texts, str):
        _refuse_no_file(texts, what)
    elif isinstance(texts, list | tuple) and not _are_paths(texts):
        texts = iter(texts)  # texts, where `read_records` takes a list of strings for paths
    return read_records(texts, **options)


def held_out_records(validation: Readable | None, reading: Mapping[str, Any]) -> Records | None:
    """Return the records of held-out texts, if there are any, which are read as the texts to learn from.

    Args:
        validation: The texts, as `as_records` takes them; Records are read already. None for none.
        reading: The options by which the texts to learn from are read.
    """
    if validation is None or isinstance(validation, Records):
        return validation
    return as_records(validation, reading, what="validation")


def _are_paths(texts: Sequence[object]) -> bool:
    return bool(texts) and all(isinstance(text, Path) for text in texts)


def _refuse_no_file(text: str, what: str) -> None:
    """Refuse one string that is neither a file nor the name of a corpus.

    Raises:
        CorpusError: If it is one.
    """
    if text == STANDARD_INPUT or text in CORPORA or text.startswith(CORPUS_PREFIX) or not is_missing(text):
        return
    hint = "one text: [text]"
    if what != "texts":
        hint = 'a file: train("names.txt"); one text: train([text], document=True)'
    got = f"one string, {text[:60]!r}, which is no file"
    raise CorpusError(what, expected="a list of strings, or a file", got=got, hint=hint)
