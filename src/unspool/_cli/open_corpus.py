"""The opening of a corpus for a command, with the download of a named corpus that is missing."""

import sys
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import click

from unspool._cli.output.printing import note
from unspool._screen.wording import one_line, size

if TYPE_CHECKING:
    from unspool._text.records import Records


def open_corpus(source: str | Sequence[str], reading: Mapping[str, Any]) -> "Records":
    """Return the records of paths, ``-`` or a named corpus; what is said about them goes to standard error.

    Args:
        source: The path or the name, as the user wrote it, or several paths.
        reading: The reading flags that were given.

    Raises:
        CorpusError: If there is no such corpus, or an option does not fit it.
    """
    from unspool._text.corpora.registry import CORPORA
    from unspool._text.reading.sources import CORPUS_PREFIX, read_records

    records = read_records(source, **reading)
    records.notes.report = say_once
    name = str(records.spec.get("source", "")).removeprefix(CORPUS_PREFIX)
    if name in CORPORA:
        download = Download(name)
        CORPORA[name].prepare(download.report)
        download.close()
    return records


def say_once(sentence: str) -> None:
    """Print a sentence on standard error, unless this command has printed it before."""
    context = click.get_current_context(silent=True)
    said: set[str] = set() if context is None else context.meta.setdefault(__name__, set())
    if sentence not in said:
        said.add(sentence)
        note(one_line(sentence))


class Download:
    """The progress of a download on standard error: in place on a terminal, else after every tenth.

    Args:
        name: The name of the corpus, for people.
    """

    def __init__(self, name: str) -> None:
        self._name = name
        self._live = sys.stderr.isatty()
        self._tenth = -1

    def report(self, done: int, total: int) -> None:
        """Show the progress.

        Args:
            done: Number of bytes downloaded.
            total: Number of bytes to download.
        """
        tenth = done * (100 if self._live else 10) // max(1, total)
        if tenth == self._tenth:
            return
        self._tenth = tenth
        end = "" if self._live else "\n"
        start = "\r" if self._live else ""
        text = f"{start}downloading {self._name}: {size(done)} of {size(total)}"
        print(text, end=end, file=sys.stderr, flush=True)

    def close(self) -> None:
        """End the line that was drawn in place."""
        if self._live and self._tenth >= 0:
            print(file=sys.stderr)
