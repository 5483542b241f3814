"""Encode a corpus in one pass and bounded memory: records in, two token streams out.

Standard input cannot be read twice, so symbols get provisional numbers while they are counted, and these turn
into ids at the end. The texts of many records are put together before NumPy sees them, which makes short
records cheap, and long ones are cut up, which bounds the memory.
"""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.errors import CorpusError
from unspool.text.context import ContextSchema
from unspool.text.encoding.contexts import ContextGatherer, with_contexts
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.source_texts import SourceGatherer, with_sources
from unspool.text.records import Record, check_normalization, normalized
from unspool.text.streams.builder import StreamBuilder
from unspool.text.tokenizers.counting import Counted, check_max_vocab_size, rank
from unspool.text.tokenizers.registry import Tokenizer, tokenizer_class
from unspool.text.tokenizers.unknown_symbols import EncodedTexts, TextPlace, Unknown, surrogate_error

PIECE = 1 << 20  # characters of text that are encoded at once
MOST_PIECES = 1 << 16

HeldOut = Callable[[Record], bool]
Flags = NDArray[np.bool_]
Numbered = tuple[Tokenizer, NDArray[np.uint32], int]  # the id of each number, and how many symbols were lost


def encode_corpus(
    records: Iterable[Record],
    *,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    held_out: HeldOut | None = None,
    normalization: str | None = "NFC",
    unknown: Unknown = "error",
    grow: bool = False,
    contexts: ContextSchema | Literal["learn"] | None = None,
    sources: Tokenizer | Literal["learn"] | None = None,
) -> EncodedCorpus:
    """Read records once and encode them, building a tokenizer on the way or using a given one.

    A new tokenizer knows the symbols of the whole corpus, those of held-out records too, so that every text
    can be scored. Records whose `ends` is False are joined with the next one, without ``<eos>``; the first
    piece decides whether all of them are held out. A record without text is an ``<eos>`` alone.

    Args:
        records: The corpus.
        tokenizer: A name in `TOKENIZERS` to build a new one, or one that exists, for more training and for
            evaluation.
        max_vocab_size: Bound on the ids of a new tokenizer, special ones included; the rarest symbols that
            do not fit become ``<unk>``.
        held_out: Tells which records are for validation; see `hash_split`. None holds nothing out.
        normalization: Unicode form of a new tokenizer and of its corpus; an existing one has its own.
        unknown: What becomes of symbols that an existing tokenizer does not know: "error", "drop" or
            "replace".
        grow: Whether an existing tokenizer takes in the symbols that it does not know, after its own, the
            most frequent first; `unknown` has no say then.
        contexts: What may be said of a record, or "learn" to see it from the records to learn from; None
            leaves out what is known about them.
        sources: The tokenizer of the records' sources, or "learn" to make one of the kind that the texts
            have; None leaves sources out.

    Returns:
        The tokenizer and the two streams.

    Raises:
        ConfigError: If an argument is out of its range.
        CorpusError: If there is no record, no text, nothing left for training, or a lone surrogate.
        UnknownSymbolError: If a symbol is unknown to an existing tokenizer and `unknown` is "error".
        TokenizerError: If the corpus has more different words than a tokenizer can hold.
    """
    numbering: _Numbering
    if isinstance(tokenizer, Tokenizer):
        check("max_vocab_size", max_vocab_size, "None with a tokenizer that exists", max_vocab_size is None)
        numbering = _Grown(tokenizer) if grow else _Existing(tokenizer, unknown)
    else:
        numbering = _New(tokenizer_class(tokenizer), max_vocab_size, check_normalization(normalization))
    if sources is not None:
        gathered = SourceGatherer(records, held_out)
        targets = encode_corpus(
            gathered,
            tokenizer=tokenizer,
            max_vocab_size=max_vocab_size,
            held_out=gathered.held_out,
            normalization=normalization,
            unknown=unknown,
            grow=grow,
            contexts=contexts,
        )
        read, on_side = gathered.sources()
        own = encode_corpus(
            read,
            tokenizer=targets.tokenizer.kind if sources == "learn" else sources,
            held_out=on_side,
            normalization=normalization,
            unknown=unknown,
        )
        return with_sources(targets, own)
    if contexts is None:
        return _encode(records, numbering, held_out)
    gatherer = ContextGatherer(records, held_out)
    encoded = _encode(gatherer, numbering, gatherer.held_out)
    known = None if contexts == "learn" else contexts
    training, validation = with_contexts(encoded.training, encoded.validation, gatherer, known)
    return replace(encoded, training=training, validation=validation)


class _Numbering(Protocol):
    """Number the symbols of texts, and tell at the end which ids the numbers stand for."""

    normalization: str | None

    def complete_length(self, text: str, /) -> int: ...

    def number(self, texts: list[str], place: TextPlace) -> EncodedTexts: ...

    def finish(self) -> Numbered: ...


class _New:
    """Number symbols by first appearance, for a tokenizer that is still to be made."""

    def __init__(self, cls: type[Tokenizer], max_vocab_size: int | None, normalization: str | None) -> None:
        check_max_vocab_size(max_vocab_size)
        self._cls = cls
        self._max_vocab_size = max_vocab_size
        self._counter = cls.counter()
        self.complete_length = cls.complete_length
        self.normalization = normalization

    def number(self, texts: list[str], place: TextPlace) -> EncodedTexts:
        try:
            numbers, lengths = self._counter.number(texts)
        except UnicodeEncodeError:
            raise surrogate_error(texts, place, CorpusError) from None
        characters = np.fromiter(map(len, texts), np.int64, len(texts))
        return EncodedTexts(numbers, lengths, characters, np.zeros_like(lengths))

    def finish(self) -> Numbered:
        return new_tokenizer(self._cls, self._counter, self._max_vocab_size, self.normalization)


class _Existing:
    """Number symbols by the ids of a tokenizer that exists."""

    def __init__(self, tokenizer: Tokenizer, unknown: Unknown) -> None:
        self._tokenizer = tokenizer
        self._unknown: Unknown = unknown
        self._lost = 0
        self.complete_length = tokenizer.complete_length
        self.normalization = tokenizer.normalization

    def number(self, texts: list[str], place: TextPlace) -> EncodedTexts:
        encoded = self._tokenizer.encode_texts(texts, unknown=self._unknown, place=place)
        self._lost += encoded.unknown
        return encoded

    def finish(self) -> Numbered:
        table = np.arange(self._tokenizer.vocab_size, dtype=np.uint32)
        table[0] = self._tokenizer.eos_id
        return self._tokenizer, table, self._lost


class _Grown(_New):
    """Number symbols for a tokenizer that keeps those of an earlier one."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        super().__init__(type(tokenizer), None, tokenizer.normalization)
        self._tokenizer = tokenizer

    def finish(self) -> Numbered:
        return grown_tokenizer(self._tokenizer, self._counter)


def new_tokenizer(
    cls: type[Tokenizer], counted: Counted, max_vocab_size: int | None, normalization: str | None
) -> Numbered:
    """Make the tokenizer of what was counted: the most frequent symbols first."""
    ranking = rank(counted, max_vocab_size=max_vocab_size)
    tokenizer = cls(ranking.symbols, unk=ranking.unk, normalization=normalization)
    return tokenizer, ranking.table, ranking.lost


def grown_tokenizer(tokenizer: Tokenizer, counted: Counted) -> Numbered:
    """Let a tokenizer take in the counted symbols that it does not know."""
    ranking = rank(counted)
    unk = tokenizer.unk_id is not None
    own = tokenizer.symbols[:-1] if unk else tokenizer.symbols
    known = frozenset(own)
    new = [symbol for symbol in ranking.symbols if symbol not in known]
    grown = type(tokenizer)([*own, *new], unk=unk, normalization=tokenizer.normalization)
    ids = {symbol: i for i, symbol in enumerate([*own, *new], start=1)}
    by_rank = np.array([0, *map(ids.__getitem__, ranking.symbols), grown.eos_id], np.uint32)
    return grown, by_rank[ranking.table], 0


@dataclass
class _Batch:
    """Gather pieces of text until there are enough of them.

    Args:
        record: Number of the record that the first piece belongs to, from 1.
        before: Characters of that record that came before the first piece.
    """

    record: int = 1
    before: int = 0
    characters: int = 0
    texts: list[str] = field(default_factory=list)
    ends: list[bool] = field(default_factory=list)
    held: list[bool] = field(default_factory=list)

    def add(self, text: str, ends: bool, held: bool) -> bool:
        """Add a piece, and tell whether there are enough."""
        self.texts.append(text)
        self.ends.append(ends)
        self.held.append(held)
        self.characters += len(text)
        return self.characters >= PIECE or len(self.texts) >= MOST_PIECES

    def place(self, index: int) -> tuple[str, int]:
        """Name the record of a piece, and count the characters that came before the piece in it."""
        record, before = self._position(index)
        return f"record {record:,}", before

    def next(self) -> "_Batch":
        """Make the batch that comes after this one."""
        return _Batch(*self._position(len(self.texts)))

    def _position(self, index: int) -> tuple[int, int]:
        ended = [i for i in range(index) if self.ends[i]]
        first, before = (ended[-1] + 1, 0) if ended else (0, self.before)
        return self.record + len(ended), before + sum(map(len, self.texts[first:index]))


def _encode(records: Iterable[Record], numbering: _Numbering, held_out: HeldOut | None) -> EncodedCorpus:
    training, validation = StreamBuilder(), StreamBuilder()
    for batch in _batches(_pieces(records, numbering, held_out)):
        encoded = numbering.number(batch.texts, batch.place)
        ends, held = np.array(batch.ends, np.bool_), np.array(batch.held, np.bool_)
        _add(training, encoded, ends, ~held)
        _add(validation, encoded, ends, held)
    refuse_nothing(training, validation)
    return finished(training, validation, numbering.finish())


def finished(training: StreamBuilder, validation: StreamBuilder, numbered: Numbered) -> EncodedCorpus:
    """Turn the numbers of both sides into ids."""
    tokenizer, table, unknown = numbered
    lengths = tokenizer.symbol_lengths
    symbol_lengths = None if (lengths[1:-1] == 1).all() else lengths
    return EncodedCorpus(
        tokenizer=tokenizer,
        training=training.finish(table, symbol_lengths=symbol_lengths),
        validation=validation.finish(table, symbol_lengths=symbol_lengths),
        unknown=unknown,
    )


def _add(builder: StreamBuilder, encoded: EncodedTexts, ends: Flags, side: Flags) -> None:
    """Add the pieces of one side of the split."""
    if side.all():
        builder.add(encoded.ids, lengths=encoded.lengths, ends=ends, characters=encoded.characters)
    elif side.any():
        ids = encoded.ids[np.repeat(side, encoded.lengths)]
        lengths, characters = encoded.lengths[side], encoded.characters[side]
        builder.add(ids, lengths=lengths, ends=ends[side], characters=characters)


def refuse_nothing(training: StreamBuilder, validation: StreamBuilder) -> None:
    """Refuse a corpus that leaves nothing to learn from.

    Raises:
        CorpusError: If there is no record, or none for training, or no text in these.
    """
    if training.num_records + validation.num_records == 0:
        raise CorpusError("the corpus is empty", expected="at least one record", got="none")
    if training.num_records == 0:
        got, hint = (
            f"all {validation.num_records:,} held out",
            "hold out nothing (validation_fraction none), or use more text",
        )
        raise CorpusError("no record is left for training", expected="at least one", got=got, hint=hint)
    if training.characters == 0:
        got = f"{training.num_records:,} records without a known symbol"
        raise CorpusError("the corpus has no text to learn from", expected="at least one character", got=got)


def _batches(pieces: Iterable[tuple[str, bool, bool]]) -> Iterator[_Batch]:
    batch = _Batch()
    for text, ends, held in pieces:
        if batch.add(text, ends, held):
            yield batch
            batch = batch.next()
    if batch.texts:
        yield batch


def _pieces(
    records: Iterable[Record], numbering: _Numbering, held_out: HeldOut | None
) -> Iterator[tuple[str, bool, bool]]:
    """Yield (text, whether a record ends with it, whether it is held out), no text much above `PIECE`.

    What cannot be split into symbols before its continuation is known is carried over to the next piece.
    """
    carried, held, inside = "", False, False
    form = numbering.normalization
    for record in records:
        text = normalized(record.text, form)
        if held_out is not None and not inside:
            held = held_out(record if text is record.text else replace(record, text=text))
        inside = not record.ends
        text = carried + text if carried else text
        begin = 0
        while len(text) - begin > PIECE or (inside and begin < len(text)):
            piece = text[begin : begin + PIECE]
            done = numbering.complete_length(piece)
            if not done:
                break
            yield piece[:done], False, held
            begin += done
        carried = text[begin:] if inside else ""
        if not inside:
            yield text[begin:], True, held
    if inside:
        yield carried, True, held
