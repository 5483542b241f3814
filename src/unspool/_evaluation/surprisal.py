"""The surprisal of each token of a text in bits, and the characters that it belongs to."""

import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._evaluation.character_grid import EOS
from unspool._evaluation.scorer import Scorer, TextScore, blocks
from unspool._evaluation.surprisal_svg import MOST_CHARACTERS, surprisal_svg
from unspool._text.tokenizers.registry import Tokenizer
from unspool._text.tokenizers.unknown import Unknown
from unspool._views.short_repr import short_repr


@dataclass(frozen=True, eq=False)
class Surprisal:
    """The surprisal of each token of one text.

    Args:
        text: The text, normalized as the model reads it; dropped symbols are still in it.
        symbols: The tokens that the model read, by their spelling, with `<unk>` or the nearest known symbol
            in place of an unknown one; `<eos>` is the last, if the end counts.
        bits: Surprisal of each token: minus the binary logarithm of its probability.  # (N,)
        spans: First character of each token in the text and the one after its last. Dropped characters are in
            no span; the span of `<eos>` is empty; bytes have the span of their character.  # (N, 2)
        replaced: Whether each token replaces an unknown symbol of the text.  # (N,)
        bits_per_character: All bits over the characters that are in a span; None if there is none.

    Example:
        >>> import numpy as np
        >>> from unspool import Surprisal
        >>> bits, spans = np.array([1.0, 3.0]), np.array([[0, 1], [1, 2]])
        >>> Surprisal("ab", ("a", "b"), bits, spans, np.zeros(2, bool), 2.0).total_bits
        4.0
    """

    text: str
    symbols: tuple[str, ...]
    bits: NDArray[np.float32] = field(repr=False)
    spans: NDArray[np.int64] = field(repr=False)
    replaced: NDArray[np.bool_] = field(repr=False)
    bits_per_character: float | None

    __repr__ = short_repr

    @property
    def total_bits(self) -> float:
        """Return the sum of the surprisal of all tokens.

        Example:
            >>> surprisal = model.surprisal("anna")
            >>> surprisal.total_bits > float(surprisal.bits[0]) > 0
            True
        """
        return math.fsum(self.bits.tolist())

    def svg(self, title: str | None = None) -> str:
        """Return the text as an SVG document, each character coloured by its surprisal.

        Args:
            title: The title above the picture; None for a general one.

        Raises:
            ConfigError: If the text is too long for a picture.

        Example:
            >>> model.surprisal("anna").svg(title="a name").count("a name") > 0
            True
        """
        return surprisal_svg([self], title=title)

    def _repr_html_(self) -> str:
        """Return the picture for a notebook, or a remark for a text that is too long."""
        return (
            self.svg() if len(self.text) <= MOST_CHARACTERS else f"<pre>{len(self.text):,} characters</pre>"
        )


def surprisals(scorer: Scorer, texts: Iterable[str]) -> Iterator[Surprisal]:
    """Yield the surprisal of texts; they are scored block by block.

    Args:
        scorer: The scorer; its prompt is not part of the result.
        texts: The texts.

    Raises:
        UnknownSymbolError: If a symbol is unknown and that is an error.
    """
    done = 0
    for block in blocks(texts):
        for text, score in zip(block, scorer.scores(block, first=done), strict=True):
            yield surprisal_of(text, score, scorer.tokenizer, unknown=scorer.rule)
        done += len(block)


def surprisal_of(text: str, score: TextScore, tokenizer: Tokenizer, *, unknown: Unknown) -> Surprisal:
    """Return the surprisal of a text from its score.

    Args:
        text: The text that was scored.
        score: Its score.
        tokenizer: The tokenizer of the scorer.
        unknown: The treatment of unknown symbols.
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
    """Return the tokens that a model reads of a normalized text, their spans, and which are replaced.

    Args:
        text: The text, already normalized.
        tokenizer: The tokenizer.
        unknown: The treatment of unknown symbols.
    """
    pieces = tokenizer.split(text)
    ends = np.cumsum([0, *map(len, pieces)], dtype=np.int64)
    spans = np.stack([ends[:-1], ends[1:]], axis=1)  # (pieces, 2)
    counts = np.fromiter((len(tokenizer.piece_ids(piece)) for piece in pieces), np.int64, len(pieces))
    taken = counts if unknown == "drop" else np.maximum(counts, 1)  # tokens of each piece
    names = tokenizer.symbols
    spellings = [names[i - 1] for i in tokenizer.encode(text, unknown=unknown).tolist()]
    return spellings, spans.repeat(taken, axis=0), (counts == 0).repeat(taken)
