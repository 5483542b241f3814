"""Cut texts into sentences, a window of text at a time.

Where a sentence ends is decided by the library sentencex: the punctuation of some 300 languages, Chinese,
Japanese, Hindi and Arabic among them, and lists of abbreviations. It is fast on short texts, but its time
grows with the square of a paragraph full of sentences, and one quotation mark that is never closed keeps a
whole book together. So it only ever sees a window, which grows while no sentence ends in it.
"""

import re
from collections.abc import Callable, Iterator
from itertools import accumulate

from unspool.errors import ConfigError, CorpusError
from unspool.text.reading.decoding import PIECE, place_to_cut
from unspool.text.records import Record

WINDOW = 1 << 10  # characters that are looked at together
WIDEST = 1 << 13  # to which a window grows at most
MARGIN = 64  # characters at a window's end in which no sentence is taken to end: what follows is not seen yet
NOT_SPACES = re.compile("[\x85\xa0\u1680\u2000-\u200a\u2028\u2029\u202f\u205f\u3000\ud800-\udfff]")

Segment = Callable[[str], list[str]]  # a text -> its sentences, white space between them included


def split_sentences(records: Iterator[Record], *, language: str) -> Iterator[Record]:
    """Cut each text into sentences, every one a record with the context of its text.

    White space around a sentence is dropped, and nothing else. Where the texts come in pieces the sentences
    are the same, and only those of more than a million characters come in pieces again.

    Args:
        records: The texts.
        language: The language of the abbreviations, by its code: ``en``, ``de``, ``zh`` ... One that is not
            known goes by punctuation and the abbreviations of English.

    Raises:
        ConfigError: If sentencex is not installed.
    """
    return _split(records, SentenceCutter(load_segment(language)))


SPLITS: dict[str, Callable[..., Iterator[Record]]] = {"sentences": split_sentences}


def load_segment(language: str) -> Segment:
    """Make the function that cuts a short text into sentences.

    Raises:
        ConfigError: If sentencex is not installed.
    """
    try:
        import sentencex  # noqa: PLC0415 (an extra that few need)
    except ModuleNotFoundError:
        what = "splitting into sentences needs the package sentencex, which is not installed"
        raise ConfigError(what, hint='pip install "unspool[sentences]"') from None

    def segment(text: str) -> list[str]:
        # sentencex breaks off at an initial before a white space of several bytes ("A\u3000."), and takes no
        # halves of surrogate pairs; plain spaces in their place leave every length as it is.
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
    """Cut texts into sentences that may come in pieces.

    Args:
        segment: Cuts a short text; only the lengths of what it gives count.
        piece: Characters from which on an unfinished sentence is handed on in pieces.
    """

    def __init__(self, segment: Segment, *, piece: int = PIECE) -> None:
        self._segment = segment
        self._piece = piece
        self._held = ""  # the sentence that has not ended yet
        self._searched = 0  # characters of it in which no sentence ends
        self._inside = False  # whether a piece of it has been handed on

    def feed(self, text: str, *, ends: bool) -> Iterator[tuple[str, bool]]:
        """Take in the next piece of a text.

        Args:
            text: The piece.
            ends: Whether the text ends with it.

        Yields:
            A sentence and True, or a piece of a long one and False.
        """
        text = self._held + text
        begin = 0
        for end in self._ends(text, self._searched, ends):
            if begin < end:
                yield from self._finished(text[begin:end])
            begin = end
        self._held, self._searched = text[begin:], self._searched - begin
        while len(self._held) >= self._piece and (cut := place_to_cut(self._held)):
            yield self._held[:cut] if self._inside else self._held[:cut].lstrip(), False
            self._held, self._searched, self._inside = self._held[cut:], max(0, self._searched - cut), True

    def _finished(self, sentence: str) -> Iterator[tuple[str, bool]]:
        sentence = sentence.rstrip() if self._inside else sentence.strip()
        if sentence or self._inside:
            yield sentence, True
        self._inside = False

    def _ends(self, text: str, place: int, final: bool) -> Iterator[int]:
        """Yield the places where sentences end, the end of the text among them if it is final.

        What is found does not depend on the pieces that the text came in: a window is looked at once it is
        full and there is more behind it. How far it came is in `_searched`.
        """
        size = WINDOW
        while place + size < len(text) or (final and place < len(text)):
            window = text[place : place + size]
            last = place + size >= len(text)
            ends = list(accumulate(map(len, self._segment(window))))
            found = [place + end for end in ends if last or end <= size - MARGIN]
            yield from found
            if not found and size < WIDEST:
                size *= 2
            else:
                place = found[-1] if found else place + size - MARGIN
                size = WINDOW
        if final:
            place = len(text)
            yield place
        self._searched = place


def _split(records: Iterator[Record], cutter: SentenceCutter) -> Iterator[Record]:
    for record in records:
        for text, ends in cutter.feed(record.text, ends=record.ends):
            yield Record(text, record.context, ends)
