"""The options of beam search and of enumeration, each checked against its range."""

import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, TypeAlias, TypedDict, cast

from unspool._configuration import (
    SWITCH,
    Allowed,
    OptionRow,
    check,
    check_rows,
    from_dict,
    real_range,
    whole_range,
)
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import LENGTH_ELSEWHERE, N

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    Doubles: TypeAlias = NDArray[np.float64]

LENGTH = whole_range(1, 2**31 - 1)
BEAMS = whole_range(1, 1 << 16)
POSITIVE = real_range("a finite number above 0", above=0)
BYTES = Allowed("a whole number of bytes ≥ 1048576", whole_range(1 << 20).holds)


@dataclass(frozen=True, kw_only=True)
class BeamOptions:
    """The options of beam search.

    Args:
        num_beams: Number of beginnings that are kept at each step, ≥ 1.
        n: Number of texts for each prompt, from 1 to num_beams.
        length_penalty: α in the score total_logprob / length ** α, from -10 to 10, with the length in tokens
            with `<eos>`; 0 ranks by probability alone, 1 (the default elsewhere) by the mean per token.
        early_stopping: Whether to stop as soon as num_beams texts have ended. Otherwise the search continues
            until no beam can lead to one of the n best texts.
        num_beam_groups: Number of groups of beams, ≥ 2; None for a single group. It must divide num_beams,
            and needs diversity_penalty.
        diversity_penalty: Nats that are subtracted from the rank of a token for each beam of an earlier group
            that took the same token at this step, above 0 (Vijayakumar et al., "Diverse Beam Search", 2016).
        allow_unk: Whether a text may have `<unk>`, for a model that has one.
        max_new_tokens: Greatest length of a text in tokens, with `<eos>`, ≥ 1.

    Raises:
        ConfigError: If a value is out of its range or does not fit another.
    """

    # fmt: off
    num_beams: Annotated[int, OptionRow(
        BEAMS, "Number of beams: candidates kept at each step",
        elsewhere=("beams", "beam_size", "beam_width", "n_beams"))] = 5
    n: Annotated[int, OptionRow(whole_range(1), elsewhere=(*N.aliases, *N.elsewhere))] = 1
    length_penalty: Annotated[float, OptionRow(
        real_range("a number from -10 to 10", least=-10, most=10),
        "Divide a log-probability by the length to this power")] = 0.0
    early_stopping: Annotated[bool, OptionRow(
        SWITCH, "Stop when as many texts as beams are complete")] = False
    num_beam_groups: Annotated[int | None, OptionRow(
        whole_range(2), "Groups of beams that avoid each other's symbols")] = None
    diversity_penalty: Annotated[float | None, OptionRow(
        POSITIVE, "Penalty for a symbol of an earlier group, in nats")] = None
    allow_unk: Annotated[bool, OptionRow(SWITCH)] = False
    max_new_tokens: Annotated[int, OptionRow(LENGTH, elsewhere=LENGTH_ELSEWHERE)] = 200
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        ok = self.n <= self.num_beams
        check("n", self.n, f"a whole number from 1 to num_beams ({self.num_beams})", ok)
        groups, penalty = self.num_beam_groups, self.diversity_penalty
        allowed = f"a whole number ≥ 2 that divides num_beams ({self.num_beams}), or None"
        check("num_beam_groups", groups, allowed, groups is None or self.num_beams % groups == 0)
        if (groups is None) != (penalty is None):
            what = "num_beam_groups and diversity_penalty need each other"
            raise ConfigError(what, expected="both or neither", got=f"{groups} and {penalty}")

    @property
    def groups(self) -> int:
        """Number of groups of beams."""
        return self.num_beam_groups or 1

    def score(self, totals: "Doubles", length: int) -> "Doubles":
        """Return the scores of texts: log-probability over a power of the length in tokens, with `<eos>`."""
        return totals / math.pow(length, self.length_penalty)

    def bound(self, totals: "Doubles", length: int) -> "Doubles":
        """Return the greatest possible scores of texts with these log-probabilities of their beginnings.

        The log-probability of a text is at most that of its beginning, which is at most 0. So the best score
        has the best length: the greatest one if the penalty is above 0, else the length after this one.

        Args:
            totals: Log-probability of each beginning, in nats.
            length: Number of tokens of the beginnings.
        """
        return self.score(totals, self.max_new_tokens if self.length_penalty > 0 else length + 1)


class BeamKeywords(TypedDict, total=False):
    """The fields of `BeamOptions`, as keyword arguments of a function."""

    num_beams: int
    n: int
    length_penalty: float
    early_stopping: bool
    num_beam_groups: int | None
    diversity_penalty: float | None
    allow_unk: bool
    max_new_tokens: int


@dataclass(frozen=True, kw_only=True)
class EnumerationOptions:
    """The options of an enumeration.

    Args:
        min_probability: Least probability of a text, in (0, 1]; None for no limit.
        min_logprob: Least log-probability of a text in nats, ≤ 0, in place of a probability that is too small
            for a float; None for no limit.
        limit: Greatest number of texts, ≥ 1; None for all. A limit or a least probability must be given.
        allow_unk: Whether a text may have `<unk>`, for a model that has one.
        max_new_tokens: Greatest length of a text in tokens, with `<eos>`, ≥ 1.
        ended_only: Whether to leave out texts that max_new_tokens cut.
        in_order: Whether the most probable texts come first. Otherwise they come as they are found, which
            needs little memory for any number of texts.
        max_memory: Greatest memory of the search in bytes, ≥ 2^20; states that do not fit into half of it are
            computed again when they are needed.

    Raises:
        ConfigError: If a value is out of its range, or nothing would end the search.
    """

    # fmt: off
    min_probability: Annotated[float | None, OptionRow(
        real_range("a number in (0, 1]", above=0, most=1), "List texts of at least this probability")] = None
    min_logprob: Annotated[float | None, OptionRow(
        real_range("a finite number ≤ 0", above=-math.inf, most=0),
        "The same limit as a log-probability, in nats")] = None
    limit: Annotated[int | None, OptionRow(
        whole_range(1), "List at most so many texts", elsewhere=("n", *N.aliases, *N.elsewhere))] = None
    allow_unk: Annotated[bool, OptionRow(
        SWITCH, "List texts with <unk> too, in place of words without a symbol")] = False
    max_new_tokens: Annotated[int, OptionRow(
        LENGTH, "Longest text, in symbols including its end", elsewhere=LENGTH_ELSEWHERE)] = 200
    ended_only: Annotated[bool, OptionRow(
        SWITCH, "Leave out texts cut off at the longest length")] = False
    in_order: Annotated[bool, OptionRow(
        SWITCH, "List the most probable texts first; any order needs less memory",
        negative="--any-order")] = True
    max_memory: Annotated[int, OptionRow(BYTES, "Memory limit of the search, in bytes")] = 1 << 30
    # fmt: on

    def __post_init__(self) -> None:
        """Check every value against its range."""
        check_rows(self)
        probability, least, limit = self.min_probability, self.min_logprob, self.limit
        if probability is not None and least is not None:
            what = "min_probability and min_logprob set the same limit"
            raise ConfigError(what, expected="one of them", got=f"{probability} and {least}")
        if self.least == -math.inf and limit is None:
            raise ConfigError(
                "the enumeration would never end",
                expected="a min_probability, a min_logprob or a limit",
                hint="for example, a min_probability of 1e-6 lists every text at least that probable",
            )
        if self.least == -math.inf and not self.in_order:
            what = "limit ends an enumeration in order alone"
            raise ConfigError(what, expected="in_order, or a min_probability beside it")

    @property
    def least(self) -> float:
        """The least log-probability; minus infinity for no limit."""
        if self.min_probability is not None:
            return math.log(self.min_probability)
        return -math.inf if self.min_logprob is None else self.min_logprob


class EnumerationKeywords(TypedDict, total=False):
    """The fields of `EnumerationOptions`, as keyword arguments of a function."""

    min_probability: float | None
    min_logprob: float | None
    limit: int | None
    allow_unk: bool
    max_new_tokens: int
    ended_only: bool
    in_order: bool
    max_memory: int


def beam_options(keywords: BeamKeywords) -> BeamOptions:
    """Make the options of beam search from keyword arguments.

    Raises:
        ConfigError: If a name is unknown or a value is out of its range.
    """
    return from_dict(BeamOptions, cast(Mapping[str, Any], keywords), where="")


def enumeration_options(keywords: EnumerationKeywords) -> EnumerationOptions:
    """Make the options of an enumeration from keyword arguments.

    Raises:
        ConfigError: If a name is unknown or a value is out of its range.
    """
    return from_dict(EnumerationOptions, cast(Mapping[str, Any], keywords), where="")
