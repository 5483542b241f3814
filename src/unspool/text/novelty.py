"""Which texts stand in a corpus: a sorted row of 64-bit hashes, eight bytes for each different text.

The hash of a text is ``int.from_bytes(blake2b(text as UTF-8, digest_size=8), "little")``, taken after Unicode
normalization and nothing else: case and white space count. A text that stands in the corpus is always
known. One that does not is called known with a chance of N / 2^64, which for a million texts is 5 in 10^14.
"""

import hashlib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.text.records import Record, Records, normalized
from unspool.text.streams.stream import TokenStream
from unspool.text.tokenizers.registry import Tokenizer

HASH_BYTES = 8
BLOCK = 1 << 20  # token ids that are decoded at once
MOST_WAITING = 1 << 20  # hashes that wait to be sorted in

Piece = tuple[str, bool]  # some text, and whether a record ends with it


def text_hash(text: str) -> int:
    """Hash a text, the same on every machine.

    Args:
        text: Any text, in its normal form.

    Returns:
        A number from 0 to 2^64 - 1.
    """
    return int.from_bytes(_digest(text), "little")


@dataclass(frozen=True, eq=False)
class NoveltyIndex:
    """Tell whether a text stands in a corpus.

    Args:
        hashes: Hashes of the different texts, ascending.  # (N,)
        normalization: Unicode form in which texts are compared, or None.
        by_line: Whether the corpus is a document, whose lines were hashed rather than its records.
    """

    hashes: NDArray[np.uint64]
    normalization: str | None = "NFC"
    by_line: bool = False

    def __len__(self) -> int:
        """Count the different texts."""
        return len(self.hashes)

    @classmethod
    def of(
        cls, texts: Records | Iterable[str | Record | Mapping[str, str]], *, by_line: bool | None = None
    ) -> "NoveltyIndex":
        """Index a corpus.

        Args:
            texts: From `read_records`, or texts in memory.
            by_line: Whether to take its lines; None does so where it is one long document.

        Raises:
            CorpusError: If the corpus cannot be read or has no text.
            ConfigError: If `by_line` is neither true nor false nor None.
        """
        check("by_line", by_line, "true, false or None", by_line is None or isinstance(by_line, bool))
        corpus = texts if isinstance(texts, Records) else Records.of(texts)
        lines = corpus.document if by_line is None else by_line
        form = corpus.normalization
        pieces = ((normalized(record.text, form), record.ends) for record in corpus)
        return cls(_hashes(_texts(pieces, by_line=lines)), form, lines)

    @classmethod
    def of_stream(cls, stream: TokenStream, tokenizer: Tokenizer, *, by_line: bool) -> "NoveltyIndex":
        """Index an encoded corpus: its texts as a model that learns from it could write them.

        Args:
            stream: The texts.
            tokenizer: What its ids mean.
            by_line: Whether it is a document, of which the lines are taken.
        """
        hashes = _hashes(_texts(_decoded(stream, tokenizer), by_line=by_line))
        return cls(hashes, tokenizer.normalization, by_line)

    def knows(self, text: str, *, cut: bool = False) -> bool:
        """Tell whether a text stands in the corpus, character by character.

        Of a document the lines are known, so a text does if each of its lines does, those that are only
        white space apart.

        Args:
            text: Any text; it is normalized first.
            cut: Whether the text ends where a limit cut it: an unfinished last line then says nothing, if
                there are lines before it.
        """
        whole = normalized(text, self.normalization)
        if not self.by_line:
            return self._has(whole)
        lines = whole.split("\n")
        lines = lines[:-1] if cut and len(lines) > 1 else lines
        telling = [line for line in lines if line and not line.isspace()]
        return bool(telling) and all(map(self._has, telling))

    def _has(self, text: str) -> bool:
        wanted = np.uint64(text_hash(text))
        place = int(self.hashes.searchsorted(wanted))
        return place < len(self.hashes) and bool(self.hashes[place] == wanted)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()


def _hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Hash texts and sort the different hashes, a million at a time."""
    found = np.empty(0, np.uint64)
    waiting: list[bytes] = []
    for text in texts:
        waiting.append(_digest(text))
        if len(waiting) == MOST_WAITING:
            found = _merged(found, waiting)
            waiting.clear()
    return _merged(found, waiting)


def _merged(found: NDArray[np.uint64], digests: list[bytes]) -> NDArray[np.uint64]:
    new = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    return np.unique(np.concatenate([found, new]))


def _texts(pieces: Iterable[Piece], *, by_line: bool) -> Iterator[str]:
    """Put pieces together into records, or into the lines that are more than white space."""
    held = ""
    for piece, ends in pieces:
        held += piece
        if by_line:
            *lines, held = held.split("\n")
            yield from (line for line in lines if line and not line.isspace())
        if ends:
            if not by_line or (held and not held.isspace()):
                yield held
            held = ""
    if held and not (by_line and held.isspace()):
        yield held


def _decoded(stream: TokenStream, tokenizer: Tokenizer) -> Iterator[Piece]:
    """Decode a block of a stream at once, and cut it where records end."""
    lengths = tokenizer.decoded_lengths  # (V,)
    ends = np.append(stream.starts[1:], len(stream))  # (R,)
    begin = 0
    while begin < len(stream):
        ids = stream.ids[begin : begin + BLOCK]
        ids = ids[: tokenizer.decodable(ids)] if begin + BLOCK < len(stream) else ids
        text = tokenizer.decode(ids)
        first, last = np.searchsorted(ends, [begin, begin + len(ids)], side="right")
        offsets = np.cumsum(lengths[ids])[ends[first:last] - begin - 1]
        at = 0
        for offset in offsets.tolist():
            yield text[at:offset], True
            at = offset
        if at < len(text):
            yield text[at:], False
        begin += len(ids)
