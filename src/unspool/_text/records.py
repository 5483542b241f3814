"""Records: the texts that everything else reads, one at a time."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import as_spelled
from unspool._errors import ConfigError
from unspool._screen.wording import counted
from unspool._text import containers
from unspool._text.containers import items_of, no_text_at_all, parts_of, refuse_file_names
from unspool._text.reading.damage import DamageSigns
from unspool._text.reading.notes import Notes
from unspool._text.reading.places import Meter
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._text.series import Series
from unspool._views.short_repr import short_repr

BLANK = ("text is blank or missing and was passed over", "texts are blank or missing and were passed over")
NORMALIZATIONS: tuple[str, ...] = ("NFC", "NFD", "NFKC", "NFKD")


@dataclass(frozen=True, slots=True)
class Record:
    """A text with its attributes.

    Args:
        text: The text; it may have line ends inside.
        context: The attributes of the text, name -> value: ``{"label": "Sports"}``.
        ends: Whether the text ends here. False marks a piece of a longer text: the next record continues
            it, without an ``<eos>`` between them.
        vector: The start vector, from which the first state is computed, or None.  # (D,)
        source: The source text that this text answers, or None.

    Example:
        >>> from unspool import Record
        >>> Record("Rain in spring", {"label": "Weather"}).context["label"]
        'Weather'
    """

    text: str
    context: Mapping[str, str] = field(default_factory=dict)
    ends: bool = True
    vector: NDArray[np.float32] | None = field(default=None, compare=False)
    source: str | None = None

    __repr__ = short_repr


class Records(Series[Record]):
    """Records that are read lazily, at each iteration anew.

    No file is opened before the first record is needed, to show the first few for example, and only a few
    pieces of text are in memory at a time; `len` reads all of them once. Standard input can be read only
    once.

    Args:
        read: Function that starts a new pass over the records.
        description: A short description of the texts, for people.
        document: Whether the records are one long stream in their own order (document mode) rather than
            independent texts (line mode).
        normalization: The Unicode form of the texts, or None if they are not normalized.
        spec: The arguments of `read_records` that read the same texts again, in plain JSON types; empty for
            texts from memory.
        lines: Function that starts a pass over the same texts in blocks of any length, not yet normalized.
            It is given only if every line that is more than white space is a record; else None. It can be
            called any number of times.
        files: Function that lists the files to read. It is given only if the texts depend on these files
            alone and their encoded form may be cached; else None.
        meter: Counts the bytes that are read.
        pairs: Whether each record has a source.
        notes: What is said about a pass: what was guessed, passed over or looks damaged.
        once: Whether they can be read only once.

    Example:
        >>> from unspool import Records
        >>> [record.text for record in Records.of(["first", "second"])]
        ['first', 'second']
    """

    def __init__(
        self,
        read: Callable[[], Iterator[Record]],
        *,
        description: str,
        document: bool = False,
        normalization: str | None = "NFC",
        spec: Mapping[str, object] | None = None,
        lines: Callable[[], Iterator[str]] | None = None,
        files: Callable[[], list[Path]] | None = None,
        meter: Meter | None = None,
        pairs: bool = False,
        notes: Notes | None = None,
        once: bool = False,
    ) -> None:
        self._read = read
        self.notes, self.once = notes or Notes(), once
        self.lines, self.files, self.meter = lines, files, meter or Meter()
        self.description = description
        self.document = document
        self.normalization = check_normalization(normalization)
        self.spec: dict[str, object] = dict(spec or {})
        self.pairs, self._read_once = pairs, once or self.spec.get("source") == STANDARD_INPUT

    @property
    def steers(self) -> bool:
        """Whether a model learns to depend on the context of the records.

        It does so only if the user chose the context: a named corpus has its labels as context in any case.

        Example:
            >>> unspool.Records.of([{"text": "anna", "label": "names"}]).steers
            True
        """
        return not self.spec or bool(self.spec.get("context"))

    @classmethod
    def of(
        cls,
        texts: "Texts",
        *,
        document: bool = False,
        normalization: str | None = "NFC",
    ) -> "Records":
        """Make records of texts in memory.

        Args:
            texts: Strings, records, pairs (source, text) as tuples, or mappings; also a column of a table,
                such as a series of pandas, or an open file. The key ``text`` of a mapping is the text, its
                key ``vector`` the start vector, unless it is a string; all others are the context. Blank and
                missing texts (None, NaN, no key ``text``) are passed over and counted in `notes`.
            document: Whether the texts are one long stream in their own order.
            normalization: The Unicode form that the texts are converted to, or None for no conversion.

        Raises:
            CorpusError: If an item is none of these, or `texts` is a single text or a path.

        Example:
            >>> (record,) = unspool.Records.of([{"text": "anna", "label": "names"}])
            >>> record.text, record.context
            ('anna', {'label': 'names'})
        """
        form, notes, signs = check_normalization(normalization), Notes(), DamageSigns()
        gathered, blank, first, whole, keys = [], 0, 0, True, None
        for place, item in enumerate(items_of(texts, notes)):
            record = _as_record(item, place, form)
            if record is not None and (document or not whole or _has_text(record)):
                gathered.append(record)
                signs.add(record.text)
                whole = record.ends
            else:
                first, blank = first if blank else place, blank + 1
                keys = keys or (item.keys() if isinstance(item, Mapping) else None)
        if not gathered and blank:
            raise no_text_at_all(blank, first, keys)
        refuse_file_names(record.text for record in gathered)
        if blank:
            notes.count(*BLANK, f"text {first}", times=blank)
        notes.warn_of(signs.sentences("the texts"))
        remarks = notes.ended()
        return cls(
            lambda: notes.repeating(remarks, gathered),
            description=f"{counted(len(gathered), 'text')} in memory",
            document=document,
            normalization=form,
            pairs=any(record.source is not None for record in gathered),
            notes=notes,
        )

    @classmethod
    def wrap(cls, texts: "Texts") -> "Records":
        """Return records unchanged, and make records of texts in memory.

        Example:
            >>> records = unspool.Records.wrap(["anna"])
            >>> unspool.Records.wrap(records) is records
            True
        """
        return texts if isinstance(texts, Records) else cls.of(texts)

    def _read_items(self) -> Iterator[Record]:
        self.notes.begin()
        yield from self._read()
        self.notes.end()

    def _row(self, item: Record) -> dict[str, str]:
        return {**({} if item.source is None else {"source": item.source}), **item.context, "text": item.text}

    def peek(self) -> None:
        """Read the first record, so that a wrong path or column is told before anything else.

        Standard input is left alone, since it can be read only once.

        Raises:
            CorpusError: If it cannot be read, or there is no text.

        Example:
            >>> unspool.Records.of(["anna", "otto"]).peek()
        """
        if self.spec.get("source") != STANDARD_INPUT:
            next(iter(self))

    def gathered(self) -> "Records":
        """Return the same records in memory, for a source that can be read only once.

        Example:
            >>> records = unspool.Records.of(["anna", "otto"]).gathered()
            >>> [record.text for record in records]
            ['anna', 'otto']
        """
        records = list(self)
        return Records(
            lambda: iter(records),
            description=self.description,
            document=self.document,
            normalization=self.normalization,
            spec=self.spec,
            pairs=self.pairs,
            notes=self.notes,
        )

    @property
    def _title(self) -> str:
        return f"{super()._title}{', as one document' if self.document else ''}"


Texts = Records | Iterable[str | Record | Mapping[str, Any] | tuple[str, str]]


def check_normalization(form: str | None) -> str | None:
    """Return the name of a Unicode normalization form, given in any case, or None for none.

    Raises:
        ConfigError: If there is no such form.
    """
    form = as_spelled(form, NORMALIZATIONS)
    if form is not None and form not in NORMALIZATIONS:
        raise ConfigError(
            "normalization", expected=f"one of {', '.join(NORMALIZATIONS)}, or None", got=repr(form)
        )
    return form


def normalized(text: str, form: str | None) -> str:
    """Return a text in a Unicode normalization form, or unchanged if the form is None."""
    return text if form is None else unicodedata.normalize(form, text)  # type: ignore[arg-type]


def _has_text(record: Record) -> bool:
    return not record.ends or bool(record.text and not record.text.isspace())


def _as_record(item: object, place: int, form: str | None) -> Record | None:
    """Return the record of an item, or None if its text is missing."""
    parts = parts_of(item.text if isinstance(item, Record) else item, place)
    if parts is None:
        return None
    known = item if isinstance(item, Record) else parts
    text, source = normalized(known.text, form), known.source and normalized(known.source, form)
    ends, vector = getattr(known, "ends", True), containers.as_vector(known.vector, place)
    return Record(text, containers.as_context(known.context), ends, vector, source)
