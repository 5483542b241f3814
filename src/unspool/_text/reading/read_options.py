"""The options of reading texts."""

import re
from dataclasses import dataclass
from typing import Annotated, Any

from unspool._configuration import SWITCH, Allowed, OptionRow, check_rows, is_whole, one_of
from unspool._errors import ConfigError

STANDARD_INPUT = "-"  # as the name of a source
Column = str | int  # a name, or a number that counts from 0
Columns = tuple[Column, ...]
LANGUAGE = re.compile("[a-z]{2,3}(-[a-z]+)*")
TAB_NAMES = ("\\t", "tab")  # other ways to write a tab


def _are_columns(value: Any) -> bool:
    return isinstance(value, tuple) and all(
        column if isinstance(column, str) else isinstance(column, int) and is_whole(column, least=0)
        for column in value
    )


def _is_delimiter(value: Any) -> bool:
    return isinstance(value, str) and len(value) == 1 and value not in '"\r\n'


def _is_language(value: Any) -> bool:
    return isinstance(value, str) and LANGUAGE.fullmatch(value) is not None


COLUMNS = Allowed("names of columns, or their numbers from 0", _are_columns)
DELIMITER = Allowed("one character, not a quote", _is_delimiter)
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
        source_text: The columns that make up the source of each text; empty for none.

    Raises:
        ConfigError: If a value is out of its range.
    """

    # fmt: off
    text: Annotated[Columns, OptionRow(
        COLUMNS, "Column with the text, by name or by number from 0; several are joined",
        aliases=("target",))] = ()
    context: Annotated[Columns, OptionRow(COLUMNS,
        "Column that the model learns to condition the text on, or length")] = ()
    document: Annotated[bool, OptionRow(
        SWITCH, "Read the file as one long document instead of one text per line")] = False
    format: Annotated[str | None, OptionRow(
        one_of("unspool._text.reading.sources:SOURCES"), "{choices}", shown="by the file's name",
        takes_none=False)] = None
    header: Annotated[bool | None, OptionRow(
        SWITCH, "Whether a table's first row names its columns", shown="detected",
        negative="--no-header", takes_none=False)] = None
    delimiter: Annotated[str | None, OptionRow(
        DELIMITER, "Character between the columns of a table", shown="by the format")] = None
    separator: Annotated[str, OptionRow(
        STRING, "Text put between joined text columns", shown="a space")] = " "
    normalization: Annotated[str | None, OptionRow(
        one_of("unspool._text.records:NORMALIZATIONS"), "Unicode form: {choices}")] = "NFC"
    split: Annotated[str | None, OptionRow(
        one_of("unspool._text.reading.sentences:SPLITS"), "Split each text into: {choices}")] = None
    language: Annotated[str, OptionRow(
        CODE, "Language of the texts for --split, as a code")] = "en"
    source_text: Annotated[Columns, OptionRow(
        COLUMNS, "For pairs: column with the sources; --target is the column with the answers",
        flag="source")] = ()
    # fmt: on

    def __post_init__(self) -> None:
        if self.delimiter in TAB_NAMES:
            object.__setattr__(self, "delimiter", "\t")
        check_rows(self)
        one_stream = self.source_text and (self.document or self.split is not None)
        if one_stream:
            raise ConfigError(
                "source_text does not work with document or split", hint="leave one of them out"
            )
