"""Estimate how many texts are more probable than a given one, from samples of the model.

The estimator is that of Dell'Amico and Filippone, "Monte Carlo Strength Evaluation: Fast and Reliable
Password Checking" (2015). Of N texts drawn from the model, those more probable than the given one are summed,
each with the weight 1 / (N p), where p is its own probability. The expected value is the number of such
texts. An ``<unk>`` that is drawn is spelled at random by the tokenizer's `spelling_model`; a spelling that
the tokenizer would read otherwise counts as a text of its own.
"""

import math
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, whole_range
from unspool._errors import ConfigError
from unspool._evaluation.scorer import Scorer
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._screen.wording import counted
from unspool._views.short_repr import short_repr

SAMPLES = 10_000
MAX_SYMBOLS = 1000
DRAWN = whole_range(2, 10_000_000)  # each is kept as a number
AT_ONCE = 1 << 14
TIE = 1e-4  # nats: texts with a smaller difference count as equally probable; engines round differently


@dataclass(frozen=True, slots=True)
class GuessNumber:
    """The place of a text if a model's texts are tried from the most probable one on.

    Args:
        guess_number: Estimated number of more probable texts, which are tried before it; infinite if it is
            beyond a float.
        log2_guess_number: Binary logarithm of `guess_number`; minus infinity for 0.
        standard_error: Standard error of `guess_number`. If no sample is more probable, the amount that one
            such sample would add.
        percentile: Share of the samples that are not more probable than the text, in percent. It is the
            chance that a text that the model writes comes as late as this one, or later.
        lower_bound: Whether samples that were cut off for their length could be more probable too; then the
            real guess number may be higher.
    """

    guess_number: float
    log2_guess_number: float
    standard_error: float
    percentile: float
    lower_bound: bool

    __repr__ = short_repr


class GuessNumbers:
    """An estimator of guess numbers from the log-probabilities of a model's own texts.

    Args:
        logprobs: Log-probabilities of the finished samples in nats, in any order.  # (N,)
        cut: Log-probabilities of the samples that were cut off for their length.  # (M,)
    """

    def __init__(self, logprobs: NDArray[np.float64], cut: NDArray[np.float64]) -> None:
        self.samples = len(logprobs) + len(cut)
        self._rising = -np.sort(-logprobs)[::-1]  # (N,) ascending log-probabilities
        falling = self._rising[::-1]
        self._sums = np.logaddexp.accumulate(np.append(-np.inf, -falling))  # (N + 1,) log of the sum of 1 / p
        self._squares = np.logaddexp.accumulate(np.append(-np.inf, -2 * falling))
        self._cut = np.sort(cut)

    @classmethod
    def draw(
        cls, scorer: Scorer, *, samples: int = SAMPLES, seed: int = 0, max_symbols: int = MAX_SYMBOLS
    ) -> "GuessNumbers":
        """Draw the samples, at temperature 1 and without filters, after the scorer's prompt.

        Args:
            scorer: The scorer of the texts.
            samples: Number of samples, ≥ 2; the relative error falls with its square root.
            seed: The seed of the samples.
            max_symbols: Number of tokens after which a sample is cut off.

        Raises:
            ConfigError: If a value is out of its range, or no sample ends.
        """
        check("samples", samples, DRAWN.words, DRAWN.holds(samples))
        options = GenerationOptions(max_new_tokens=max_symbols, seed=seed)
        drawn = list(_draw(scorer, samples, options))
        ended = np.array([logprob for logprob, stopped in drawn if stopped], np.float64)
        cut = np.array([logprob for logprob, stopped in drawn if not stopped], np.float64)
        if not len(ended):
            raise ConfigError(
                "guess numbers need a model that ends its texts",
                got=f"{counted(samples, 'sample')}, none of which ended within {max_symbols:,} symbols",
                hint="train on one text per line rather than on one document",
            )
        return cls(ended, cut)

    def of(self, total_logprob: float) -> GuessNumber:
        """Estimate the guess number of a text.

        Args:
            total_logprob: Log-probability of the text with its end, in nats.
        """
        least = total_logprob + TIE
        below = int(np.searchsorted(self._rising, least, side="right"))
        above = len(self._rising) - below
        cut_above = len(self._cut) - int(np.searchsorted(self._cut, least, side="right"))
        log_number = float(self._sums[above]) - math.log(self.samples)
        number = _exp(log_number)
        error = (
            self._relative_error(above) * number if above else _exp(-total_logprob - math.log(self.samples))
        )
        share = (self.samples - above - cut_above) / self.samples
        return GuessNumber(number, log_number / math.log(2), error, 100 * share, cut_above > 0)

    def _relative_error(self, above: int) -> float:
        """Return the standard error of the mean of the samples' weights, relative to that mean."""
        log_ratio = float(self._squares[above] - 2 * self._sums[above]) + math.log(self.samples)
        return math.sqrt(max(0.0, math.expm1(log_ratio)) / (self.samples - 1))


def guess_numbers(scorer: Scorer, texts: list[str], *, samples: int, seed: int) -> list[GuessNumber]:
    """Estimate the guess numbers of texts; the arguments are those of `GuessNumbers.draw`.

    Raises:
        ConfigError: If a value is out of its range, or no sample ends.
        UnknownSymbolError: If a symbol of a text is not known and that is an error.
    """
    scores = list(scorer.scores(texts))
    drawn = GuessNumbers.draw(scorer, samples=samples, seed=seed)
    return [drawn.of(score.total_logprob) for score in scores]


def _draw(scorer: Scorer, samples: int, options: GenerationOptions) -> Iterator[tuple[float, bool]]:
    """Yield the log-probability of each sample, and whether it ended; an `<unk>` is spelled at random."""
    tokenizer, random = scorer.tokenizer, np.random.default_rng(options.seed)
    model = tokenizer.spelling_model
    prompt = scorer.tokenizer.encode(scorer.prompt, unknown=scorer.rule)
    writer = scorer.engine.writer(scorer.parameters)
    for first in range(0, samples, AT_ONCE):
        request = EngineRequest([prompt] * min(AT_ONCE, samples - first), options, first=first)
        for drawn in generate(writer, request):
            unknown = 0 if model is None else int(np.count_nonzero(drawn.ids == tokenizer.unk_id))
            nats = math.fsum(model.nats(model.draw(random.random)) for _ in range(unknown)) if model else 0.0
            yield float(drawn.logprobs.sum(dtype=np.float64)) - nats, drawn.finish_reason == "stop"


def _exp(logarithm: float) -> float:
    return math.exp(logarithm) if logarithm < 709 else math.inf
