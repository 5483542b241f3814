"""Turn text into arrays of Unicode code points and back, with no Python step per character."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.errors import InputError


def to_codepoints(text: str) -> NDArray[Any]:
    """Give the code point of each character.

    Args:
        text: A text without lone surrogates.

    Returns:
        Unsigned integers; uint8 for ASCII text, which is four times less to go through.  # (N,)

    Raises:
        UnicodeEncodeError: If the text has a lone surrogate; its `start` says where.
    """
    if text.isascii():
        return np.frombuffer(text.encode("ascii"), np.uint8)
    return np.frombuffer(text.encode("utf-32-le"), "<u4")


def from_codepoints(codepoints: NDArray[Any]) -> str:
    """Put characters together into a text.

    Args:
        codepoints: Code points of characters, none of them a surrogate.  # (N,)
    """
    return codepoints.astype("<u4").tobytes().decode("utf-32-le")


def lone_surrogate(kind: type[InputError], symbol: str, place: str) -> InputError:
    """Build the error about half of a UTF-16 pair, which is no character and fits in no file.

    Args:
        kind: Class of the error.
        symbol: The surrogate.
        place: Where it is: "character 3 of the text".
    """
    hint = "clean the text before it comes here"
    if "\udc80" <= symbol <= "\udcff":
        hint = f"it stands for the byte 0x{ord(symbol) - 0xDC00:02X} that was not UTF-8; fix the encoding"
    return kind(place, expected="a Unicode character", got=f"the lone surrogate {name_of(symbol)}", hint=hint)


def name_of(symbol: str) -> str:
    """Show a symbol for a message: quoted, and with its code point if it is one character."""
    if len(symbol) != 1:
        return repr(symbol)
    code = f"U+{ord(symbol):04X}"
    return code if "\ud800" <= symbol <= "\udfff" else f"{symbol!r} ({code})"
