"""Find the known symbols that are most similar to an unknown one."""

import difflib
import unicodedata
from collections.abc import Iterator, Mapping

MOST = 3  # most symbols that a message shows
SEARCHED = 5000  # most frequent symbols that are searched one by one; a vocabulary can have a million
SPELT = 200  # most frequent words with the same first letter that are compared letter by letter

LOOK_ALIKES = {
    "\u2018": "'`", "\u2019": "'`", "\u201a": ",'", "\u201b": "'", "\u2032": "'", "`": "'", "\u00b4": "'",
    "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"<', "\u00bb": '">', "\u2033": '"',
    "\u2010": "-", "\u2011": "-", "\u2012": "-", "\u2013": "-", "\u2014": "-", "\u2212": "-", "\u2022": "*-",
    "\u00d7": "x*", "\u00f7": "/", "\u3002": ".", "\u3001": ",", "\u00df": "s", "\u00f8": "o", "\u0142": "l",
    "\t": " ", "\n": " ", "\r": "\n ", "[": "(", "]": ")", "{": "(", "}": ")", ";": ",:", ":": ";",
}  # fmt: skip


def nearest_symbols(symbol: str, known: Mapping[str, int]) -> list[str]:
    """Return the known symbols that a user may have meant, best first.

    The order of the search: the symbol in other cases; its compatibility form, with and without accents;
    characters that look like it. If none of these is known: for a single character, the nearest code points
    of its script and category; for a longer symbol, the most similar spellings.

    Args:
        symbol: A symbol that is not in `known`.
        known: Known symbols with their ids, the most frequent first.

    Returns:
        At most three symbols; none if nothing is similar.
    """
    similar = list(dict.fromkeys(one for one in _variants(symbol) if one in known))
    if not similar:
        similar = _neighbours(symbol, known) if len(symbol) == 1 else _spelt_alike(symbol, known)
    return similar[:MOST]


def replacement(symbol: str, known: Mapping[str, int]) -> str:
    """Return the known symbol that replaces an unknown one, if the user asked for replacement.

    It is the first of `nearest_symbols`. If nothing is similar, it is the symbol whose first character has
    the same category (a letter, a digit, punctuation, ...) and the nearest code point.

    Args:
        symbol: A symbol that is not in `known`.
        known: Known symbols with their ids, the most frequent first; at least one.
    """
    similar = nearest_symbols(symbol, known)
    if similar:
        return similar[0]
    category, code = unicodedata.category(symbol[0])[0], ord(symbol[0])
    return min(
        _frequent(known),
        key=lambda one: (unicodedata.category(one[0])[0] != category, abs(ord(one[0]) - code)),
    )


def _variants(symbol: str) -> Iterator[str]:
    """Yield other spellings of the symbol, the closest first."""
    compatible = unicodedata.normalize("NFKC", symbol)
    apart = unicodedata.normalize("NFKD", symbol)
    bare = "".join(character for character in apart if not unicodedata.combining(character))
    for form in (symbol, compatible, bare):
        yield from (form, form.lower(), form.upper(), form.capitalize(), form.casefold())
    yield from LOOK_ALIKES.get(symbol, "")


def _neighbours(symbol: str, known: Mapping[str, int]) -> list[str]:
    """Return the characters of the same script and category with the nearest code points."""
    family = _family(symbol)
    relatives = [one for one in _frequent(known) if len(one) == 1 and _family(one) == family]
    return sorted(relatives, key=lambda one: abs(ord(one) - ord(symbol)))[:MOST]


def _family(character: str) -> tuple[str, str]:
    """Return a character's category and its script, which is the first word of its name."""
    category = unicodedata.category(character)[0]
    name = unicodedata.name(character, "").split(" ", 1)[0]
    return category, name if category in "LM" else ""


def _spelt_alike(symbol: str, known: Mapping[str, int]) -> list[str]:
    first = symbol[0].casefold()
    bucket = [one for one in _frequent(known) if one[0].casefold() == first and len(one) > 1]
    return difflib.get_close_matches(symbol, bucket[:SPELT], n=MOST, cutoff=0.6)


def _frequent(known: Mapping[str, int]) -> list[str]:
    return [one for one, _ in zip(known, range(SEARCHED), strict=False)]
