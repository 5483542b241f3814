"""Sentences of a text, found in one window of text at a time.

The library sentencex finds the ends of sentences. It knows the punctuation of about 300 languages, such as
Chinese, Japanese, Hindi and Arabic, and lists of abbreviations. It is fast on short texts. But its time grows
with the square of the number of sentences in a paragraph, and a quotation mark that is never closed joins all
the text after it. So it gets only a window of the text, which grows while no sentence ends in it.
"""

import re
from collections.abc import Callable, Iterator
from itertools import accumulate

from unspool._errors import ConfigError, CorpusError
from unspool._extras import install_command
from unspool._text.reading.decoding import PIECE, place_to_cut
from unspool._text.records import Record

WINDOW = 1 << 10  # characters of a window
WIDEST = 1 << 13  # characters of the largest window
MARGIN = 64  # characters at the end of a window where no end counts: it depends on the text after the window
NOT_SPACES = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")

Segment = Callable[[str], list[str]]  # a text -> its sentences, with the white space between them


def split_sentences(records: Iterator[Record], *, language: str) -> Iterator[Record]:
    """Cut each text into sentences, each a record with the context of its text.

    Only the white space around a sentence is dropped. The sentences do not depend on the pieces of a text;
    only a sentence of more than a million characters is yielded in pieces.

    Args:
        records: The texts.
        language: The code of the language of the abbreviations: ``en``, ``de``, ``zh`` ... An unknown
            language uses punctuation and the abbreviations of English.

    Raises:
        ConfigError: If sentencex is not installed.
    """
    return _split(records, SentenceCutter(load_segment(language)))


SPLITS: dict[str, Callable[..., Iterator[Record]]] = {"sentences": split_sentences}


def load_segment(language: str) -> Segment:
    """Return a function that cuts a short text into sentences.

    Args:
        language: The code of the language of the abbreviations.

    Raises:
        ConfigError: If sentencex is not installed.
    """
    try:
        import sentencex  # noqa: PLC0415 (an extra that few need)
    except ModuleNotFoundError:
        what = "splitting into sentences needs the package sentencex, which is not installed"
        raise ConfigError(what, hint=install_command("sentences")) from None

    def segment(text: str) -> list[str]:
        # sentencex fails at an initial before a white space of several bytes ("A\u3000."), and at halves of
        # surrogate pairs; plain spaces in their place do not change the lengths.
        plain = text if text.isascii() else NOT_SPACES.sub(" ", text)
        try:
            return list(sentencex.segment(language, plain))
        except BaseException as error:
            if type(error).__name__ != "PanicException":  # a failed check in sentencex is no Exception
                raise
            hint = "train without split, and tell the makers of sentencex"
            raise CorpusError(f"sentencex cannot split {text[:60]!r}", got=str(error), hint=hint) from None

    return segment


class SentenceCutter:
    """A cutter of texts into sentences, for texts in pieces.

    Args:
        segment: Function that cuts a short text; only the lengths of its results are used.
        piece: Number of characters from which an unfinished sentence is yielded in pieces.
    """

    def __init__(self, segment: Segment, *, piece: int = PIECE) -> None:
        self._segment = segment
        self._piece = piece
        self._rest = ""  # the sentence that has not ended yet
        self._searched = 0  # number of its characters in which no sentence ends
        self._inside = False  # whether a piece of it has been yielded

    def feed(self, text: str, *, ends: bool) -> Iterator[tuple[str, bool]]:
        """Read the next piece of a text.

        Args:
            text: The piece.
            ends: Whether the text ends with the piece.

        Yields:
            A sentence and True, or a piece of a long one and False.
        """
        text = self._rest + text
        begin = 0
        for end in self._ends(text, self._searched, ends):
            if begin < end:
                yield from self._finished(text[begin:end])
            begin = end
        self._rest, self._searched = text[begin:], self._searched - begin
        while len(self._rest) >= self._piece and (cut := place_to_cut(self._rest)):
            yield self._rest[:cut] if self._inside else self._rest[:cut].lstrip(), False
            self._rest, self._searched, self._inside = self._rest[cut:], max(0, self._searched - cut), True

    def _finished(self, sentence: str) -> Iterator[tuple[str, bool]]:
        sentence = sentence.rstrip() if self._inside else sentence.strip()
        if sentence or self._inside:
            yield sentence, True
        self._inside = False

    def _ends(self, text: str, place: int, final: bool) -> Iterator[int]:
        """Yield the places where sentences end, and the end of the text if it is final.

        The result does not depend on the pieces of the text: a window is searched when it is full and there
        is text after it. `_searched` is set to the place that was reached.
        """
        size = WINDOW
        while place + size < len(text) or (final and place < len(text)):
            window = text[place : place + size]
            last = place + size >= len(text)
            ends = list(accumulate(map(len, self._segment(window))))
            places = [place + end for end in ends if last or end <= size - MARGIN]
            yield from places
            if not places and size < WIDEST:
                size *= 2
            else:
                place = places[-1] if places else place + size - MARGIN
                size = WINDOW
        if final:
            place = len(text)
            yield place
        self._searched = place


def _split(records: Iterator[Record], cutter: SentenceCutter) -> Iterator[Record]:
    for record in records:
        for text, ends in cutter.feed(record.text, ends=record.ends):
            yield Record(text, record.context, ends)
