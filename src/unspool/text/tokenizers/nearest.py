"""Find the known symbols that are most like one that a model does not know."""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping

MOST = 3  # symbols shown in a message
SEARCHED = 5000  # most frequent symbols that are looked at one by one; a vocabulary can have a million
SPELT = 200  # most frequent words with the same first letter that are compared letter by letter

LOOK_ALIKES = {
    "\u2018": "'`", "\u2019": "'`", "\u201a": ",'", "\u201b": "'", "\u2032": "'", "`": "'", "\u00b4": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"<', "\u00bb": '">', "\u2033": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2022": "*-",
    "\u00d7": "x*", "\u00f7": "/", "\u3002": ".", "\u3001": ",", "\u00df": "s", "\u00f8": "o", "\u0142": "l",
    "\t": " ", "\n": " ", "\r": "\n ", "[": "(", "]": ")", "{": "(", "}": ")", ";": ",:", ":": ";",
}  # fmt: skip


def nearest_symbols(symbol: str, known: Mapping[str, int]) -> list[str]:
    """List the known symbols that a user may have meant, best first.

    Tried in this order: other cases of the symbol; its compatibility form, and that without accents;
    characters that look like it; where none of these is known, for a single character the nearest code
    points of its own script and category, and for a longer symbol the ones spelt most alike.

    Args:
        symbol: A symbol that is not in `known`.
        known: Known symbols with their ids, the most frequent first.

    Returns:
        At most three symbols; none if nothing is alike.
    """
    found = list(dict.fromkeys(one for one in _variants(symbol) if one in known))
    if not found:
        found = _neighbours(symbol, known) if len(symbol) == 1 else _spelt_alike(symbol, known)
    return found[:MOST]


def replacement(symbol: str, known: Mapping[str, int]) -> str:
    """Choose the known symbol that stands in for an unknown one when that was asked for.

    It is the first of `nearest_symbols`; where nothing is alike, the symbol whose first character has the
    same category (a letter, a digit, punctuation, ...) and the nearest code point.

    Args:
        symbol: A symbol that is not in `known`.
        known: Known symbols with their ids, the most frequent first; at least one.
    """
    found = nearest_symbols(symbol, known)
    if found:
        return found[0]
    category, code = unicodedata.category(symbol[0])[0], ord(symbol[0])
    return min(
        _frequent(known),
        key=lambda one: (unicodedata.category(one[0])[0] != category, abs(ord(one[0]) - code)),
    )


def _variants(symbol: str) -> Iterator[str]:
    """Yield what the symbol becomes under other spellings, the closest first."""
    compatible = unicodedata.normalize("NFKC", symbol)
    apart = unicodedata.normalize("NFKD", symbol)
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    for form in (symbol, compatible, bare):
        yield from (form, form.lower(), form.upper(), form.capitalize(), form.casefold())
    yield from LOOK_ALIKES.get(symbol, "")


def _neighbours(symbol: str, known: Mapping[str, int]) -> list[str]:
    """Give the characters of the same script and category whose code points are nearest."""
    family = _family(symbol)
    relatives = [one for one in _frequent(known) if len(one) == 1 and _family(one) == family]
    return sorted(relatives, key=lambda one: abs(ord(one) - ord(symbol)))[:MOST]


def _family(character: str) -> tuple[str, str]:
    """Name a character's script, which is the first word of its name for all that have one, and category."""
    category = unicodedata.category(character)[0]
    name = unicodedata.name(character, "").split(" ", 1)[0]
    return category, name if category in "LM" else ""


def _spelt_alike(symbol: str, known: Mapping[str, int]) -> list[str]:
    first = symbol[0].casefold()
    bucket = [one for one in _frequent(known) if one[0].casefold() == first and len(one) > 1]
    return difflib.get_close_matches(symbol, bucket[:SPELT], n=MOST, cutoff=0.6)


def _frequent(known: Mapping[str, int]) -> list[str]:
    return [one for one, _ in zip(known, range(SEARCHED), strict=False)]
