"""The options of reading texts."""

import codecs
import re
from dataclasses import dataclass
from typing import Annotated, Any

from unspool._configuration import SWITCH, Allowed, OptionRow, check_rows, is_whole, one_of
from unspool._errors import ConfigError
from unspool._text.reading.encodings import is_text_encoding

STANDARD_INPUT = "-"  # as the name of a source
Column = str | int  # a name, or a number that counts from 0
Columns = tuple[Column, ...]
LANGUAGE = re.compile("[a-z]{2,3}(-[a-z]+)*")
QUOTING: tuple[str, ...] = ("none", "double")
NO_QUOTES = QUOTING[0]
PATTERN = "re:"  # before a regular expression
TAB_NAMES = ("\\t", "tab")  # other ways to write a tab


def _are_columns(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        column if isinstance(column, str) else isinstance(column, int) and is_whole(column, least=0)
        for column in value
    )


def _is_delimiter(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in '"\r\n'


def _is_separator(value: Any) -> bool:
    return isinstance(value, str) and value not in ("", PATTERN)


def _is_language(value: Any) -> bool:
    return isinstance(value, str) and LANGUAGE.fullmatch(value) is not None


COLUMNS = Allowed("names of columns, or their numbers from 0", _are_columns)
DELIMITER = Allowed("one character, not a quote", _is_delimiter)
ENCODING = Allowed("a text encoding that Python knows, such as cp1252 or gb18030", is_text_encoding)
RECORD_SEPARATOR = Allowed("blank, a string, or re: and a regular expression", _is_separator)
STRING = Allowed("a string", lambda value: isinstance(value, str))
CODE = Allowed("a code such as en, de or zh", _is_language)
REUSE = OptionRow(
    SWITCH, "Cache the encoded texts of large files for the next run", negative="--no-reuse"
)  # says nothing of what is read, so it is no field


@dataclass(frozen=True, kw_only=True)
class ReadOptions:
    """The options of reading texts; `read_records` documents each.

    Args:
        text: The columns that make up the text; empty for the column named ``text`` or the only column.
        context: The columns that make up the context.
        document: Whether the texts are one long stream in their own order.
        format: The format of the texts, a key of `SOURCES`; None for the format of a named corpus.
        header: Whether the first row of a table has the names of the columns; None to decide by its look.
        delimiter: The character between the columns of a table; None for the usual one of the format.
        separator: The string between the columns that make up one text.
        normalization: The Unicode form of the texts, or None.
        split: The parts into which each text is cut, a key of `SPLITS`, or None.
        language: The code of the language whose abbreviations the split knows.
        encoding: The encoding of the files; None for UTF-8, or the one that a byte order mark names.
        quoting: What a double quote means in a table, one of `QUOTING`; None for "double", with an error
            where quotes seem to have joined rows.
        record_separator: What stands between the records of plain text; None for the end of a line.
        source_text: The columns that make up the source of each text; empty for none.

    Raises:
        ConfigError: If a value is out of its range.
    """

    # fmt: off
    text: Annotated[Columns, OptionRow(
        COLUMNS, "Column with the text, by name or by number from 0; several are joined; beside --source it "
        "has the answers, and may be called --target",
        aliases=("target",),
        elsewhere=("column", "columns", "text_column", "text_field", "dataset_text_field"))] = ()
    context: Annotated[Columns, OptionRow(COLUMNS,
        "Column that the model learns to condition the text on, or length",
        elsewhere=("label", "labels", "label_column", "condition"))] = ()
    document: Annotated[bool, OptionRow(
        SWITCH, "Read the file as one long document instead of one text per line",
        elsewhere=("one_document",))] = False
    format: Annotated[str | None, OptionRow(
        one_of("unspool._text.reading.sources:SOURCES"), "{choices}", shown="by the file's name",
        takes_none=False,
        elsewhere=("file_format", "file_type"))] = None
    header: Annotated[bool | None, OptionRow(
        SWITCH, "Whether a table's first row names its columns", shown="detected",
        negative="--no-header", takes_none=False)] = None
    delimiter: Annotated[str | None, OptionRow(
        DELIMITER, "Character between the columns of a table", shown="by the format and the look",
        escapes=True,
        elsewhere=("sep",))] = None
    quoting: Annotated[str | None, OptionRow(
        one_of("unspool._text.reading.read_options:QUOTING"),
        "What quotes mean in a table, {choices}: double are around fields and may join lines",
        shown="double, unless they join rows", takes_none=False)] = None
    separator: Annotated[str, OptionRow(
        STRING, "Text put between joined text columns", shown="a space", escapes=True)] = " "
    record_separator: Annotated[str | None, OptionRow(
        RECORD_SEPARATOR, "What stands between the texts of plain text: blank (a blank line), a string, "
        "or re: and a regular expression", shown="the end of a line", escapes=True)] = None
    normalization: Annotated[str | None, OptionRow(
        one_of("unspool._text.records:NORMALIZATIONS"), "Unicode form: {choices}")] = "NFC"
    split: Annotated[str | None, OptionRow(
        one_of("unspool._text.reading.sentences:SPLITS"), "Split each text into: {choices}")] = None
    language: Annotated[str, OptionRow(
        CODE, "Language of the texts for --split, as a code",
        elsewhere=("lang",))] = "en"
    encoding: Annotated[str | None, OptionRow(
        ENCODING, "Encoding of the text, such as cp1252, gb18030 or utf-16",
        shown="utf-8, or by a byte order mark")] = None
    source_text: Annotated[Columns, OptionRow(
        COLUMNS, "For pairs: column with the sources; --target is the column with the answers",
        flag="source")] = ()
    # fmt: on

    def __post_init__(self) -> None:
        if self.delimiter in TAB_NAMES:
            object.__setattr__(self, "delimiter", "\t")
        check_rows(self)
        if self.encoding is not None:
            object.__setattr__(self, "encoding", codecs.lookup(self.encoding).name)
        if self.record_separator is not None and self.document:
            hint = "leave one of them out"
            raise ConfigError("record_separator does not work with document", hint=hint)
        one_stream = self.source_text and (self.document or self.split is not None)
        if one_stream:
            raise ConfigError(
                "source_text does not work with document or split", hint="leave one of them out"
            )
