"""Number the symbols of records in one pass and bounded memory: records in, two streams of numbers out.

Standard input cannot be read twice, so symbols get provisional numbers while they are counted, and these
become ids at the end. The texts of many short records are joined before NumPy sees them, which is faster.
Long texts are cut into pieces, which bounds the memory.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from unspool._errors import CorpusError
from unspool._text.encoding.encoded_corpus import NumberedCorpus, spelling_of_numbers
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import Sided, refuse_nothing
from unspool._text.streams.builder import StreamBuilder
from unspool._text.tokenizers.registry import Tokenizer
from unspool._text.tokenizers.unknown import Unknown
from unspool._text.tokenizers.unknown_symbols import EncodedTexts, TextPlace, surrogate_error
from unspool._text.tokenizers.vocabulary import VocabularyTokenizer

PIECE = 1 << 20  # characters of text that are encoded at once
MOST_PIECES = 1 << 16

Flags = NDArray[np.bool_]


def number_records(records: Iterable[Sided], recipe: EncodingRecipe) -> NumberedCorpus:
    """Number the symbols of records.

    Args:
        records: The records in the recipe's Unicode form, each with whether it is held out.
        recipe: The encoding recipe.

    Returns:
        Both parts in numbers, with the tokenizer and the id of each number.

    Raises:
        CorpusError: If there is no record, or a lone surrogate.
        UnknownSymbolError: If a symbol is unknown to an existing tokenizer, and that is an error.
        TokenizerError: If the corpus has more different words than a tokenizer can hold.
    """
    known = None if recipe.counts else recipe.known
    numbering = _Counting(recipe) if known is None else _Known(known, recipe.unknown_rule)
    training, validation = StreamBuilder(), StreamBuilder()
    for batch in _batches(_pieces(records, recipe.tokenizer_type.complete_length)):
        encoded = numbering.number(batch.texts, batch.place)
        ends, held_out = np.array(batch.ends, np.bool_), np.array(batch.held_out, np.bool_)
        _add(training, encoded, ends, ~held_out)
        _add(validation, encoded, ends, held_out)
    refuse_nothing(training, validation)
    return numbering.finish(training, validation)


class _Counting:
    """Numbering by first appearance, for a tokenizer that is made or grows while the texts are read."""

    def __init__(self, recipe: EncodingRecipe) -> None:
        if not issubclass(recipe.tokenizer_type, VocabularyTokenizer):
            raise TypeError("a tokenizer that has to read texts first is made before they are numbered")
        self._recipe, self._counter = recipe, recipe.tokenizer_type.counter()

    def number(self, texts: list[str], place: TextPlace) -> EncodedTexts:
        try:
            numbers, lengths = self._counter.number_texts(texts)
        except UnicodeEncodeError:
            raise surrogate_error(texts, place, CorpusError) from None
        characters = np.fromiter(map(len, texts), np.int64, len(texts))
        return EncodedTexts(numbers, lengths, characters, np.zeros_like(lengths))

    def finish(self, training: StreamBuilder, validation: StreamBuilder) -> NumberedCorpus:
        symbols, tail = self._counter.symbols(), self._recipe.tail_fraction
        made = self._recipe.tokenized(self._counter, lambda: training.counts(len(symbols), tail=tail))
        return NumberedCorpus(training, validation, *made, spelling_of_numbers(*made[:2], symbols))


class _Known:
    """Numbering by the ids of an existing tokenizer."""

    def __init__(self, tokenizer: Tokenizer, unknown: Unknown) -> None:
        self._tokenizer = tokenizer
        self._unknown: Unknown = unknown
        self._lost = 0

    def number(self, texts: list[str], place: TextPlace) -> EncodedTexts:
        encoded = self._tokenizer.encode_texts(texts, unknown=self._unknown, place=place)
        self._lost += encoded.unknown
        return encoded

    def finish(self, training: StreamBuilder, validation: StreamBuilder) -> NumberedCorpus:
        table = np.arange(self._tokenizer.vocab_size, dtype=np.uint32)
        table[0] = self._tokenizer.eos_id
        spelling: dict[int, float] | None = None if self._tokenizer.spelling_model is None else {}
        return NumberedCorpus(training, validation, self._tokenizer, table, self._lost, spelling)


@dataclass
class _Batch:
    """Pieces of text that are encoded together.

    Args:
        record: Number of the record of the first piece, from 1.
        before: Number of characters of that record before the first piece.
        characters: Number of characters of all pieces.
        texts: The pieces.
        ends: Whether a record ends with each piece.
        held_out: Whether each piece is held out.
    """

    record: int = 1
    before: int = 0
    characters: int = 0
    texts: list[str] = field(default_factory=list)
    ends: list[bool] = field(default_factory=list)
    held_out: list[bool] = field(default_factory=list)

    def add(self, text: str, ends: bool, held_out: bool) -> bool:
        """Add a piece; return whether the batch is full."""
        self.texts.append(text)
        self.ends.append(ends)
        self.held_out.append(held_out)
        self.characters += len(text)
        return self.characters >= PIECE or len(self.texts) >= MOST_PIECES

    def place(self, index: int) -> tuple[str, int]:
        """Return the name of the record of a piece, and the number of its characters before the piece."""
        record, before = self._position(index)
        return f"record {record:,}", before

    def next(self) -> "_Batch":
        """Return the empty batch that follows this one."""
        return _Batch(*self._position(len(self.texts)))

    def _position(self, index: int) -> tuple[int, int]:
        ended = [i for i in range(index) if self.ends[i]]
        first, before = (ended[-1] + 1, 0) if ended else (0, self.before)
        return self.record + len(ended), before + sum(map(len, self.texts[first:index]))


def _add(builder: StreamBuilder, encoded: EncodedTexts, ends: Flags, side: Flags) -> None:
    """Add the pieces that are on one side of the split."""
    if not side.any():
        return
    ids, lengths, characters, spelling = encoded.ids, encoded.lengths, encoded.characters, encoded.spelling
    if not side.all():
        if spelling is not None:
            spelling = spelling[np.repeat(side, encoded.strangers)]
        ids, lengths, characters = ids[np.repeat(side, lengths)], lengths[side], characters[side]
    builder.add(ids, lengths=lengths, ends=ends[side], characters=characters, spelling=spelling)


def _batches(pieces: Iterable[tuple[str, bool, bool]]) -> Iterator[_Batch]:
    batch = _Batch()
    for piece in pieces:
        if batch.add(*piece):
            yield batch
            batch = batch.next()
    if batch.texts:
        yield batch


def _pieces(
    records: Iterable[Sided], complete_length: Callable[[str], int]
) -> Iterator[tuple[str, bool, bool]]:
    """Yield (text, whether a record ends with it, whether it is held out), no text much longer than `PIECE`.

    Characters that cannot be split into symbols without the text after them are moved to the next piece.
    """
    carried, held_out, inside = "", False, False
    for record, held_out in records:
        inside = not record.ends
        text = carried + record.text if carried else record.text
        begin = 0
        while len(text) - begin > PIECE or (inside and begin < len(text)):
            piece = text[begin : begin + PIECE]
            done = complete_length(piece)
            if not done:
                break
            yield piece[:done], False, held_out
            begin += done
        carried = text[begin:] if inside else ""
        if not inside:
            yield text[begin:], True, held_out
    if inside:
        yield carried, True, held_out
