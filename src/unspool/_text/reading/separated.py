"""Plain text whose records are not lines: what stands between them is a blank line, a string or a pattern."""

import re
from collections.abc import Iterator

from unspool._errors import ConfigError, CorpusError
from unspool._text.reading.decoding import text_blocks
from unspool._text.reading.places import FilePlace
from unspool._text.reading.read_options import PATTERN, ReadOptions
from unspool._text.records import Record, normalized

BLANK = "blank"  # the word for one blank line or more
LINE_END = re.compile("\r\n|\r")  # those besides \n, which is all that a text has where it is cut
MARGIN = 1 << 12  # characters after a separator, without which it may still become longer
LONGEST_RECORD = 1 << 24  # characters; a separator that never comes must not read a whole disk into memory


def separator_pattern(separator: str) -> re.Pattern[str]:
    """Return the pattern of what stands between records.

    Args:
        separator: ``blank``, a string, whose line ends are like those of the text, or ``re:`` and a regular
            expression, in which ``^`` and ``$`` match at each line.

    Raises:
        ConfigError: If the regular expression is broken.
    """
    if separator == BLANK:
        return re.compile(r"\n\s*\n")
    if not separator.startswith(PATTERN):
        return re.compile(re.escape(LINE_END.sub("\n", separator)))
    try:
        return re.compile(separator.removeprefix(PATTERN), re.MULTILINE)
    except re.error as error:
        got = f"{separator[:60]!r} ({error})"
        raise ConfigError("record_separator", expected="re: and a regular expression", got=got) from None


def read_separated(place: FilePlace, options: ReadOptions) -> Iterator[Record]:
    """Read plain text whose records have a separator between them.

    A record keeps its line ends and its empty lines, but for those around it. Records that are only white
    space are passed over without a word, as empty lines are.

    Raises:
        CorpusError: If a record is longer than 16,777,216 characters.
    """
    pattern = separator_pattern(options.record_separator or BLANK)
    found = 0
    for text in _cut(place, pattern):
        found += 1
        record = _without_blank_lines(text)
        if record:
            yield Record(normalized(record, options.normalization))
    if found == 1:
        separator = f"the record separator {options.record_separator!r}"
        place.notes.say(f"{place.name}: {separator} does not occur, so it is one text", warning=True)


def _without_blank_lines(text: str) -> str:
    """Return a record without the blank lines around it; nothing if it has no others."""
    end = len(text.rstrip())
    begin = text.rfind("\n", 0, len(text) - len(text.lstrip())) + 1
    return text[begin:end] + text[end:].split("\n", 1)[0] if end else ""


def _cut(place: FilePlace, pattern: re.Pattern[str]) -> Iterator[str]:
    """Yield what stands between the separators, a block at a time."""
    text, begin = "", 0
    for block in text_blocks(place):
        kept = max(0, begin - 1)  # a character before the record, for patterns that look back
        text, begin = text[kept:] + block, begin - kept
        for match in pattern.finditer(text, begin):
            if match.end() + MARGIN > len(text):
                break
            yield text[begin : match.start()]
            begin = match.end()
        if len(text) - begin > LONGEST_RECORD:
            limit = f"at most {LONGEST_RECORD:,} characters in a record"
            hint = "choose another --record-separator, or read it as one --document"
            got = f"more, which begin {text[begin : begin + 40]!r}"
            raise CorpusError(f"{place.name}: a record is too long", expected=limit, got=got, hint=hint)
    for match in pattern.finditer(text, begin):
        yield text[begin : match.start()]
        begin = match.end()
    yield text[begin:]
