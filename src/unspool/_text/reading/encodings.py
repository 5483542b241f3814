"""Encodings: which Python reads, which a byte order mark names, and which the bytes of a file speak for."""

import codecs
import io
import re
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import pairwise

SAMPLE = 1 << 16  # bytes around a wrong one that are judged
PLAUSIBLE = 0.9  # share of the characters beyond ASCII that must be in order
NEAR = 0.04  # encodings whose shares differ by less are both named
LEAST_SIGNS = 2  # ideographs or syllables
LEAST_LETTERS = 3  # frequent letters of another script, without which there is no evidence for it
MOST_NAMED = 3
UNFIT = 0.15  # share of letters by which a reading that fits a language worse than another one is left out
EXCERPT = 24  # characters of a text that shows what an encoding makes of the bytes

MARKS = (  # those of UTF-32 begin with those of UTF-16
    (codecs.BOM_UTF32_LE, "utf-32"),
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
QUOTES_AND_DASHES = frozenset("“”‘’«»‹›–—…•·°§€£©®™¿¡ªº\xa0")
OPENING = frozenset("„‚")  # a letter before it is a sign of another encoding
CYRILLIC = frozenset("оеаинтсрвлкмдпуя")  # the sixteen that make up four fifths of Russian
GREEK = frozenset("αοιετσνηυρπκλμάόίέ")
HEBREW = frozenset("יוהלאתרבמשנם")
FINALS = re.compile("[ךםןףץ]([א-ת])?")  # letters in the form of the end of a word, and what goes on there

LANGUAGES = (  # the letters beyond ASCII of languages in Latin letters, the small ones
    "àâæçèéêëîïôœùûüÿ",  # French
    "äöüß",  # German
    "áéíñóúü",  # Spanish
    "àáâãçéêíóôõú",  # Portuguese
    "àèéìíîòóùú",  # Italian
    "àçèéíïòóúü",  # Catalan
    "áéëèïóöü",  # Dutch
    "åäöæøéü",  # the Nordic languages
    "áæðéíóöúýþ",  # Icelandic
    "äõöüšž",  # Estonian
    "çë",  # Albanian
    "ąćęłńóśźż",  # Polish
    "áčďéěíňóřšťúůýž",  # Czech
    "áäčďéíĺľňóôŕšťúýž",  # Slovak
    "áéíóöőúüű",  # Hungarian
    "âăîșțşţ",  # Romanian
    "ćčđšž",  # Croatian and Slovene
    "âçğıîöşûü",  # Turkish
    "ąčęėįšųūž",  # Lithuanian
    "āčēģīķļņšūž",  # Latvian
)
LETTERS = frozenset("".join(LANGUAGES))


def is_text_encoding(name: object) -> bool:
    """Return whether Python decodes text by an encoding of this name; ``rot13`` and ``base64`` are none."""
    try:
        io.TextIOWrapper(io.BytesIO(), encoding=name)  # type: ignore[arg-type]
        codecs.getincrementaldecoder(str(name))().decode(b"")
    except (LookupError, ValueError, TypeError):
        return False
    return isinstance(name, str)


def marked_encoding(start: bytes) -> str | None:
    """Return the encoding that a byte order mark names; None for no mark, or that of UTF-8."""
    return next((name for mark, name in MARKS if start.startswith(mark)), None)


def zeros_speak_for(data: bytes) -> str | None:
    """Return the kind of UTF-16 that has its zeros where these bytes have them, or None."""
    even, odd = data[::2].count(0), data[1::2].count(0)
    if 4 * (even + odd) < len(data) or 10 * min(even, odd) > max(even, odd):
        return None
    return "utf-16-le" if odd > even else "utf-16-be"


def candidates(data: bytes, place: int) -> list[tuple[str, str]]:
    """Return the encodings that the bytes around a wrong one speak for, best first.

    An encoding has to decode all of them, to words whose letters are of one script and one case or begin with
    a capital, or to the frequent characters of its language. Of encodings that read the same, the most usual
    is named. Of those that read Latin letters, one is left out whose letters no language has, or has together
    if another makes letters that one language has. None is named for want of another.

    Args:
        data: Bytes that are not UTF-8.
        place: The place of the first wrong one.

    Returns:
        The names, each with some words as it reads them.
    """
    begin = data.rfind(b"\n", 0, max(0, place - SAMPLE // 2)) + 1
    sample = data[begin : begin + SAMPLE]
    found: dict[str, tuple[float, str]] = {}
    for name, judge in JUDGES.items():
        try:
            text = codecs.getincrementaldecoder(name)().decode(sample)
        except UnicodeDecodeError:
            continue
        score = judge(text)
        if score >= PLAUSIBLE and text not in found:
            found[text] = score, name
    best = max((score for score, _ in found.values()), default=0.0)
    near = {name: text for text, (score, name) in found.items() if score > best - NEAR}
    fits = {name: _language_fit(text) if JUDGES[name] is LATIN else 1.0 for name, text in near.items()}
    fitting = [name for name in near if fits[name] > max(0.0, *fits.values()) - UNFIT]
    fitting.sort(key=lambda name: -fits[name])
    return [(name, _excerpt(near[name])) for name in fitting[:MOST_NAMED]]


def _language_fit(text: str) -> float:
    """Return the share of the letters beyond ASCII that the language with most of them has.

    It is 0 of a text without such letters, and -1 of one with many that no language here has.
    """
    letters = Counter(letter for letter in text.lower() if letter.isalpha() and not letter.isascii())
    if sum(letters[letter] for letter in LETTERS) < PLAUSIBLE * letters.total():
        return -1.0
    known = max(sum(letters[letter] for letter in language) for language in LANGUAGES)
    return known / (letters.total() or 1)


def _excerpt(text: str) -> str:
    first = next(place for place, character in enumerate(text) if not character.isascii())
    begin = max(text.rfind("\n", 0, first) + 1, first - EXCERPT // 2)
    return text[begin : begin + EXCERPT].split("\n", maxsplit=1)[0].strip()


@dataclass(frozen=True)
class _Alphabet:
    """How letters of a single-byte encoding are judged.

    Args:
        first: The first letter of its script.
        last: The last letter of its script.
        frequent: The letters that make up most of a text; empty for Latin, which has ASCII for that.
    """

    first: str
    last: str
    frequent: frozenset[str] = frozenset()

    def __call__(self, text: str) -> float:
        """Return the share of the characters beyond ASCII that are in order."""
        marks = list(re.finditer(r"[^\x00-\x7f]", text))
        if not marks:
            return 0.0
        words = [word[0] for word in re.finditer(r"[^\W\d_]+", text) if not word[0].isascii()]
        letters = "".join(words)
        foreign = [letter for letter in letters if not letter.isascii()]
        usual = (
            sum(letter.lower() in self.frequent for letter in foreign)
            >= max(LEAST_LETTERS, 0.6 * len(foreign))
            if self.frequent
            else len(foreign) <= 0.6 * len(letters)
        )
        if not usual:
            return 0.0
        good = sum(sum(not letter.isascii() for letter in word) for word in words if self._is_word(word))
        good += sum(self._is_mark(text, mark.start()) for mark in marks if not mark[0].isalpha())
        return good / len(marks)

    def _is_word(self, word: str) -> bool:
        of_script = (
            self.first <= letter <= self.last or (letter.isascii() and not self.frequent) for letter in word
        )
        mixed = any(a.islower() and b.isupper() and not (a + b).isascii() for a, b in pairwise(word))
        return all(of_script) and not mixed

    @staticmethod
    def _is_mark(text: str, place: int) -> bool:
        before, after = text[max(0, place - 1) : place], text[place + 1 : place + 2]
        inside = before.isalpha() and after.isalpha() and text[place] not in "’–—"
        return not inside and (
            text[place] in QUOTES_AND_DASHES or (text[place] in OPENING and not before.isalnum())
        )


def _ideographs(encoding: str, last: int, *, kana: bool = False) -> Callable[[str], float]:
    """Return a judge that counts the frequent ideographs, which come first in a national standard.

    Args:
        encoding: The standard.
        last: The first byte of the last frequent ideograph.
        kana: Whether there must be kana, which count as well.
    """

    def share(text: str) -> float:
        foreign = [character for character in text if not character.isascii()]
        if not foreign:
            return 0.0
        if sum(character >= "\u3041" for character in foreign) < LEAST_SIGNS:
            return 0.0
        syllables = sum("\u3041" <= character <= "\u30fe" for character in foreign)
        if kana and 10 * syllables < len(foreign):
            return 0.0
        good = sum(_is_frequent(character, encoding, last, kana=kana) for character in foreign)
        return good / len(foreign)

    return share


def _is_frequent(character: str, encoding: str, last: int, *, kana: bool) -> bool:
    if "\u3000" <= character <= "\u3020" or "\uff01" <= character <= "\uff5e":
        return True  # punctuation
    if "\u3041" <= character <= "\u30fe":
        return kana
    encoded = character.encode(encoding, "ignore")
    return len(encoded) == 2 and encoded[0] <= last and character >= "\u3400"


def _hangul(text: str) -> float:
    """Return the share of the usual syllables, of which there are so few that they outweigh ideographs."""
    foreign = [character for character in text if not character.isascii()]
    good = sum("\uac00" <= c <= "\ud7a3" and len(c.encode("euc_kr", "ignore")) == 2 for c in foreign)
    share = good / len(foreign) if foreign else 0.0
    return share + NEAR * (share >= PLAUSIBLE)


def _hebrew(text: str) -> float:
    """Return the share of the letters in order; finals that end words are a sign that outweighs others."""
    going_on = FINALS.findall(text)
    share = HEBREW_LETTERS(text) if 10 * sum(map(bool, going_on)) <= len(going_on) else 0.0
    return share + NEAR * (share >= PLAUSIBLE)


HEBREW_LETTERS = _Alphabet("\u05d0", "\u05ea", HEBREW)
LATIN, RUSSIAN = _Alphabet("\xc0", "\u024f"), _Alphabet("\u0400", "\u045f", CYRILLIC)
JUDGES: dict[str, Callable[[str], float]] = {
    "cp1252": LATIN,
    "cp1250": LATIN,
    "cp1254": LATIN,
    "iso8859-2": LATIN,
    "cp1257": LATIN,
    "mac-roman": LATIN,
    "cp850": LATIN,
    "cp1251": RUSSIAN,
    "koi8-r": RUSSIAN,
    "cp866": RUSSIAN,
    "cp1253": _Alphabet("\u0370", "\u03ff", GREEK),
    "cp1255": _hebrew,
    "gb18030": _ideographs("gb2312", 0xD7),
    "big5": _ideographs("big5", 0xC6),
    "shift_jis": _ideographs("euc_jp", 0xCF, kana=True),
    "euc_jp": _ideographs("euc_jp", 0xCF, kana=True),
    "cp949": _hangul,
}
