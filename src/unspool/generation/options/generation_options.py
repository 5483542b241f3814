"""How a text is drawn, and what comes back."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, from_dict, is_real
from unspool.generation.options.aliases import ALIASES, GenerationAliases, by_own_names
from unspool.generation.options.ranges import RANGES, SAMPLERS


@dataclass(frozen=True, kw_only=True)
class GenerationOptions:
    """Say how to sample and when to stop.

    What may not be drawn is taken out first: what a guide, `bad_words`, `min_tokens` and
    `no_repeat_ngram_size` forbid, and a bias of minus infinity. Where that leaves nothing, the text is over,
    with the finish_reason "blocked". Then come `logit_bias`, `repetition_penalty`, `presence_penalty` and
    `frequency_penalty`, then the `samplers`. None turns an option off.

    Args:
        temperature: What the logits are divided by, ≥ 0; 0 takes the most probable symbol each time. Several
            numbers are a schedule along the text, with straight lines between them.
        temperature_steps: Symbols over which such a schedule runs, ≥ 1; its last number holds from then on.
            None for `max_new_tokens`.
        top_k: Draw from the k most probable symbols only, ≥ 1.
        top_p: Draw from the fewest most probable symbols that together have this probability, in (0, 1]
            (Holtzman et al., "The Curious Case of Neural Text Degeneration", 2020).
        min_p: Draw from symbols with at least this share of the most probable one's probability, in
            [0, 1] (Nguyen et al., "Turning Up the Heat", 2024).
        typical_p: Draw from the fewest symbols that together have this probability, in (0, 1], those first
            whose surprise is nearest to the expected one (Meister et al., "Locally Typical Sampling", 2023).
        samplers: Which of the five above apply, in which order; None for all, in this order. One that is
            left out must be off.
        repetition_penalty: Divides the positive logits of the symbols that the prompt or the text has, and
            multiplies the negative ones, in [0.01, 100] (Keskar et al., "CTRL", 2019).
        presence_penalty: Taken from the logit of each symbol that the text has; the prompt does not count.
        frequency_penalty: The same, as often as the text has the symbol.
        penalty_last_n: How many of the last symbols these three look at, ≥ 1; None for all.
        no_repeat_ngram_size: Never write so many symbols in a row twice, ≥ 1; the prompt counts.
        logit_bias: What is added to the logits of symbols, given by spelling or by id: from -1000000 to
            1000000, or minus infinity.
        bad_words: Strings that never come up in the text, not even where it begins in the prompt.
        stop: Strings that end the text where it first has one; the prompt does not count.
        include_stop: Whether the text keeps the string that ended it.
        min_tokens: Symbols before which neither `<eos>` nor a string of `stop` ends the text, ≥ 0.
        max_new_tokens: Stop after so many symbols, ≥ 1.
        best_of: Draw so many texts for the n that are asked for and keep those whose symbols have the
            greatest mean log-probability, the best first; under a constraint those that meet it come before.
        logprobs: Report so many of the most probable symbols at each place, ≥ 1.
        echo: Whether to report the log-probabilities of the prompt's symbols too.
        seed: What the random numbers come from, in [0, 2^64); None for a new one each time.

    Raises:
        ConfigError: If a value is out of its range.
    """

    temperature: float | Sequence[float] = 1.0
    temperature_steps: int | None = None
    top_k: int | None = None
    top_p: float | None = None
    min_p: float | None = None
    typical_p: float | None = None
    samplers: str | Sequence[str] | None = None
    repetition_penalty: float | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    penalty_last_n: int | None = None
    no_repeat_ngram_size: int | None = None
    logit_bias: Mapping[str | int, float] | None = None
    bad_words: str | Sequence[str] | None = None
    stop: str | Sequence[str] | None = None
    include_stop: bool = False
    min_tokens: int = 0
    max_new_tokens: int = 200
    best_of: int | None = None
    logprobs: int | None = None
    echo: bool = False
    seed: int | None = None

    def __post_init__(self) -> None:
        """Check every value against its range, and make a tuple of what is several."""
        for name in ("samplers", "bad_words", "stop"):
            object.__setattr__(self, name, _several(getattr(self, name)))
        if isinstance(self.samplers, tuple):
            object.__setattr__(self, "samplers", tuple(ALIASES.get(name, name) for name in self.samplers))
        if not isinstance(self.temperature, str):
            object.__setattr__(self, "temperature", _several(self.temperature))
        for name, (allowed, ok) in RANGES.items():
            value = getattr(self, name)
            check(name, value, allowed, ok(value))
        self._check_together()

    def _check_together(self) -> None:
        ok = self.temperature_steps is None or not is_real(self.temperature)
        check("temperature_steps", self.temperature_steps, "none where the temperature is one number", ok)
        allowed = f"a whole number from 0 to max_new_tokens, {self.max_new_tokens}"
        check("min_tokens", self.min_tokens, allowed, self.min_tokens <= self.max_new_tokens)
        left_out = [name for name in SAMPLERS if name not in self.sampler_names]
        off = (("temperature", 1.0), *((name, None) for name in SAMPLERS))
        used = [name for name in left_out if (name, getattr(self, name)) not in off]
        check("samplers", self.samplers, f"{', '.join(used)} too, or these off", not used)

    @property
    def sampler_names(self) -> tuple[str, ...]:
        """Name the samplers in the order in which they apply, those that are off as well."""
        return SAMPLERS if self.samplers is None else tuple(self.samplers)

    @property
    def temperatures(self) -> tuple[float, ...]:
        """Give the temperature as a schedule, of one number where it does not change."""
        given = self.temperature
        return tuple(map(float, given)) if isinstance(given, Sequence) else (float(given),)

    def temperature_at(self, place: int) -> float:
        """Give the temperature of symbol `place` of the text, from 0."""
        numbers = self.temperatures
        steps = self.temperature_steps or self.max_new_tokens
        along = min(place, steps) * (len(numbers) - 1) / steps
        at = min(int(along), len(numbers) - 2)
        return numbers[at] + (numbers[at + 1] - numbers[at]) * (along - at) if at >= 0 else numbers[0]


class GenerationKeywords(GenerationAliases, total=False):
    """Name the fields of `GenerationOptions`, and their aliases, where a function takes them as keywords."""

    temperature: float | Sequence[float]
    temperature_steps: int | None
    top_k: int | None
    top_p: float | None
    min_p: float | None
    typical_p: float | None
    samplers: str | Sequence[str] | None
    repetition_penalty: float | None
    presence_penalty: float | None
    frequency_penalty: float | None
    penalty_last_n: int | None
    no_repeat_ngram_size: int | None
    logit_bias: Mapping[str | int, float] | None
    bad_words: str | Sequence[str] | None
    stop: str | Sequence[str] | None
    include_stop: bool
    min_tokens: int
    max_new_tokens: int
    best_of: int | None
    logprobs: int | None
    echo: bool
    seed: int | None


def generation_options(keywords: GenerationKeywords | Mapping[str, Any]) -> GenerationOptions:
    """Make options from keyword arguments, whichever library's names they have.

    Raises:
        ConfigError: If a name is not known, with the nearest one that is, if something is given under two
            names, or if a value is out of its range.
    """
    plain = {
        name: value.tolist() if isinstance(value, (np.ndarray, np.generic)) else value
        for name, value in by_own_names(keywords).items()
    }
    return from_dict(GenerationOptions, plain, where="generation options")


def _several(value: object) -> object:
    """Make a tuple of one string or of several things; leave alone what is neither."""
    if isinstance(value, str):
        return (value,)
    return tuple(value) if isinstance(value, (list, tuple, np.ndarray)) else value


@dataclass(frozen=True, eq=False)
class Alternatives:
    """Hold the k most probable symbols at each place of a text, under the model itself.

    Args:
        ids: The most probable one first, of equals the one with the smaller id, int32.  # (N, k)
        logprobs: Log-probability of each at temperature 1, float32.  # (N, k)
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]

    def after(self, count: int) -> "Alternatives":
        """Leave the first places out."""
        return Alternatives(self.ids[count:], self.logprobs[count:])


@dataclass(frozen=True, eq=False)
class GeneratedIds:
    """Hold what was drawn after one prompt.

    Args:
        ids: The new symbols, without `<eos>`, int32.  # (N,)
        logprobs: Log-probability of each symbol under the model itself, at temperature 1 and without
            filters, float32; one more than ids where `<eos>` was drawn.  # (N,) or (N + 1,)
        finish_reason: "stop" where `<eos>` was drawn or a stop string is complete, "length" where
            max_new_tokens was reached, "blocked" where nothing was left that may be drawn, None for a piece
            of a stream that goes on.
        constrained_logprobs: Under a guide, the same where what it allows has the probability 1
            together, float32; None without one.  # as logprobs
        alternatives: The most probable symbols at each place, where they were asked for.
        prompt_logprobs: Log-probability of each symbol of the prompt, float32, where it was asked for; 0 for
            one that is not in the output layer.  # (P,)
        prompt_alternatives: The most probable symbols at each place of the prompt, likewise.
    """

    ids: NDArray[np.int32]
    logprobs: NDArray[np.float32]
    finish_reason: str | None
    constrained_logprobs: NDArray[np.float32] | None = None
    alternatives: Alternatives | None = None
    prompt_logprobs: NDArray[np.float32] | None = None
    prompt_alternatives: Alternatives | None = None

    @property
    def ended(self) -> bool:
        """Tell whether `<eos>` was drawn."""
        return len(self.logprobs) > len(self.ids)
