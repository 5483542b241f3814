"""Split text into words, single punctuation marks and single white space characters.

Joined, the tokens are exactly the text. So a word-level model can be streamed and prompted like any other,
and no space has to be guessed. A token is:

- one white space character;
- one letter (with its combining marks) of a script that puts no space between words: Chinese and Japanese,
  Thai, Lao, Khmer, Burmese and related ones;
- a word: letters, digits, underscores and combining marks of any other script, with an apostrophe or a
  zero-width joiner inside (``don't``); more than 64 letters in a row continue in another token;
- one emoji with everything that belongs to it, or a flag;
- any other single character, with its combining marks.
"""

import functools
import re
import unicodedata

LONGEST = 64  # most letters in a row, marks on a letter, parts of a word: bounds a token of a hostile text
NEAR_END = 4096  # characters before the end of a piece in which a white space is looked for

UNSPACED = (
    "\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u1950-\u19ff\u1a20-\u1aaf\ua980-\ua9ff\uaa60-\uaa7f"
    "\u3005-\u3007\u3021-\u3029\u3031-\u303c\u3041-\u30ff\u31f0-\u31ff\uff66-\uff9f\U0001b000-\U0001b16f"
    "\u3400-\u4dbf\u4e00-\u9fff\ua000-\ua4cf\uf900-\ufaff\U00020000-\U0003ffff"
)
MARK_PLANES = (range(0x300, 0x20000), range(0xE0100, 0xE01F0))  # no combining mark lies elsewhere
SKIN_TONES = "\U0001f3fb-\U0001f3ff"
FLAG_LETTERS = "\U0001f1e6-\U0001f1ff"
TAGS = "\U000e0020-\U000e007f"  # the letters inside the flags of regions


def split_words(text: str) -> list[str]:
    """Return the tokens of a text; joined, they are the text.

    Args:
        text: Any text.

    Returns:
        The tokens in order, none of them empty.
    """
    return (_ascii_pattern() if text.isascii() else _pattern()).findall(text)


def complete_length(text: str) -> int:
    """Return the length of the start of an unfinished text that can be split whatever follows.

    Args:
        text: The start of a text.

    Returns:
        A length from 0 to that of the text. The tokens of ``text[:length]`` are tokens of the whole text,
        whatever follows. Only the last few tokens are left over.
    """
    space = max(text.rfind(space, max(0, len(text) - NEAR_END)) for space in (" ", "\n"))
    if space >= 0:
        return space + 1
    return len(text) - sum(map(len, split_words(text)[-3:]))  # at most: a word, an apostrophe, a word


def word_pattern() -> str:
    """Return the regular expression of a token in Python's spelling, for programs that split texts alike.

    It needs Python 3.11 or newer, and the flag `re.DOTALL`.
    """
    return _pattern().pattern


@functools.cache
def _ascii_pattern() -> re.Pattern[str]:
    """Return the pattern for ASCII text: the twin of `_pattern`, twice as fast."""
    word = _word(letter=r"\w", joiners="", apostrophes="'")
    return re.compile(rf"{word}|.", re.DOTALL | re.ASCII)


@functools.cache
def _pattern() -> re.Pattern[str]:
    marks = _combining_marks()
    word = _word(letter=rf"[^\W{UNSPACED}]", joiners=f"{marks}\u200c\u200d", apostrophes="'\u2019")
    flag = rf"[{FLAG_LETTERS}]{{2}}"
    extend = rf"[{marks}{SKIN_TONES}{TAGS}]{{0,{LONGEST}}}+"
    other = rf"\S{extend}(?:\u200d[^\w\s]{extend}){{0,{LONGEST}}}+"
    return re.compile(rf"{word}|\s|{flag}|{other}", re.DOTALL)


def _word(*, letter: str, joiners: str, apostrophes: str) -> str:
    """Return the pattern of a word: runs of letters with joiners or apostrophes between them."""
    inside = rf"[{apostrophes}](?={letter})" + (rf"|[{joiners}]" if joiners else "")
    return rf"{letter}{{1,{LONGEST}}}+(?:(?:{inside}){letter}{{0,{LONGEST}}}+){{0,{LONGEST}}}+"


@functools.cache
def _combining_marks() -> str:
    """Return the combining marks as ranges of a character class; the class of words lacks them."""
    ranges: list[list[int]] = []
    for code in (code for plane in MARK_PLANES for code in plane):
        if unicodedata.category(chr(code))[0] == "M":
            if ranges and ranges[-1][1] == code - 1:
                ranges[-1][1] = code
            else:
                ranges.append([code, code])
    return "".join(f"{chr(first)}-{chr(last)}" for first, last in ranges)
