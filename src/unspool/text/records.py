"""Records: the texts that everything else reads, one at a time."""

import unicodedata
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import ConfigError, CorpusError
from unspool.text.reading.decoding import Meter

NORMALIZATIONS: tuple[str, ...] = ("NFC", "NFD", "NFKC", "NFKD")


@dataclass(frozen=True, slots=True)
class Record:
    """Hold one text with what is known about it.

    Args:
        text: The text; it may have line ends inside.
        context: What is known about it, by name: ``{"label": "Sports"}``.
        ends: Whether the text ends here. False marks a piece of a longer text: the next record goes on
            with it, and no ``<eos>`` stands between them.
        vector: Numbers that its first state is worked from, or None.  # (D,)
        source: The text that it is the answer to, or None.
    """

    text: str
    context: Mapping[str, str] = field(default_factory=dict)
    ends: bool = True
    vector: NDArray[np.float32] | None = field(default=None, compare=False)
    source: str | None = None


class Records(Iterable[Record]):
    """Read records lazily, as many times as they are iterated.

    Nothing is opened before the first record is asked for, and no more than a few pieces of text are in
    memory at a time. Standard input is the exception to reading again: it can be read once.

    Args:
        read: Starts a new pass over the records.
        description: What is read, in a few words, for people.
        document: Whether the records are one long stream in their own order (document mode) rather than
            independent texts (line mode).
        normalization: The Unicode form that the texts have, or None where they are as they were written.
        spec: The arguments of `read_records` that read the same again, in plain JSON types; empty where
            nothing can: for texts that came from memory.
        lines: Where every line of the texts that is more than white space is a record, not yet normalized,
            starts a pass over the same texts in blocks of any length; None elsewhere. It can be called as
            often as is wanted.
        files: Lists the files that decide what is read, where it may be kept between runs what was made of
            them; None where it may not, or where there is more to it than files.
        meter: Counts the bytes that are read.
        pairs: Whether each record has a source.
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
        """Tell whether their context is to steer what is learnt from them.

        It is not where nobody asked for it: a named corpus carries its labels along in any case.
        """
        return not self.spec or bool(self.spec.get("context"))

    @classmethod
    def of(
        cls,
        texts: Iterable[str | Record | Mapping[str, Any] | tuple[str, str]],
        *,
        document: bool = False,
        normalization: str | None = "NFC",
    ) -> "Records":
        """Wrap texts that are in memory already.

        Args:
            texts: Strings, records, pairs (source, text) as tuples, or mappings whose key ``text`` is the
                text and whose other keys are its context, but for ``vector``, if that is no string: the
                numbers that its first state is worked from. They are gathered into a list.
            document: Whether they are one long stream in their own order.
            normalization: The Unicode form to bring them to, or None to leave them as they are.

        Raises:
            CorpusError: If an item is none of these, or this is one text or a path rather than texts.
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

    def __iter__(self) -> Iterator[Record]:
        """Start a new pass.

        Raises:
            CorpusError: If something cannot be read, or there is no text at all.
        """
        found = False
        for record in self._read():
            found = True
            yield record
        if not found:
            raise CorpusError(
                f"{self.description}: no text found",
                expected="at least one text that is not blank",
            )

    def gathered(self) -> "Records":
        """Read everything into memory now, for what can be read once and is needed twice."""
        records = list(self)
        return Records(
            lambda: iter(records),
            description=self.description,
            document=self.document,
            normalization=self.normalization,
            spec=self.spec,
        )

    def __repr__(self) -> str:
        """Show what would be read."""
        return f"<Records of {self.description}{', as one document' if self.document else ''}>"


def check_normalization(form: str | None) -> str | None:
    """Give back the name of a Unicode normalization form, or None for none.

    Raises:
        ConfigError: If there is no such form.
    """
    if form is not None and form not in NORMALIZATIONS:
        raise ConfigError(
            "normalization", expected=f"one of {', '.join(NORMALIZATIONS)}, or None", got=repr(form)
        )
    return form


def normalized(text: str, form: str | None) -> str:
    """Bring a text to a Unicode normalization form; None leaves it as it is."""
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
