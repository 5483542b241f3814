"""Whether the first row of a table names its columns."""

import re
from collections.abc import Sequence

from unspool._text.reading.delimiters import NUMBER

LONGEST_NAME = 64  # characters of a column's name
LEAST_UNLIKE = 2  # values below a name that must all look unlike it
SHORT = 3  # values this many times as long as a name are unlike it

# fmt: off
USUAL_NAMES = frozenset({
    "abstract", "author", "body", "caption", "category", "class", "comment", "content", "date",
    "description", "headline", "id", "index", "key", "label", "language", "message", "name", "question",
    "quote", "score", "sentence", "source", "split", "summary", "tag", "target", "text", "title",
    "topic", "tweet", "type", "url", "utterance", "value",
})
# fmt: on
IDENTIFIER = re.compile(r"[A-Za-z][A-Za-z0-9]*(_[A-Za-z0-9]+)+")
WORD = re.compile(r"[^\W\d_]\w*")


def is_header(rows: Sequence[Sequence[str]]) -> bool:
    """Return whether the first row of a table has the names of the columns.

    It does not if a field is empty, a number, repeated, or longer than 64 characters. Otherwise it does if a
    field is a usual name of a column (``text``, ``title``, ``label`` ...) or is spelled like one
    (``review_text``), or if a column has numbers in all the other rows, or if a field is one word and every
    other value of its column, of which there are at least two, looks unlike it: it has other kinds of
    characters, as ``CC(=O)O`` has below ``smiles``, or is three times as long. Without any such sign there is
    no header: an extra name among the texts does less harm than a lost text.

    Args:
        rows: The first rows, at least one.
    """
    first = [field.strip() for field in rows[0]]
    if not may_be_header(rows[0]):
        return False
    if any(field.casefold() in USUAL_NAMES or IDENTIFIER.fullmatch(field) for field in first):
        return True
    rest = [row for row in rows[1:] if len(row) == len(first)]
    columns = [[row[i].strip() for row in rest] for i in range(len(first))]
    return any(
        (column and all(map(NUMBER.fullmatch, column)))
        or _is_name_of(field, [value for value in column if value])
        for field, column in zip(first, columns, strict=True)
    )


def may_be_header(row: Sequence[str]) -> bool:
    """Return whether all fields of a row could be names: none is empty, a number, repeated or very long."""
    fields = [field.strip() for field in row]
    return len(set(fields)) == len(fields) and not any(map(_is_value, fields))


def _is_value(field: str) -> bool:
    return not field or len(field) > LONGEST_NAME or NUMBER.fullmatch(field) is not None


def _is_name_of(field: str, values: Sequence[str]) -> bool:
    """Return whether a field is one word that looks unlike every value below it."""
    if not WORD.fullmatch(field) or len(values) < LEAST_UNLIKE:
        return False
    return all(_kinds(value) != _kinds(field) or len(value) >= SHORT * len(field) for value in values)


def _kinds(text: str) -> frozenset[str]:
    """Return the kinds of the characters of a text: capitals, other letters, digits, spaces, all else."""
    tests = (str.isupper, str.isalpha, str.isdigit, str.isspace)
    return frozenset(
        next((test.__name__ for test in tests if test(character)), "other") for character in text
    )
