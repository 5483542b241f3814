"""Records: the texts that everything else reads, one at a time."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import as_spelled
from unspool._errors import ConfigError, CorpusError
from unspool._text.reading.decoding import Meter

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


class Records(Iterable[Record]):
    """Records that are read lazily, at each iteration anew.

    No file is opened before the first record is needed, and only a few pieces of text are in memory at a
    time. Standard input can be read only once.

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
    ) -> None:
        self._read = read
        self.lines, self.files, self.meter = lines, files, meter or Meter()
        self.description = description
        self.document = document
        self.normalization = check_normalization(normalization)
        self.spec: dict[str, object] = dict(spec or {})
        self.pairs = pairs

    @property
    def steers(self) -> bool:
        """Whether a model learns to depend on the context of the records.

        It does so only if the user chose the context: a named corpus has its labels as context in any case.
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
            texts: Strings, records, pairs (source, text) as tuples, or mappings. The key ``text`` of a
                mapping is the text. Its key ``vector`` is the start vector, unless the value is a string. All
                other keys are the context. The texts are collected in a list.
            document: Whether the texts are one long stream in their own order.
            normalization: The Unicode form that the texts are converted to, or None for no conversion.

        Raises:
            CorpusError: If an item is none of these, or `texts` is a single text or a path.
        """
        if isinstance(texts, str | bytes) or not isinstance(texts, Iterable):
            hint = 'for a file: read_records("names.txt"); for one text: [text]'
            raise CorpusError("texts", expected="a list of strings", got=repr(texts)[:60], hint=hint)
        form = check_normalization(normalization)
        gathered = [_as_record(item, place, form) for place, item in enumerate(texts)]
        return cls(
            lambda: iter(gathered),
            description=f"{len(gathered):,} texts in memory",
            document=document,
            normalization=form,
            pairs=any(record.source is not None for record in gathered),
        )

    @classmethod
    def wrap(cls, texts: "Texts") -> "Records":
        """Return records unchanged, and make records of texts in memory."""
        return texts if isinstance(texts, Records) else cls.of(texts)

    def __iter__(self) -> Iterator[Record]:
        """Start a new pass.

        Raises:
            CorpusError: If a text cannot be read, or there is no text.
        """
        is_empty = True
        for record in self._read():
            is_empty = False
            yield record
        if is_empty:
            raise CorpusError(
                f"{self.description}: no text found",
                expected="at least one text that is not blank",
            )

    def gathered(self) -> "Records":
        """Return the same records in memory, for a source that can be read only once."""
        records = list(self)
        return Records(
            lambda: iter(records),
            description=self.description,
            document=self.document,
            normalization=self.normalization,
            spec=self.spec,
        )

    def __repr__(self) -> str:
        """Return the description of the records."""
        return f"<Records of {self.description}{', as one document' if self.document else ''}>"


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


def _as_record(item: object, place: int, form: str | None) -> Record:
    if isinstance(item, Record):
        source = None if item.source is None else normalized(item.source, form)
        return replace(item, text=normalized(item.text, form), source=source)
    if isinstance(item, str):
        return Record(normalized(item, form))
    if isinstance(item, tuple) and len(item) == 2 and all(isinstance(part, str) for part in item):
        return Record(normalized(item[1], form), source=normalized(item[0], form))
    if isinstance(item, Mapping) and isinstance(item.get("text"), str):
        rest = {str(key): value for key, value in item.items() if key != "text"}
        vector = None if isinstance(rest.get("vector"), str) else _vector(rest.pop("vector", None), place)
        context = {key: "" if value is None else str(value) for key, value in rest.items()}
        return Record(normalized(item["text"], form), context, vector=vector)
    raise CorpusError(
        f"text {place}",
        expected="a string, a Record, a pair of strings or a mapping with a string at 'text'",
        got=repr(item),
    )


def _vector(values: Any, place: int) -> NDArray[np.float32] | None:
    if values is None:
        return None
    try:
        vector = np.array(values, np.float32)
    except (TypeError, ValueError):
        vector = np.zeros(0, np.float32)
    if vector.ndim != 1 or not vector.size or not np.isfinite(vector).all():
        raise CorpusError(
            f"the vector of text {place}", expected="a list of finite numbers", got=repr(values)[:60]
        )
    return vector
