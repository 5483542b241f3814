"""The classes of characters by which a text is split into words, as a table in C."""

import re
import sys
import unicodedata

import numpy as np

from unspool._exporting.c_literals import number_array
from unspool._text.tokenizers.word_tokens import LONGEST, MARK_PLANES, UNSPACED

OTHER, LETTER, UNSPACED_LETTER, MARK, SPACE = range(5)


def character_classes() -> str:
    """Return the names of the classes, and an array of the first character of each run of one class."""
    everything = "".join(map(chr, range(sys.maxunicode + 1)))
    classes = np.full(sys.maxunicode + 2, OTHER, np.uint32)
    for number, pattern in (
        (UNSPACED_LETTER, r"\w"),
        (LETTER, rf"[^\W{UNSPACED}]"),
        (SPACE, r"\s"),
    ):
        for found in re.finditer(f"(?:{pattern})+", everything):
            classes[found.start() : found.end()] = number
    marks = [code for plane in MARK_PLANES for code in plane if unicodedata.category(chr(code))[0] == "M"]
    classes[marks] = MARK
    classes = classes[:-1]
    first = np.flatnonzero(np.diff(classes, prepend=OTHER + 9)).astype(np.uint32)
    names = ", ".join(
        f"{name} = {number}"
        for name, number in (("OTHER", OTHER), ("LETTER", LETTER), ("MARK", MARK), ("SPACE", SPACE))
    )
    return "\n".join(
        [
            f"enum {{ {names}, LONGEST = {LONGEST} }};",
            "",
            "// The first character of each run of one class, times 8, and the class.",
            number_array("uint32_t", "classes", first * 8 + classes[first]),
        ]
    )
