"""Encode plain text, a record a line, character by character: the fast twin of `encode_corpus`.

A block of many lines goes through the native kernels as a whole. Several threads find and hash the lines of
the next blocks and number their characters, as long as all of them are known, while one reads and writes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.kernels.lines import Lines, NumberedLines, Numbering, find_lines
from unspool.kernels.machine import default_threads
from unspool.text.codepoints import to_codepoints
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.records_to_ids import (
    Numbered,
    finished,
    grown_tokenizer,
    new_tokenizer,
    refuse_nothing,
)
from unspool.text.encoding.split import digest_limit
from unspool.text.reading.decoding import PIECE
from unspool.text.records import check_normalization, normalized
from unspool.text.streams.builder import StreamBuilder
from unspool.text.tokenizers.counting import check_max_vocab_size
from unspool.text.tokenizers.registry import CharTokenizer, Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown

MOST_THREADS = 4  # more would wait for the one that reads and writes
AHEAD = 2  # blocks that wait, for each thread

Tried = tuple[Lines, NumberedLines | None]


def encode_lines(
    blocks: Iterable[str],
    *,
    tokenizer: str | Tokenizer,
    max_vocab_size: int | None = None,
    fraction: float = 0.0,
    normalization: str | None = "NFC",
    unknown: Unknown = "error",
    grow: bool = False,
) -> EncodedCorpus | None:
    r"""Encode the lines of a text that are more than white space, as `encode_corpus` would.

    Args:
        blocks: The text in blocks of any length, every line ended by ``\n``.
        tokenizer: As for `encode_corpus`.
        max_vocab_size: As for `encode_corpus`.
        fraction: Share of the lines to hold out by their hash; see `hash_split`.
        normalization: As for `encode_corpus`.
        unknown: As for `encode_corpus`.
        grow: As for `encode_corpus`.

    Returns:
        The corpus; None where the general way has to be taken: for another tokenizer than char, an unknown
        symbol that is no ``<unk>``, a line of more than a million characters, or no text at all.

    Raises:
        ConfigError: If an argument is out of its range.
        CorpusError: If a block cannot be read, or nothing is left for training.
    """
    known = tokenizer if isinstance(tokenizer, Tokenizer) else None
    if (known.kind if known else tokenizer) != CharTokenizer.kind:
        return None
    check(
        "max_vocab_size", max_vocab_size, "None with a tokenizer that exists", not (known and max_vocab_size)
    )
    check_max_vocab_size(max_vocab_size)
    form = known.normalization if known else check_normalization(normalization)
    training, validation = StreamBuilder(), StreamBuilder()
    numbering = Numbering()
    for done in _numbered(_codes(blocks, form), digest_limit(fraction), numbering):
        if done is None:
            return None
        for builder, numbers, ends in (
            (training, done.training, done.training_ends),
            (validation, done.validation, done.validation_ends),
        ):
            builder.add_ended(numbers, ends=ends, characters=len(numbers) - len(ends))
    if training.num_records + validation.num_records == 0:
        return None
    refuse_nothing(training, validation)
    numbered: Numbered | None
    if known is None:
        numbered = new_tokenizer(CharTokenizer, numbering, max_vocab_size, form)
    else:
        numbered = grown_tokenizer(known, numbering) if grow else _known_ids(known, numbering, unknown)
    return None if numbered is None else finished(training, validation, numbered)


def _known_ids(tokenizer: Tokenizer, numbering: Numbering, unknown: Unknown) -> Numbered | None:
    """Give the ids of a tokenizer that exists, or None if it takes a look at the text to tell."""
    symbols, counts = numbering.symbols(), numbering.counts()
    ids = {symbol: i for i, symbol in enumerate(tokenizer.symbols, start=1) if i != tokenizer.unk_id}
    strange = np.array([symbol not in ids for symbol in symbols], np.bool_)
    if strange.any() and (unknown != "replace" or tokenizer.unk_id is None):
        return None
    found = (ids.get(symbol, tokenizer.unk_id or 0) for symbol in symbols)
    return tokenizer, np.array([tokenizer.eos_id, *found], np.uint32), int(counts[strange].sum())


def _codes(blocks: Iterable[str], form: str | None) -> Iterator[NDArray[Any] | None]:
    """Yield the code points of blocks of whole lines, or None once a line is too long to be one."""
    held = ""
    for block in blocks:
        text = held + block
        end = text.rfind("\n") + 1
        held = text[end:]
        if len(held) >= PIECE:
            yield None
            return
        if end:
            yield to_codepoints(normalized(text[:end], form))
    if held:
        yield to_codepoints(normalized(held, form))


def _numbered(
    blocks: Iterator[NDArray[Any] | None], limit: int, numbering: Numbering
) -> Iterator[NumberedLines | None]:
    """Find the lines of the blocks and number them, several blocks at once; yield them in their order."""
    threads = min(MOST_THREADS, default_threads())
    waiting: deque[tuple[NDArray[Any], Future[Tried]]] = deque()

    def tried(codes: NDArray[Any]) -> Tried:
        lines = find_lines(codes, limit=limit)
        return lines, numbering.try_number(codes, lines)

    def first() -> NumberedLines:
        codes, work = waiting.popleft()
        lines, done = work.result()
        return numbering.number(codes, lines, tried=done)

    with ThreadPoolExecutor(threads) as pool:
        for codes in blocks:
            if codes is None:
                yield None
                return
            waiting.append((codes, pool.submit(tried, codes)))
            if len(waiting) > threads * AHEAD:
                yield first()
        while waiting:
            yield first()
