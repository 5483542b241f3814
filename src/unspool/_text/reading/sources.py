"""The reading of texts from files, folders, standard input and named corpora, by `read_records`.

To add a format, write a file with a reader, which takes a `FilePlace` and `ReadOptions` and yields records,
and a writer for the tests, and give it a row in `SOURCES`.
"""

import difflib
import importlib.util
import os
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import chain
from pathlib import Path

from unspool._configuration import to_dict
from unspool._errors import ConfigError, CorpusError
from unspool._text.corpora.registry import CORPORA, Corpus
from unspool._text.reading.columns import LENGTH, Rows
from unspool._text.reading.decoding import (
    FilePlace,
    file_place,
    refuse_unreadable,
    standard_input,
    text_blocks,
)
from unspool._text.reading.feather import read_feather, write_feather
from unspool._text.reading.jsonl import read_jsonl, write_jsonl
from unspool._text.reading.parquet import read_parquet, write_parquet
from unspool._text.reading.plain_text import read_text, write_text
from unspool._text.reading.read_options import STANDARD_INPUT, Column, ReadOptions
from unspool._text.reading.sentences import SPLITS
from unspool._text.reading.tables import read_table, write_table
from unspool._text.records import Record, Records

CORPUS_PREFIX = "corpus:"


@dataclass(frozen=True)
class Source:
    """A file format of texts.

    Args:
        suffixes: The suffixes of its files; a text format may have ``.gz`` after each.
        read: Function that yields the records of one file.
        write: Function that returns the content of a file with rows of named columns, for the tests. A format
            without columns writes the column named ``text``.
        columns: Whether it has columns to choose from.
        delimited: Whether it has a delimiter, and possibly a header.
        binary: Whether its files are not text: they cannot be gzip data or come through standard input.
        needs: The package that reads it, and the extra of unspool that installs the package; None for none.
    """

    suffixes: tuple[str, ...]
    read: Callable[[FilePlace, ReadOptions], Iterator[Record]]
    write: Callable[[Rows], bytes]
    columns: bool = True
    delimited: bool = False
    binary: bool = False
    needs: tuple[str, str] | None = None


READ_CSV, WRITE_CSV = partial(read_table, delimiter=","), partial(write_table, delimiter=",")
READ_TSV, WRITE_TSV = partial(read_table, delimiter="\t"), partial(write_table, delimiter="\t")
ARROW = ("pyarrow", "parquet")
SOURCES: dict[str, Source] = {
    "text": Source((".txt", ".text", ".md"), read_text, write_text, columns=False),
    "csv": Source((".csv",), READ_CSV, WRITE_CSV, delimited=True),
    "tsv": Source((".tsv", ".tab"), READ_TSV, WRITE_TSV, delimited=True),
    "jsonl": Source((".jsonl", ".ndjson"), read_jsonl, write_jsonl),
    "parquet": Source((".parquet", ".pq"), read_parquet, write_parquet, binary=True, needs=ARROW),
    "feather": Source((".feather", ".arrow"), read_feather, write_feather, binary=True, needs=ARROW),
}


def read_records(
    source: str | Path,
    *,
    text: Column | Sequence[Column] | None = None,
    source_text: Column | Sequence[Column] | None = None,
    context: Column | Sequence[Column] = (),
    document: bool = False,
    format: str | None = None,  # noqa: A002 (the field's word)
    header: bool | None = None,
    delimiter: str | None = None,
    separator: str = " ",
    normalization: str | None = "NFC",
    split: str | None = None,
    language: str = "en",
    reuse: bool = True,
) -> Records:
    r"""Return records that are read from a file, a folder, standard input or a named corpus when iterated.

    Text formats are UTF-8, with or without a byte order mark, packed by gzip or not. ``\n``, ``\r\n`` and a
    lone ``\r`` end a line and come out as ``\\n``. Texts that are only white space are skipped.

    Args:
        source: A file; a folder; ``-`` for standard input, which can be read once; or the name of a corpus
            (`CORPORA`). Of a folder, every file of the format is read, in the order of the paths, also in
            folders inside, but not in hidden folders or behind links to folders. A name that is both a corpus
            and a path is an error: write ``./NAME`` for the path and ``corpus:NAME`` for the corpus. A `Path`
            is always a path.
        text: The column or columns that are the text, by name or by number from 0; None takes the column
            named ``text``, or the only column, or the columns of a named corpus.
        source_text: The column or columns that are the source which each text answers, such as the sentence
            that it translates; joined like the columns of the text. None for no sources.
        context: The columns that become `Record.context`, under their names (``column_0`` ... without a
            header); the model learns to depend on them. ``length`` is the number of characters of the text,
            unless a column has this name. A named corpus has its label as context in any case, but the model
            depends on it only if it is chosen here.
        document: Whether the texts are one long stream in their own order. Each file of plain text is then
            one document with its line ends; the rows of a table stay records, in their order.
        format: A key of `SOURCES`; None decides by the suffix of the file, and takes plain text for an
            unknown suffix, a folder or standard input.
        header: Whether the first row of a table has the names of the columns. None: it has if a column is
            chosen by name, and else by the rule of `is_header`.
        delimiter: The character between the columns of a table; None is ``,`` for CSV and a tab for TSV.
        separator: The string between the columns that make up one text.
        normalization: The Unicode form that texts are converted to (NFC, NFD, NFKC, NFKD), or None.
        split: ``sentences`` cuts each text into sentences, each a text with the same context; None cuts
            nothing. Each line of plain text is cut alone; in a document a sentence may have several lines.
            It needs the package sentencex.
        language: The code of the language whose abbreviations do not end a sentence: en, de, zh ... The
            punctuation of all languages is known. Only used with `split`.
        reuse: Whether the encoded texts of large files may be cached for the next training (`StreamCache`).

    Returns:
        Records that can be iterated any number of times. An iteration raises CorpusError at the first text
        that cannot be read, with the file and the line.

    Raises:
        CorpusError: If there is no such file, folder, corpus or format, or an option does not fit it.

    Example:
        >>> from unspool import read_records
        >>> read_records("unicode-names").document
        False
    """
    options = ReadOptions(
        format=format,
        text=_columns(text),
        source_text=_columns(source_text),
        context=_columns(context),
        document=document,
        header=header,
        delimiter=delimiter,
        separator=separator,
        normalization=normalization,
        split=split,
        language=language,
    )
    corpus = _named_corpus(source)
    if corpus:
        _refuse_for_corpus(corpus, options)
        named = f"{CORPUS_PREFIX}{corpus.name}"
        return _records(named, corpus.name, options, lambda: corpus.read(options))
    options = replace(options, format=format or _format_of(source))
    known = SOURCES[str(options.format)]
    _refuse_misfits(source, known, options)
    files = _files(source, known)
    if files is None:
        place = standard_input()
        return _records(STANDARD_INPUT, "standard input", options, lambda: known.read(place, options))
    return _records_of_files(str(source), known, options, files, reuse=reuse)


def _records_of_files(
    source: str, known: Source, options: ReadOptions, files: Callable[[], list[Path]], *, reuse: bool
) -> Records:
    """Return the records of files, which can be read again."""
    records = _records(
        str(Path(source).absolute()),
        source,
        options,
        lambda: chain.from_iterable(known.read(place, options) for place in places()),
    )

    def places() -> list[FilePlace]:
        paths = files()
        records.meter.begin(sum(path.stat().st_size for path in paths if path.is_file()))
        return [file_place(path, records.meter) for path in paths]

    if options.format == "text" and not options.document and options.split is None:
        records.lines = lambda: chain.from_iterable(
            chain(text_blocks(place), "\n")  # a file ends its last line
            for place in places()
        )
    records.files = files if reuse and options.split is None else None
    return records


def records_from_spec(spec: Mapping[str, object]) -> Records:
    """Return the records that a stored `Records.spec` describes.

    Raises:
        CorpusError: If the texts came from memory, or the spec is broken.
    """
    if "source" not in spec:
        raise CorpusError("texts from memory cannot be read again", hint="pass them as records")
    try:
        return read_records(**spec)  # type: ignore[arg-type]
    except TypeError as error:
        raise CorpusError("a stored description of a corpus is broken", got=str(error)) from None


def _records(source: str, name: str, options: ReadOptions, read: Callable[[], Iterator[Record]]) -> Records:
    spec = {"source": source, **to_dict(options), "text": list(options.text) or None}
    if not options.source_text:
        del spec["source_text"]
    return Records(
        _measuring(_splitting(read, options), options),
        description=name,
        document=options.document,
        normalization=options.normalization,
        pairs=bool(options.source_text),
        spec=spec,
    )


def _splitting(read: Callable[[], Iterator[Record]], options: ReadOptions) -> Callable[[], Iterator[Record]]:
    """Return a reader that cuts each text, if the options have a split."""
    language = options.language
    if options.split is None:
        if language != "en":
            hint = f"say split={next(iter(SPLITS))!r} as well, or leave out language"
            raise CorpusError("language works only with split", hint=hint)
        return read
    split = SPLITS[options.split]
    split(iter(()), language=language)  # raises now if its package is missing
    return lambda: split(read(), language=language)


def _measuring(read: Callable[[], Iterator[Record]], options: ReadOptions) -> Callable[[], Iterator[Record]]:
    """Return a reader that adds the length of each text, if the options ask for it."""
    if LENGTH not in options.context:
        return read

    def measured() -> Iterator[Record]:
        whole = True  # the length of a text in pieces is not known at its start
        for record in read():
            known = not record.ends or not whole or LENGTH in record.context
            length = {} if known else {LENGTH: str(len(record.text))}
            yield replace(record, context={**record.context, **length})
            whole = record.ends

    return measured


def _columns(chosen: Column | Sequence[Column] | None) -> tuple[Column, ...]:
    if chosen is None:
        return ()
    return (chosen,) if isinstance(chosen, str | int) else tuple(chosen)


def _named_corpus(source: str | Path) -> Corpus | None:
    """Find the named corpus of a source, or None; a name that is also a path is an error."""
    if not isinstance(source, str):
        return None
    if source.startswith(CORPUS_PREFIX):
        name = source.removeprefix(CORPUS_PREFIX)
        if name not in CORPORA:
            raise CorpusError(f"no corpus is named {name!r}", expected=f"one of {', '.join(CORPORA)}")
        return CORPORA[name]
    if source in CORPORA and Path(source).exists():
        hint = f"write ./{source} for the path or {CORPUS_PREFIX}{source} for the corpus"
        raise CorpusError(f"{source} is the name of a corpus and of a path here", hint=hint)
    return CORPORA.get(source)


def _format_of(source: str | Path) -> str:
    """Return the format of a source by its suffix."""
    if source == STANDARD_INPUT or Path(source).is_dir():
        return "text"
    suffix = _suffix(Path(source))
    if suffix == ".json":
        hint = "write one JSON value a line (jq -c '.[]') as .jsonl, or read it as it is with format='text'"
        raise CorpusError(f"{source}: a JSON file is one value", expected="JSONL or plain text", hint=hint)
    return next((name for name, known in SOURCES.items() if suffix in known.suffixes), "text")


def _suffix(path: Path) -> str:
    return Path(path.name.removesuffix(".gz")).suffix.lower()


def _refuse_for_corpus(corpus: Corpus, options: ReadOptions) -> None:
    if any(value is not None for value in (options.format, options.header, options.delimiter)):
        hint = "leave out format, header and delimiter"
        raise CorpusError(f"corpus {corpus.name} has a format of its own", hint=hint)


def _refuse_misfits(source: str | Path, known: Source, options: ReadOptions) -> None:
    """Check that the format can be read here and has a use for the options."""
    if known.binary and source == STANDARD_INPUT:
        raise CorpusError(
            f"{options.format} cannot be read from standard input", hint="save it to a file first"
        )
    if known.needs and importlib.util.find_spec(known.needs[0]) is None:
        what = (
            f"{source}: reading {options.format} needs the package {known.needs[0]}, which is not installed"
        )
        raise ConfigError(what, hint=f'pip install "unspool[{known.needs[1]}]"')
    tabular = ", ".join(name for name, other in SOURCES.items() if other.columns)
    columns = {*options.text, *options.source_text, *(set(options.context) - {LENGTH})}
    if columns and not known.columns:
        hint = f"leave out the columns, or choose its --format: {tabular}"
        raise CorpusError(f"{source} is read as plain text, which has no columns", hint=hint)
    if (options.header is not None or options.delimiter is not None) and not known.delimited:
        hint = "leave out header and delimiter, or say format='csv'"
        raise CorpusError(
            f"{source} is read as {options.format}, which has no header and no delimiter", hint=hint
        )


def _files(source: str | Path, known: Source) -> Callable[[], list[Path]] | None:
    """Check that a source exists; return a function that lists its files, or None for standard input."""
    if source == STANDARD_INPUT:
        return None
    path = Path(source)
    with refuse_unreadable(str(source)):
        if path.is_dir():
            return lambda: _folder_files(path, known)
        if not path.exists():
            near = difflib.get_close_matches(str(source), CORPORA, n=1, cutoff=0.6)
            hint = f"did you mean the corpus {near[0]!r}?" if near else "give a file, a folder, - or a corpus"
            raise CorpusError(f"{source}: no such file or folder", hint=f"{hint} ({', '.join(CORPORA)})")
    return lambda: [path]


def _folder_files(folder: Path, known: Source) -> list[Path]:
    files = sorted(_files_in(folder), key=lambda path: path.relative_to(folder).as_posix())
    readable = [path for path in files if _suffix(path) in known.suffixes]
    if not readable:
        packed = "" if known.binary else " (or these with .gz)"
        there = sorted({_suffix(path) or path.name for path in files})[:6]
        raise CorpusError(
            f"{folder}: no file to read",
            expected=f"names that end in {', '.join(known.suffixes)}{packed}",
            got=", ".join(there) or "an empty folder",
            hint="name a single file, or choose their --format",
        )
    return readable


def _files_in(folder: Path) -> Iterator[Path]:
    """Yield every file below a folder that is not hidden."""

    def refuse(error: OSError) -> None:
        raise error

    with refuse_unreadable(str(folder)):
        for parent, folders, names in os.walk(folder, onerror=refuse):
            folders[:] = [name for name in folders if not name.startswith(".")]
            yield from (Path(parent, name) for name in names if not name.startswith("."))
