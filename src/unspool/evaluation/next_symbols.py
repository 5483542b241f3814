"""What may come next after a text, the most probable first."""

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, is_whole
from unspool.generation.sampling.filters import most_probable_first
from unspool.text.tokenizers.registry import Tokenizer

EOS = "<eos>"  # how the end of the text is named; no tokenizer has a symbol that is spelled like it


def named_symbols(
    chances: NDArray[np.float64], tokenizer: Tokenizer, *, top: int | None = 10
) -> list[tuple[str, float]]:
    """Name the most probable symbols.

    Args:
        chances: A probability for each id.  # (V,)
        tokenizer: Spells them.
        top: Symbols to name, ≥ 1; None for all.

    Returns:
        Spelling and probability, falling; equal ones in the order of their ids. The end of the text is
        `EOS`; `<pad>` and what has no chance at all are left out.

    Raises:
        ConfigError: If `top` is out of its range.
    """
    check("top", top, "a whole number ≥ 1, or none", top is None or is_whole(top, least=1))
    spellings = ("", *tokenizer.symbols, EOS)
    order = most_probable_first(chances)[:top].tolist()
    return [(spellings[i], float(chances[i])) for i in order if i and chances[i] > 0]
