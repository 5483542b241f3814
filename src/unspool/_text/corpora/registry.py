"""Corpora with a name. To add one, write a function that yields its rows and add a row here."""

import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import partial

from unspool._text.corpora import ag_news
from unspool._text.corpora.docstrings import docstring_rows
from unspool._text.corpora.downloads import ReportBytes
from unspool._text.reading.columns import select
from unspool._text.reading.read_options import ReadOptions
from unspool._text.records import Record

ALGORITHMIC_NAMES = ("CJK UNIFIED IDEOGRAPH-", "CJK COMPATIBILITY IDEOGRAPH-", "HANGUL SYLLABLE ")


def _embedded() -> str:
    return "embedded"


def _nothing_to_prepare(report: ReportBytes | None) -> None:
    """Do nothing: the corpus is part of Python."""


@dataclass(frozen=True, kw_only=True)
class Corpus:
    """A named corpus.

    Args:
        name: Its name, as users write it.
        description: Its content, in a few words.
        size: How large it is, for people.
        licence: Its licence.
        columns: Its columns, in order.
        text: The column of the text, if the user chooses none.
        context: The columns of the context, if the user chooses none.
        rows: A function that starts a pass over its rows, each with a text for every column.
        state: A function that returns where it is now: ``embedded``, ``cached``, ``not downloaded`` or
            ``local folder``.
        prepare: A function that downloads missing files, and reports its progress.
    """

    name: str
    description: str
    size: str
    licence: str
    columns: tuple[str, ...]
    text: str
    context: tuple[str, ...]
    rows: Callable[[], Iterator[Sequence[str]]]
    state: Callable[[], str] = _embedded
    prepare: Callable[[ReportBytes | None], object] = _nothing_to_prepare

    def read(self, options: ReadOptions) -> Iterator[Record]:
        """Yield the records of the corpus.

        Args:
            options: The chosen columns; None chosen means the corpus's own.

        Raises:
            CorpusError: If a column does not exist, or the corpus cannot be read or downloaded.
        """
        chosen = replace(options, text=options.text or (self.text,), context=options.context or self.context)
        selection = select(self.columns, len(self.columns), chosen, where=f"corpus {self.name}")
        for row in self.rows():
            record = selection.record(row, chosen)
            if record:
                yield record


def _ag_news(name: str, part: ag_news.CorpusPart, part_name: str, size: str) -> Corpus:
    return Corpus(
        name=name,
        description=f"English news of 2004, {part_name}: titles, descriptions and one of four labels",
        size=size,
        licence="research and other non-commercial use",
        columns=ag_news.COLUMNS,
        text="title",
        context=("label",),
        rows=partial(ag_news.rows, part),
        state=partial(ag_news.state, part),
        prepare=lambda report: ag_news.locate(part, report=report),
    )


def unicode_name_rows() -> Iterator[tuple[str, str]]:
    """Yield (name, category) of each character of Unicode 3.2 that has an individual name.

    Python contains this version unchanged, so these are the same everywhere. Names that are only a prefix and
    a number are left out: ideographs and Hangul syllables.
    """
    database = unicodedata.ucd_3_2_0
    for character in map(chr, range(0xE0100)):
        name = database.name(character, "")
        if name and not name.startswith(ALGORITHMIC_NAMES):
            yield name, database.category(character)


CORPORA: dict[str, Corpus] = {
    corpus.name: corpus
    for corpus in (
        Corpus(
            name="docstrings",
            description="first lines of the docstrings of Python's standard library",
            size="about 6,000 lines, 0.3 MB",
            licence="PSF-2.0 (part of Python)",
            columns=("text", "label"),
            text="text",
            context=("label",),
            rows=lambda: iter(docstring_rows()),
        ),
        Corpus(
            name="unicode-names",
            description="names of the characters of Unicode 3.2, the same on every Python",
            size="12,886 lines, 0.3 MB",
            licence="Unicode-3.0 (part of Python)",
            columns=("text", "label"),
            text="text",
            context=("label",),
            rows=unicode_name_rows,
        ),
        _ag_news("ag-news", ag_news.TRAIN, "the training part", "120,000 texts, 29.5 MB"),
        _ag_news("ag-news-test", ag_news.TEST, "the test part", "7,600 texts, 1.9 MB"),
    )
}
