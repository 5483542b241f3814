"""The possible next tokens after a text, the most probable first."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._generation.sampling.filters import most_probable_first
from unspool._screen.wording import one_line
from unspool._text.tokenizers.registry import Tokenizer
from unspool._views.frames import data_frame
from unspool._views.html import Share, html_table
from unspool._views.short_repr import repr_lines

SPACE = "␣"

EOS = "<eos>"  # the name of the end of the text; no tokenizer has a symbol with this spelling


class NextSymbols(list[tuple[str, float]]):
    """A list of symbols with their probabilities, the most probable first.

    Args:
        pairs: Spellings and probabilities.

    Example:
        >>> from unspool import NextSymbols
        >>> dict(NextSymbols([("a", 0.75), ("<eos>", 0.25)]))["a"]
        0.75
    """

    def to_frame(self, library: str | None = None) -> Any:
        """Return the symbols as a data frame, a row for each.

        Args:
            library: "pandas" or "polars"; None for the first of them that is installed.

        Raises:
            ConfigError: If the library is not installed.

        Example:
            >>> list(model.next_symbols("ann").to_frame().columns)
            ['symbol', 'probability']
        """
        columns = ("symbol", "probability")
        return data_frame(columns, (dict(zip(columns, pair, strict=True)) for pair in self), library)

    def __repr__(self) -> str:
        """Return the first symbols, a line for each."""
        return repr_lines(type(self).__name__, self, len(self), "symbol")

    def _repr_html_(self) -> str:
        """Return the probabilities as bars for a notebook."""
        most = max((chance for _, chance in self), default=1.0)
        rows = (
            (one_line(symbol).replace(" ", SPACE), chance, Share(chance / most)) for symbol, chance in self
        )
        return html_table(("symbol", "probability", ""), rows, count=len(self))


def named_symbols(chances: NDArray[np.float64], tokenizer: Tokenizer, *, top: int | None = 10) -> NextSymbols:
    """Return the most probable tokens by their spelling.

    Args:
        chances: A probability for each id.  # (V,)
        tokenizer: The tokenizer of the ids.
        top: Number of tokens to return, ≥ 1; None for all.

    Returns:
        Spellings and probabilities, the most probable first; equal ones in the order of their ids. The end of
        the text is `EOS`; `<pad>` and tokens of probability 0 are left out.

    Raises:
        ConfigError: If `top` is out of its range.
    """
    check("top", top, "a whole number ≥ 1, or None", top is None or is_whole(top, least=1))
    spellings = ("", *tokenizer.symbols, EOS)
    order = most_probable_first(chances)[:top].tolist()
    return NextSymbols((spellings[i], float(chances[i])) for i in order if i and chances[i] > 0)
