r"""Anchors and word boundaries: conditions on the characters before and after a place.

The next character is not known while a text is read. So a branch of the automaton that goes through ``$`` or
``\b`` makes a promise: a set of possible next characters, one of which must come. Reading the next character
checks it.
"""

import re

# The possible futures: the end; a line feed and then the end; a line feed and then more; a character.
END, LAST_LINE_FEED, LINE_FEED, ASCII_WORD, OTHER_WORD, OTHER = (1 << bit for bit in range(6))
ANYTHING = END | LAST_LINE_FEED | LINE_FEED | ASCII_WORD | OTHER_WORD | OTHER

START = 0  # the kind "before the first character"; after that it is the kind of the last character
KINDS = (START, LINE_FEED, ASCII_WORD, OTHER_WORD, OTHER)
Condition = dict[int, int]  # kind of the character before -> the futures that remain possible

BEGINNING: Condition = {kind: ANYTHING * (kind == START) for kind in KINDS}
LINE_BEGINNING: Condition = {kind: ANYTHING * (kind in (START, LINE_FEED)) for kind in KINDS}
TEXT_END: Condition = dict.fromkeys(KINDS, END)
ENDING: Condition = dict.fromkeys(KINDS, END | LAST_LINE_FEED)
LINE_ENDING: Condition = dict.fromkeys(KINDS, END | LAST_LINE_FEED | LINE_FEED)


def kind_of(character: str) -> int:
    """Return the kind of a character."""
    if character == "\n":
        return LINE_FEED
    if not re.match(r"\w", character):
        return OTHER
    return ASCII_WORD if character.isascii() else OTHER_WORD


def condition(name: str, flags: int) -> Condition | None:
    """Return the condition of an anchor by its name in CPython's parse tree; None if it is not known."""
    lines = bool(flags & re.MULTILINE)
    table = {
        "AT_BEGINNING": LINE_BEGINNING if lines else BEGINNING,
        "AT_BEGINNING_STRING": BEGINNING,
        "AT_END": LINE_ENDING if lines else ENDING,
        "AT_END_STRING": TEXT_END,
        "AT_BOUNDARY": _boundary(flags, at_one=True),
        "AT_NON_BOUNDARY": _boundary(flags, at_one=False),
    }
    return table.get(name)


def _boundary(flags: int, *, at_one: bool) -> Condition:
    words = ASCII_WORD if flags & re.ASCII else ASCII_WORD | OTHER_WORD
    rest = ANYTHING & ~words
    table = {kind: rest if bool(kind & words) == at_one else words for kind in KINDS}
    if not at_one and re.fullmatch(r"\B", "") is None:
        table[START] &= ~END  # before Python 3.14 an empty text has no \B
    return table


def after(promise: int, kind: int) -> int:
    """Return the promise that remains after a character of this kind; 0 if that breaks it."""
    if kind != LINE_FEED:
        return ANYTHING if promise & kind else 0
    last = END if promise & LAST_LINE_FEED else 0
    return last | (ANYTHING & ~END if promise & LINE_FEED else 0)
