"""The possible next tokens after a text, the most probable first."""

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._generation.sampling.filters import most_probable_first
from unspool._text.tokenizers.registry import Tokenizer

EOS = "<eos>"  # the name of the end of the text; no tokenizer has a symbol with this spelling


def named_symbols(
    chances: NDArray[np.float64], tokenizer: Tokenizer, *, top: int | None = 10
) -> list[tuple[str, float]]:
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
    return [(spellings[i], float(chances[i])) for i in order if i and chances[i] > 0]
