"""An index of the texts of a corpus: a sorted row of 64-bit hashes, eight bytes for each different text.

The hash of a text is ``int.from_bytes(blake2b(text as UTF-8, digest_size=8), "little")``. Only Unicode
normalization comes before it: case and white space count. A text of the corpus is always known. Any other
text is called known with a chance of N / 2^64, which is 5 in 10^14 for a million texts.
"""

import hashlib
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check
from unspool._text.opening import Readable, as_records
from unspool._text.records import normalized
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._views.short_repr import short_repr

HASH_BYTES = 8
BLOCK = 1 << 20  # token ids that are decoded at once
MOST_WAITING = 1 << 20  # most hashes that wait to be sorted

Piece = tuple[str, bool]  # a piece of text, and whether a record ends with it


def text_hash(text: str) -> int:
    """Return the hash of a text, the same on every machine.

    Args:
        text: A text, already normalized.

    Returns:
        A number from 0 to 2^64 - 1.
    """
    return int.from_bytes(_digest(text), "little")


@dataclass(frozen=True, eq=False)
class NoveltyIndex:
    """An index that knows which texts a corpus contains.

    Args:
        hashes: The hashes of the different texts, ascending.  # (N,)
        normalization: Unicode form in which texts are compared, or None.
        by_line: Whether the corpus is a document, whose lines were hashed rather than its records.
        held_out: The hashes of the texts that a training held out and `hashes` has not, ascending; None if
            the index has no such part, as that of a plain corpus or of a model of an earlier version.

    Example:
        >>> from unspool import NoveltyIndex
        >>> index = NoveltyIndex.of(["a cat", "a dog"])
        >>> index.knows("a dog"), index.knows("a cow")
        (True, False)
    """

    hashes: NDArray[np.uint64]
    normalization: str | None = "NFC"
    by_line: bool = False
    held_out: NDArray[np.uint64] | None = None

    __repr__ = short_repr

    def __len__(self) -> int:
        """Return the number of different texts."""
        return len(self.hashes) + (0 if self.held_out is None else len(self.held_out))

    @property
    def covers(self) -> str:
        """What a model's own index has, in words.

        Example:
            >>> unspool.NoveltyIndex.of(["anna"]).covers
            'the training texts alone'
        """
        return "the training texts alone" if self.held_out is None else "the training and the held-out texts"

    @classmethod
    def of(cls, texts: Readable, *, by_line: bool | None = None) -> "NoveltyIndex":
        """Make the index of a corpus.

        Args:
            texts: Texts, as `train` takes them.
            by_line: Whether the lines are indexed; None does so for one long document.

        Raises:
            CorpusError: If the corpus cannot be read or has no text.
            ConfigError: If `by_line` is neither true nor false nor None.

        Example:
            >>> len(unspool.NoveltyIndex.of(["anna", "otto", "anna"]).hashes)
            2
        """
        check("by_line", by_line, "true, false or None", by_line is None or isinstance(by_line, bool))
        corpus = as_records(texts, what="texts")
        lines = corpus.document if by_line is None else by_line
        form = corpus.normalization
        pieces = ((normalized(record.text, form), record.ends) for record in corpus)
        return cls(_hashes(_texts(pieces, by_line=lines)), form, lines)

    @classmethod
    def of_stream(cls, stream: TokenStream, tokenizer: Tokenizer, *, by_line: bool) -> "NoveltyIndex":
        """Make the index of an encoded corpus, whose texts are those that a model trained on it could write.

        Args:
            stream: The token stream of the texts.
            tokenizer: The tokenizer of its ids.
            by_line: Whether the stream is one document, whose lines are indexed.

        Example:
            >>> from unspool._text.encoding.corpus import encode_corpus
            >>> from unspool._text.encoding.recipe import EncodingRecipe
            >>> encoded = encode_corpus(unspool.Records.of(["anna"]), EncodingRecipe())
            >>> stream, tokenizer = encoded.training, encoded.tokenizer
            >>> unspool.NoveltyIndex.of_stream(stream, tokenizer, by_line=False).knows("anna")
            True
        """
        hashes = _hashes(_texts(_decoded(stream, tokenizer), by_line=by_line))
        return cls(hashes, tokenizer.normalization, by_line)

    @classmethod
    def of_parts(
        cls, training: TokenStream, validation: TokenStream, tokenizer: Tokenizer, *, by_line: bool
    ) -> "NoveltyIndex":
        """Make the index of both parts of an encoded corpus.

        Args:
            training: The token stream that is learnt.
            validation: The token stream that is held out.
            tokenizer: The tokenizer of their ids.
            by_line: Whether the streams are one document, whose lines are indexed. The line that the cut
                divides counts as a whole as well.

        Example:
            >>> from unspool._text.encoding.corpus import encode_corpus
            >>> from unspool._text.encoding.recipe import EncodingRecipe
            >>> of = unspool.Records.of
            >>> encoded = encode_corpus(of(["anna"]), EncodingRecipe(), of(["nana"]))
            >>> parts = (encoded.training, encoded.validation, encoded.tokenizer)
            >>> unspool.NoveltyIndex.of_parts(*parts, by_line=False).knows("nana")
            True
        """
        index = cls.of_stream(training, tokenizer, by_line=by_line)
        pieces = _joined(training, validation, tokenizer) if by_line else _decoded(validation, tokenizer)
        held_out = np.setdiff1d(_hashes(_texts(pieces, by_line=by_line)), index.hashes)
        return replace(index, held_out=held_out)

    def knows(self, text: str, *, cut: bool = False) -> bool:
        """Return whether the corpus contains a text, character by character.

        An index of a document knows lines. It knows a text if it knows each of its lines, except those of
        white space only.

        Args:
            text: Any text; it is normalized first.
            cut: Whether a length limit cut the text: its unfinished last line is then ignored, if there are
                lines before it.

        Example:
            >>> unspool.NoveltyIndex.of(["anna"]).knows("otto")
            False
        """
        return self._all_in(text, (self.hashes, *self._more), cut=cut)

    def holds_out(self, text: str, *, cut: bool = False) -> bool:
        """Return whether a text that the corpus contains is known from its held-out part, at least in part.

        Args:
            text: A known text.
            cut: Whether a length limit cut the text, as in `knows`.

        Example:
            >>> unspool.NoveltyIndex.of(["anna"]).holds_out("anna")
            False
        """
        return not self._all_in(text, (self.hashes,), cut=cut)

    def known_spans(self, text: str) -> list[tuple[int, int]]:
        r"""Return the parts of a text that the corpus contains, each with its first character and its end.

        Args:
            text: Any text. It is known as a whole or not at all; by an index of a document, line by line.

        Example:
            >>> unspool.NoveltyIndex.of(["anna", "otto"], by_line=True).known_spans("nana\notto")
            [(5, 9)]
        """
        spans, begin = [], 0
        for part in text.split("\n") if self.by_line else [text]:
            if self.knows(part):
                spans.append((begin, begin + len(part)))
            begin += len(part) + 1
        return spans

    @property
    def _more(self) -> tuple[NDArray[np.uint64], ...]:
        return () if self.held_out is None else (self.held_out,)

    def _all_in(self, text: str, parts: Sequence[NDArray[np.uint64]], *, cut: bool) -> bool:
        """Return whether a text, or each of its lines, is in one of some parts."""
        normal = normalized(text, self.normalization)
        if not self.by_line:
            return any(_has(part, normal) for part in parts)
        lines = normal.split("\n")
        lines = lines[:-1] if cut and len(lines) > 1 else lines
        complete_lines = [line for line in lines if line and not line.isspace()]
        found = (any(_has(part, line) for part in parts) for line in complete_lines)
        return bool(complete_lines) and all(found)


def _has(hashes: NDArray[np.uint64], text: str) -> bool:
    text_number = np.uint64(text_hash(text))
    place = int(hashes.searchsorted(text_number))
    return place < len(hashes) and bool(hashes[place] == text_number)


def texts_of(stream: TokenStream, tokenizer: Tokenizer) -> Iterator[str]:
    """Yield the text of each record of a stream.

    Args:
        stream: The token stream of the texts.
        tokenizer: The tokenizer of its ids.
    """
    return _texts(_decoded(stream, tokenizer), by_line=False)


def _digest(text: str) -> bytes:
    return hashlib.blake2b(text.encode("utf-8", "surrogatepass"), digest_size=HASH_BYTES).digest()


def _hashes(texts: Iterable[str]) -> NDArray[np.uint64]:
    """Return the sorted hashes of the different texts, sorted a million at a time."""
    hashes = np.empty(0, np.uint64)
    waiting: list[bytes] = []
    for text in texts:
        waiting.append(_digest(text))
        if len(waiting) == MOST_WAITING:
            hashes = _merged(hashes, waiting)
            waiting.clear()
    return _merged(hashes, waiting)


def _merged(hashes: NDArray[np.uint64], digests: list[bytes]) -> NDArray[np.uint64]:
    new = np.frombuffer(b"".join(digests), "<u8").astype(np.uint64)
    return np.unique(np.concatenate([hashes, new]))


def _texts(pieces: Iterable[Piece], *, by_line: bool) -> Iterator[str]:
    """Join pieces into records, or into the lines that are more than white space."""
    rest = ""
    for piece, ends in pieces:
        rest += piece
        if by_line:
            *lines, rest = rest.split("\n")
            yield from (line for line in lines if line and not line.isspace())
        if ends:
            if not by_line or (rest and not rest.isspace()):
                yield rest
            rest = ""
    if rest and not (by_line and rest.isspace()):
        yield rest


def _joined(head: TokenStream, tail: TokenStream, tokenizer: Tokenizer) -> Iterator[Piece]:
    """Decode the two parts of a document, which may be cut inside a line."""
    cut = head.ids[-1] != tokenizer.eos_id  # never empty: a corpus without texts to learn from is refused
    before: Piece | None = None
    for piece in _decoded(head, tokenizer):
        if before is not None:
            yield before
        before = piece
    if before is not None:
        yield before[0], before[1] and not cut
    yield from _decoded(tail, tokenizer)


def _decoded(stream: TokenStream, tokenizer: Tokenizer) -> Iterator[Piece]:
    """Decode a stream in blocks, and yield the text between the ends of records."""
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
