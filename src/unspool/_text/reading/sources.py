"""The reading of texts from files, folders, standard input, named corpora and memory, by `read_records`.

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
from typing import Any

from unspool._configuration import to_dict
from unspool._errors import ConfigError, CorpusError
from unspool._extras import install_command
from unspool._storage import is_missing
from unspool._text.corpora.registry import CORPORA, Corpus
from unspool._text.frames import TableInMemory
from unspool._text.in_memory import records_in_memory
from unspool._text.reading.columns import LENGTH, Rows
from unspool._text.reading.decoding import text_blocks
from unspool._text.reading.feather import feather_columns, read_feather, write_feather
from unspool._text.reading.folders import FileList, current_spec, list_files, suffix_of
from unspool._text.reading.jsonl import json_columns, read_json, read_jsonl, write_json, write_jsonl
from unspool._text.reading.notes import Notes
from unspool._text.reading.parquet import parquet_columns, read_parquet, write_parquet
from unspool._text.reading.places import (
    FilePlace,
    file_place,
    is_pipe,
    pipe_place,
    refuse_unreadable,
    standard_input,
)
from unspool._text.reading.plain_text import read_text, write_text
from unspool._text.reading.read_options import STANDARD_INPUT, Column, Columns, ReadOptions
from unspool._text.reading.sentences import SPLITS
from unspool._text.reading.separated import separator_pattern
from unspool._text.reading.tables import read_table, table_columns, write_table
from unspool._text.records import Record, Records, Texts

CORPUS_PREFIX = "corpus:"
LATER_OPTIONS = (
    "source_text",
    "quoting",
    "record_separator",
    "encoding",
)  # which earlier versions do not know
LONGEST_NAME = 64  # characters of a name that is compared with those of the corpora


@dataclass(frozen=True)
class Source:
    """A file format of texts.

    Args:
        suffixes: The suffixes of its files; a text format may have ``.gz`` after each.
        read: Function that yields the records of one file.
        write: Function that returns the content of a file with rows of named columns, for the tests. A format
            without columns writes the column named ``text``.
        columns: Function that returns the columns of one file to choose from: their names, or their numbers
            if nothing names them; None for a format without columns.
        delimited: Whether it has a delimiter, and possibly a header.
        binary: Whether its files are not text: they cannot be gzip data or come through standard input.
        needs: The package that reads it, and the extra of unspool that installs the package; None for none.
    """

    suffixes: tuple[str, ...]
    read: Callable[[FilePlace, ReadOptions], Iterator[Record]]
    write: Callable[[Rows], bytes]
    columns: Callable[[FilePlace, ReadOptions], Columns] | None = None
    delimited: bool = False
    binary: bool = False
    needs: tuple[str, str] | None = None


READ_CSV, WRITE_CSV = partial(read_table, delimiter=","), partial(write_table, delimiter=",")
READ_TSV, WRITE_TSV = partial(read_table, delimiter="\t"), partial(write_table, delimiter="\t")
CSV_COLUMNS, TSV_COLUMNS = partial(table_columns, delimiter=","), partial(table_columns, delimiter="\t")
JSONL_COLUMNS, JSON_COLUMNS = partial(json_columns, by_line=True), partial(json_columns, by_line=False)
ARROW = ("pyarrow", "parquet")
# fmt: off
SOURCES: dict[str, Source] = {
    "text": Source((".txt", ".text", ".md"), read_text, write_text),
    "csv": Source((".csv",), READ_CSV, WRITE_CSV, CSV_COLUMNS, delimited=True),
    "tsv": Source((".tsv", ".tab"), READ_TSV, WRITE_TSV, TSV_COLUMNS, delimited=True),
    "jsonl": Source((".jsonl", ".ndjson"), read_jsonl, write_jsonl, JSONL_COLUMNS),
    "json": Source((".json",), read_json, write_json, JSON_COLUMNS),
    "parquet": Source((".parquet", ".pq"), read_parquet, write_parquet, parquet_columns,
                      binary=True, needs=ARROW),
    "feather": Source((".feather", ".arrow"), read_feather, write_feather, feather_columns,
                      binary=True, needs=ARROW),
}
# fmt: on


def read_records(
    source: str | Path | Sequence[str | Path] | Texts | TableInMemory,
    *,
    text: Column | Sequence[Column] | None = None,
    source_text: Column | Sequence[Column] | None = None,
    context: Column | Sequence[Column] = (),
    document: bool = False,
    format: str | None = None,  # noqa: A002 (the field's word)
    header: bool | None = None,
    delimiter: str | None = None,
    quoting: str | None = None,
    separator: str = " ",
    record_separator: str | None = None,
    encoding: str | None = None,
    normalization: str | None = "NFC",
    split: str | None = None,
    language: str = "en",
    reuse: bool = True,
) -> Records:
    r"""Return the records of a file, a folder, standard input, a named corpus, or texts in memory.

    Files are read when the records are iterated.

    Text formats are UTF-8, or what `encoding` or a byte order mark says, packed by gzip or not. ``\n``,
    ``\r\n`` and a lone ``\r`` end a line and come out as ``\\n``. Blank texts are skipped.
    What is guessed, passed over or looks damaged is said in `Records.notes`.

    Args:
        source: A file; a folder; a list of these; ``-`` for standard input, which can be read once, as a pipe
            can; or the name of a corpus (`CORPORA`). Of a folder, every file of the format is read, in the
            order of the paths, also in folders inside, but not in hidden folders or behind links to folders;
            with ``format="text"``, every file whatever its suffix. A name that is both a corpus and a path is
            an error: write ``./NAME`` for the path and ``corpus:NAME`` for the corpus. A `Path` is always a
            path. Or a table in memory, whose columns are chosen as those of a file: of pandas, polars,
            pyarrow, Hugging Face datasets, or mappings; or texts in memory that are no list of strings. The
            options of file formats do not fit these.
        text: The column or columns that are the text, by name or by number from 0; None takes the column
            named ``text``, or the only column, or the columns of a named corpus. ``data.text`` is a key of
            JSON inside another one.
        source_text: The column or columns that are the source which each text answers, such as the sentence
            that it translates; joined like the columns of the text. None for no sources.
        context: The columns that become `Record.context`, under their names (``column_0`` ... without a
            header); the model learns to depend on them. ``length`` is the number of characters of the text,
            unless a column has this name. A named corpus has its label as context in any case, but the model
            depends on it only if it is chosen here.
        document: Whether the texts are one long stream in their own order. Each file of plain text is then
            one document with its line ends; the rows of a table stay records, in their order.
        format: A key of `SOURCES`; None decides by the suffix of the file, and takes plain text for an
            unknown suffix, a folder or standard input. ``json`` is one array, or one value a line.
        header: Whether the first row of a table has the names of the columns. None: it has if a column is
            chosen by name, and else by the rule of `is_header`.
        delimiter: The character between the columns of a table. None: what a first line ``sep=;`` says; else
            ``,`` for CSV and a tab for TSV, or the one of ``,``, ``;``, ``|`` and tab that fits instead.
        quoting: ``none`` if a double quote is a character like any other; ``double`` if it is around fields,
            which may have line ends inside, and is written twice in them. None is ``double``, but an error
            where quotes have joined lines that each look like a row.
        separator: The string between the columns that make up one text, and between the strings of a list of
            JSON.
        record_separator: What stands between the records of plain text, in place of the end of a line:
            ``blank`` for a blank line or more, a string, or ``re:`` and a regular expression, in which ``^``
            and ``$`` match at each line. ``re:^(?=>)`` begins a record at each line that begins with ``>``.
        encoding: A text encoding that Python knows, such as cp1252 or gb18030; None for UTF-8, or the one
            that a byte order mark names.
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
        text=columns_of(text),
        source_text=columns_of(source_text),
        context=columns_of(context),
        document=document,
        header=header,
        delimiter=delimiter,
        quoting=quoting,
        separator=separator,
        record_separator=record_separator,
        encoding=encoding,
        normalization=normalization,
        split=split,
        language=language,
    )
    if not _are_sources(source):
        return _of_memory(source, options)
    sources = _sources(source)
    corpus = _named_corpus(sources)
    if corpus:
        _refuse_for_corpus(corpus, options)
        named = f"{CORPUS_PREFIX}{corpus.name}"
        return _records(named, corpus.name, options, lambda: corpus.read(options))
    name = described(sources)
    stored = options
    options = replace(options, format=format or _format_of(sources))
    known = SOURCES[str(options.format)]
    for path in sources:
        if path != STANDARD_INPUT:
            _existing(path)  # a wrong path is named before an option that does not fit
    _refuse_misfits(name, known, options, piped=STANDARD_INPUT in sources)
    if STANDARD_INPUT in sources:
        place = replace(standard_input(), encoding=options.encoding, notes=(notes := Notes()))
        read = partial(known.read, place, options)
        return _records(STANDARD_INPUT, place.name, options, read, notes=notes, once=True)
    folder = any(map(os.path.isdir, sources))  # of which a format that is chosen reads other files
    stored = replace(options, format=stored.format) if folder else options
    return _records_of_files(sources, known, options, stored, reuse=reuse)


def _of_memory(texts: object, options: ReadOptions) -> Records:
    """Return the records of texts in memory, cut and measured by the options."""
    records = records_in_memory(texts, options)
    read = _measuring(_splitting(lambda: iter(records), options), options)
    if options.split is None and LENGTH not in options.context:
        return records
    return Records(
        read,
        description=records.description,
        document=records.document,
        normalization=records.normalization,
        pairs=records.pairs,
        notes=records.notes,
    )


def _records_of_files(
    sources: tuple[str | Path, ...], known: Source, options: ReadOptions, stored: ReadOptions, *, reuse: bool
) -> Records:
    """Return the records of files and folders.

    Args:
        sources: Their paths.
        known: The format of the files.
        options: The options of reading.
        stored: The options that read the same again.
        reuse: Whether the encoded texts may be cached.

    Raises:
        CorpusError: If a path leads to nothing, or to a device.
    """
    every = stored.format == "text"
    paths = [_existing(source) for source in sources]
    pipes = {path: pipe_place(path) for path in paths if is_pipe(path)}
    if pipes and known.binary:
        raise CorpusError(f"{options.format} cannot be read from a pipe", hint="save it to a file first")

    def lists() -> list[FileList]:
        return [list_files(path, known.suffixes, every=every, packed=not known.binary) for path in paths]

    def files() -> list[Path]:
        return [file for each in lists() for file in each.files]

    def places() -> Iterator[FilePlace]:
        found = lists()
        for remark in filter(None, (each.remark for each in found)):
            records.notes.say(remark, warning=True)
        paths = [file for each in found for file in each.files]
        records.meter.begin(sum(path.stat().st_size for path in paths if path.is_file()))
        return map(placed, paths)

    def placed(path: Path) -> FilePlace:
        place = pipes.get(path) or file_place(path)
        return replace(place, meter=records.meter, encoding=options.encoding, notes=records.notes)

    absolute = [str(path.absolute()) for path in paths]
    records = _records(
        STANDARD_INPUT if pipes else absolute[0] if len(absolute) == 1 else absolute,
        described(sources),
        options,
        lambda: chain.from_iterable(known.read(place, options) for place in places()),
        stored=stored,
        of_folder=any(path.is_dir() for path in paths),
        once=bool(pipes),
    )
    whole = options.document or options.split is not None or options.record_separator is not None
    if options.format == "text" and not whole and not pipes:

        def lines() -> Iterator[str]:
            records.notes.begin()
            ended = (chain(text_blocks(place), "\n") for place in places())  # a file ends its last line
            return chain(chain.from_iterable(ended), records.notes.ending())

        records.lines = lines
    records.files = files if reuse and options.split is None and not pipes else None
    return records


def columns_of_file(path: Path, options: ReadOptions) -> tuple[str, Columns]:
    """Return the format of a file, and the columns to choose from: names, or numbers if nothing names them.

    Args:
        path: The file.
        options: The options of reading; those that say which columns are chosen need not fit it.

    Returns:
        A key of `SOURCES`, and the columns; none of a format without columns.

    Raises:
        CorpusError: If the beginning of the file cannot be read.
        ConfigError: If the package that reads its format is not installed.
    """
    form = options.format or _format_of((path,))
    known = SOURCES[form]
    _refuse_misfits(path.name, known, ReadOptions(format=form, encoding=options.encoding), piped=False)
    return form, () if known.columns is None else known.columns(
        file_place(path, encoding=options.encoding), options
    )


def records_from_spec(spec: Mapping[str, object]) -> Records:
    """Return the records that a stored `Records.spec` describes.

    Raises:
        CorpusError: If the texts came from memory, or the spec is broken.
    """
    if "source" not in spec:
        raise CorpusError("texts from memory cannot be read again", hint="pass them as records")
    try:
        return read_records(**current_spec(spec))
    except TypeError as error:
        raise CorpusError("a stored description of a corpus is broken", got=str(error)) from None


def _records(
    source: str | list[str],
    name: str,
    options: ReadOptions,
    read: Callable[[], Iterator[Record]],
    *,
    stored: ReadOptions | None = None,
    of_folder: bool = False,
    notes: Notes | None = None,
    once: bool = False,
) -> Records:
    spec = {"source": source, **to_dict(stored or options), "text": list(options.text) or None}
    unset = {name for name in LATER_OPTIONS if not spec[name]}
    if of_folder:
        unset.discard("encoding")  # by which `current_spec` tells this version from earlier ones
    spec = {name: value for name, value in spec.items() if name not in unset}
    return Records(
        _measuring(_splitting(read, options), options),
        description=name,
        document=options.document,
        normalization=options.normalization,
        pairs=bool(options.source_text),
        spec=spec,
        notes=notes,
        once=once,
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


def columns_of(chosen: Column | Sequence[Column] | None) -> tuple[Column, ...]:
    """Return the columns that are chosen by one name or number, or by several."""
    if chosen is None:
        return ()
    return tuple(chosen) if isinstance(chosen, Sequence) and not isinstance(chosen, str) else (chosen,)


def _are_sources(source: object) -> bool:
    """Return whether something names files or a corpus; all else is texts in memory."""
    several = source if isinstance(source, list | tuple) else [source]
    return not several or any(isinstance(each, str | Path) for each in several)


def _sources(source: object) -> tuple[str | Path, ...]:
    """Return the sources that a caller names: one, or several in a list.

    Raises:
        CorpusError: If there is none, one is no path, or one of its own kind stands among several.
    """
    several: tuple[Any, ...] = tuple(source) if isinstance(source, list | tuple) else (source,)
    hint = 'a file: read_records("names.txt"); texts in memory: train(texts)'
    for each in several or (source,):
        if not isinstance(each, str | Path):
            expected = "a path, the name of a corpus, a list of paths, or texts"
            raise CorpusError("source", expected=expected, got=repr(each)[:60], hint=hint)
        if "\0" in str(each) or ("\n" in str(each) and is_missing(each)):
            raise CorpusError("source", expected="a path", got=f"{str(each)!r}, which is no file", hint=hint)
    if len(several) > 1:
        for each in several:
            if each == STANDARD_INPUT or (str(each).startswith(CORPUS_PREFIX) or (each in CORPORA)):
                hint = "read it alone, or save it to a file first"
                raise CorpusError(f"{each} cannot be read together with other sources", hint=hint)
    return several


def described(sources: Sequence[str | Path]) -> str:
    """Return the sources in words: the first, and the number of the others."""
    return str(sources[0]) if len(sources) == 1 else f"{sources[0]} and {len(sources) - 1:,} more"


def _named_corpus(sources: tuple[str | Path, ...]) -> Corpus | None:
    """Find the named corpus of a source, or None; a name that is also a path is an error."""
    source = sources[0]
    if not isinstance(source, str) or len(sources) > 1:
        return None
    if source.startswith(CORPUS_PREFIX):
        name = source.removeprefix(CORPUS_PREFIX)
        if name not in CORPORA:
            raise CorpusError(f"no corpus is named {name!r}", expected=f"one of {', '.join(CORPORA)}")
        return CORPORA[name]
    if source in CORPORA and not is_missing(source):
        hint = f"write ./{source} for the path or {CORPUS_PREFIX}{source} for the corpus"
        raise CorpusError(f"{source} is the name of a corpus and of a path here", hint=hint)
    return CORPORA.get(source)


def _format_of(sources: tuple[str | Path, ...]) -> str:
    """Return the format of sources by their suffixes; a folder is read as plain text."""
    names: dict[str, str | Path] = {}
    for source in sources:
        plain = source == STANDARD_INPUT or os.path.isdir(source)  # noqa: PTH112 - Path.is_dir raises for a long name
        suffix = "" if plain else suffix_of(Path(source))
        format_name = next((name for name, known in SOURCES.items() if suffix in known.suffixes), "text")
        names.setdefault(format_name, source)
    if len(names) > 1:
        shown = ", ".join(f"{name} ({source})" for name, source in names.items())
        hint = "read them apart, or say --format for all"
        raise CorpusError("the sources have several formats", expected="one", got=shown, hint=hint)
    return next(iter(names))


def _refuse_for_corpus(corpus: Corpus, options: ReadOptions) -> None:
    names = ("format", "header", "delimiter", "quoting", "record_separator", "encoding")
    for name in names:
        if getattr(options, name) is not None:
            raise CorpusError(f"corpus {corpus.name} has a format of its own", hint=f"leave out {name}")


def _refuse_misfits(source: str, known: Source, options: ReadOptions, *, piped: bool) -> None:
    """Check that the format can be read here and has a use for the options."""
    if known.binary and piped:
        raise CorpusError(
            f"{options.format} cannot be read from standard input", hint="save it to a file first"
        )
    if known.needs and importlib.util.find_spec(known.needs[0]) is None:
        what = (
            f"{source}: reading {options.format} needs the package {known.needs[0]}, which is not installed"
        )
        raise ConfigError(what, hint=install_command(known.needs[1]))
    tabular = ", ".join(name for name, other in SOURCES.items() if other.columns)
    columns = {*options.text, *options.source_text, *(set(options.context) - {LENGTH})}
    if columns and not known.columns:
        hint = f"leave out the columns, or choose its --format: {tabular}"
        raise CorpusError(f"{source} is read as plain text, which has no columns", hint=hint)
    of_tables = (options.header, options.delimiter, options.quoting)
    if any(value is not None for value in of_tables) and not known.delimited:
        what = f"{source} is read as {options.format}, which has no header and no delimiter"
        raise CorpusError(what, hint="leave out header, delimiter and quoting, or say format='csv'")
    if options.record_separator is not None:
        separator_pattern(options.record_separator)  # raises now if it is broken
        if known.columns:
            what = f"{source} is read as {options.format}, whose rows are the records"
            raise CorpusError(what, hint="leave out record_separator, or say format='text'")
    if options.encoding is not None and known.binary:
        raise CorpusError(f"{source} is read as {options.format}, which is UTF-8", hint="leave out encoding")


def _existing(source: str | Path) -> Path:
    """Return the path of a source.

    Raises:
        CorpusError: If it leads to nothing; the nearest name of a corpus is proposed.
    """
    path = Path(source)
    if not str(source) or is_missing(path):  # an empty name would be the working folder
        near = difflib.get_close_matches(str(source)[:LONGEST_NAME], CORPORA, n=1, cutoff=0.6)
        hint = f"did you mean the corpus {near[0]!r}?" if near else "give a file, a folder, - or a corpus"
        what = f"{source or repr('')}: no such file or folder"
        raise CorpusError(what, hint=f"{hint} ({', '.join(CORPORA)})")
    with refuse_unreadable(str(source)):
        path.stat()
    return path
