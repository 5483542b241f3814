"""Number plain text, a record a line, character by character: the fast twin of `number_records`.

A block of many lines goes through the native kernels as a whole. Several threads find and hash the lines of
the next blocks and number their characters, if all of these are known, while one thread reads and writes.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._kernels.lines import Lines, NumberedLines, Numbering, find_lines, to_codepoints
from unspool._system import available_processors
from unspool._text.encoding.encoded_corpus import NumberedCorpus, spelling_of_numbers
from unspool._text.encoding.recipe import EncodingRecipe, TokenizedSymbols
from unspool._text.encoding.split import digest_limit, refuse_nothing
from unspool._text.reading.decoding import PIECE
from unspool._text.records import normalized
from unspool._text.streams.builder import StreamBuilder
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer
from unspool._text.tokenizers.unknown import Unknown

MOST_THREADS = 4  # more threads would wait for the one that reads and writes
AHEAD = 2  # number of waiting blocks for each thread

Tried = tuple[Lines, NumberedLines | None]


def number_lines(blocks: Iterable[str], recipe: EncodingRecipe) -> NumberedCorpus | None:
    r"""Number the lines of a text that are more than white space, as `number_records` would.

    Args:
        blocks: The text in blocks of any length, every line ended by ``\n``.
        recipe: The encoding recipe.

    Returns:
        Both parts in numbers; None if `number_records` has to be used: for another tokenizer than char, an
        unknown symbol that does not become ``<unk>``, a line of more than a million characters, or no text.

    Raises:
        CorpusError: If a block cannot be read.
    """
    if recipe.tokenizer_type is not CharTokenizer:
        return None
    training, validation = StreamBuilder(), StreamBuilder()
    numbering = Numbering()
    for done in _numbered(_codes(blocks, recipe.form), digest_limit(recipe.hashed_fraction), numbering):
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
    known = None if recipe.grow else recipe.known
    symbols = numbering.symbols()
    made = (
        recipe.tokenized(numbering, lambda: training.counts(len(symbols)))
        if known is None
        else _known_ids(known, numbering, recipe.unknown_rule)
    )
    if made is None:
        return None
    return NumberedCorpus(training, validation, *made, spelling_of_numbers(*made[:2], symbols))


def _known_ids(tokenizer: Tokenizer, numbering: Numbering, unknown: Unknown) -> TokenizedSymbols | None:
    """Return the ids of an existing tokenizer, or None if the text must be read again to find them."""
    symbols, counts = numbering.symbols(), numbering.counts()
    ids = {symbol: i for i, symbol in enumerate(tokenizer.symbols, start=1) if i != tokenizer.unk_id}
    strange = np.array([symbol not in ids for symbol in symbols], np.bool_)
    if strange.any() and (unknown != "replace" or tokenizer.unk_id is None):
        return None
    known = (ids.get(symbol, tokenizer.unk_id or 0) for symbol in symbols)
    return tokenizer, np.array([tokenizer.eos_id, *known], np.uint32), int(counts[strange].sum())


def _codes(blocks: Iterable[str], form: str | None) -> Iterator[NDArray[Any] | None]:
    """Yield the code points of blocks of whole lines, or None if a line is too long."""
    rest = ""
    for block in blocks:
        text = rest + block
        end = text.rfind("\n") + 1
        rest = text[end:]
        if len(rest) >= PIECE:
            yield None
            return
        if end:
            yield to_codepoints(normalized(text[:end], form))
    if rest:
        yield to_codepoints(normalized(rest, form))


def _numbered(
    blocks: Iterator[NDArray[Any] | None], limit: int, numbering: Numbering
) -> Iterator[NumberedLines | None]:
    """Find the lines of the blocks and number them, several blocks at a time; yield them in their order."""
    threads = min(MOST_THREADS, available_processors())
    waiting: deque[tuple[NDArray[Any], Future[Tried]]] = deque()

    def tried(codes: NDArray[Any]) -> Tried:
        lines = find_lines(codes, limit=limit)
        return lines, numbering.try_number(codes, lines)

    def first() -> NumberedLines:
        codes, work = waiting.popleft()
        lines, done = work.result()
        return numbering.number(codes, lines, tried=done)

    with ThreadPoolExecutor(threads) as pool:
        try:
            for codes in blocks:
                if codes is None:
                    yield None
                    return
                waiting.append((codes, pool.submit(tried, codes)))
                if len(waiting) > threads * AHEAD:
                    yield first()
            while waiting:
                yield first()
        finally:
            pool.shutdown(
                wait=False, cancel_futures=True
            )  # Ctrl-C does not wait for blocks that are not begun
