"""How a text is drawn, and what comes back."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, TypedDict, cast

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, from_dict, is_real, is_whole


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """Say how to sample and when to stop.

    Args:
        temperature: What the logits are divided by, ≥ 0; 0 takes the most probable symbol each time.
        top_k: Draw from the k most probable symbols only, ≥ 1; None for all.
        top_p: Draw from the fewest most probable symbols that together have this probability, in (0, 1];
            None for all (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
        min_p: Draw from symbols with at least this share of the most probable one's probability, in
            [0, 1]; None for all (Nguyen et al., "Turning Up the Heat", 2024).
        max_new_tokens: Stop after so many symbols, ≥ 1.
        seed: What the random numbers come from, in [0, 2^64); None for a new one each time.

    Raises:
        ConfigError: If a value is out of its range.
    """

    temperature: float = 1.0
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    max_new_tokens: int = 200
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check every value against its range."""
        ok = is_real(self.temperature) and math.isfinite(self.temperature) and self.temperature >= 0
        check("temperature", self.temperature, "a finite number ≥ 0", ok)
        ok = self.top_k is None or is_whole(self.top_k, least=1)
        check("top_k", self.top_k, "a whole number ≥ 1, or none", ok)
        ok = self.top_p is None or (is_real(self.top_p) and 0 < self.top_p <= 1)
        check("top_p", self.top_p, "a number in (0, 1], or none", ok)
        ok = self.min_p is None or (is_real(self.min_p) and 0 <= self.min_p <= 1)
        check("min_p", self.min_p, "a number in [0, 1], or none", ok)
        ok = is_whole(self.max_new_tokens, least=1) and self.max_new_tokens < 2**31
        check("max_new_tokens", self.max_new_tokens, "a whole number from 1 to 2147483647", ok)
        ok = self.seed is None or (is_whole(self.seed, least=0) and self.seed < 2**64)
        check("seed", self.seed, "a whole number from 0 to 18446744073709551615, or none", ok)


class GenerationKeywords(TypedDict, total=False):
    """Name the fields of `GenerationOptions` where a function takes them as keyword arguments."""

    temperature: float
    top_k: int | None
    top_p: float | None
    min_p: float | None
    max_new_tokens: int
    seed: int | None


def generation_options(keywords: GenerationKeywords) -> GenerationOptions:
    """Make options from keyword arguments.

    Raises:
        ConfigError: If a name is not known, with the nearest one that is, or a value is out of its range.
    """
    return from_dict(GenerationOptions, cast(Mapping[str, Any], keywords), where="generation options")


@dataclass(frozen=True, eq=False)
class GeneratedIds:
    """Hold what was drawn after one prompt.

    Args:
        ids: The new symbols, without `<eos>`, int32.  # (N,)
        logprobs: Log-probability of each symbol under the model itself, at temperature 1 and without
            filters, float32; one more than ids where `<eos>` was drawn.  # (N,) or (N + 1,)
        finish_reason: "stop" where `<eos>` was drawn, "length" where max_new_tokens was reached, None for
            a piece of a stream that goes on.
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    finish_reason: str | None
