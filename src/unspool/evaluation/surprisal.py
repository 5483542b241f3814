"""How surprising each symbol of a text is, in bits, and which characters of the text it belongs to."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.evaluation.character_grid import EOS
from unspool.evaluation.scorer import Scorer, TextScore, blocks
from unspool.evaluation.surprisal_svg import MOST_CHARACTERS, surprisal_svg
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown


@dataclass(frozen=True, eq=False)
class Surprisal:
    """Tell how surprising each symbol of one text is.

    Args:
        text: The text, normalized as the model reads it; what was dropped is still in it.
        symbols: The symbols that the model read, `<unk>` and a nearest known symbol included where one
            stood for an unknown symbol; `<eos>` is the last where the end was asked for.
        bits: Surprisal of each: minus the binary logarithm of its probability.  # (N,)
        spans: Where each stands in the text: first character and the one after the last. Dropped
            characters are in no span; that of `<eos>` is empty; bytes have that of their character.  # (N, 2)
        replaced: Which of them are not what stands in the text.  # (N,)
        bits_per_character: All bits over the characters that are in a span; None where there is none.
    """

    text: str
    symbols: tuple[str, ...]
    bits: NDArray[np.float32] = field(repr=False)
    spans: NDArray[np.int64] = field(repr=False)
    replaced: NDArray[np.bool_] = field(repr=False)
    bits_per_character: float | None

    @property
    def total_bits(self) -> float:
        """Sum the surprisal of all symbols."""
        return math.fsum(self.bits.tolist())

    def svg(self, title: str | None = None) -> str:
        """Draw the text as an SVG document, each character coloured by its surprisal.

        Args:
            title: Stands above the picture; None for a plain one.

        Raises:
            ConfigError: If the text is too long for a picture.
        """
        return surprisal_svg([self], title=title)

    def _repr_html_(self) -> str:
        """Show the picture in a notebook, where the text is not too long for one."""
        return (
            self.svg() if len(self.text) <= MOST_CHARACTERS else f"<pre>{len(self.text):,} characters</pre>"
        )


def surprisals(scorer: Scorer, texts: Iterable[str]) -> Iterator[Surprisal]:
    """Tell how surprising each symbol of texts is, a block of texts at a time.

    Args:
        scorer: Scores them; its prompt is not part of what comes.
        texts: Any texts.

    Raises:
        UnknownSymbolError: If a symbol is not known and that is an error.
    """
    done = 0
    for block in blocks(texts):
        for text, score in zip(block, scorer.scores(block, first=done), strict=True):
            yield surprisal_of(text, score, scorer.tokenizer, unknown=scorer.rule)
        done += len(block)


def surprisal_of(text: str, score: TextScore, tokenizer: Tokenizer, *, unknown: Unknown) -> Surprisal:
    """Tell what a score says of each symbol of its text.

    Args:
        text: The text that was scored.
        score: Its score.
        tokenizer: What the text was split by.
        unknown: What became of unknown symbols.
    """
    normal = tokenizer.normalize(text)
    symbols, spans, replaced = read_symbols(normal, tokenizer, unknown=unknown)
    if len(score.token_logprobs) > len(symbols):
        symbols = [*symbols, EOS]
        spans = np.concatenate([spans, [[len(normal)] * 2]])
        replaced = np.append(replaced, False)
    bits = score.token_logprobs / np.float32(-math.log(2))
    return Surprisal(normal, tuple(symbols), bits, spans, replaced, score.bits_per_character)


def read_symbols(
    text: str, tokenizer: Tokenizer, *, unknown: Unknown
) -> tuple[list[str], NDArray[np.int64], NDArray[Any]]:
    """Give the symbols that a model reads of a normalized text, where they stand, and which were replaced."""
    pieces = tokenizer.split(text)
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    spans = np.stack([ends[:-1], ends[1:]], axis=1)  # (pieces, 2)
    counts = np.fromiter((len(tokenizer.piece_ids(piece)) for piece in pieces), np.int64, len(pieces))
    taken = counts if unknown == "drop" else np.maximum(counts, 1)  # symbols of each piece
    names = tokenizer.symbols
    read = [names[i - 1] for i in tokenizer.encode(text, unknown=unknown).tolist()]
    return read, spans.repeat(taken, axis=0), (counts == 0).repeat(taken)
