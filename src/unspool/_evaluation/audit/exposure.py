"""Measure how well a network knows a secret: its exposure (Carlini et al., "The Secret Sharer", 2019).

A secret is one of the |R| texts of a format. All of them are ranked by how probable the network finds them. A
secret of rank k has the exposure log2 |R| - log2 k: about 1.4 bits on average for a secret that was never
seen, and log2 |R| for the most probable one.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from unspool._engines.protocol import Engine, Parameters, StateArray
from unspool._errors import ConfigError, UnknownSymbolError
from unspool._text.canaries import CanaryFormat
from unspool._text.streams.lanes import Window
from unspool._text.tokenizers.registry import Tokenizer

MOST_ENUMERATED = 1_000_000  # most texts of a format that are all ranked
SAMPLED = 16_384  # texts that are sampled from a larger format
AT_ONCE = 4_096

Nats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretExposure:
    """The exposure of one secret: how well a network knows it.

    Args:
        text: The secret.
        bits: Surprisal of the text after the format's common beginning, in bits.
        rank: Its place among all texts of the format, from 1; not whole if it was estimated.
        exposure: log2 |R| - log2 rank, in bits.
    """

    text: str
    bits: float
    rank: float
    exposure: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Exposures:
    """The exposures of secrets, beside those of other texts of the format that the network never saw.

    Args:
        format: The format.
        space: |R|, the number of texts of the format that the network can write.
        method: "enumerated" if every text of the format was ranked, "fitted" if a skew-normal distribution
            was fitted to the bits of `SAMPLED` of them.
        secrets: The exposures of the given secrets.
        strangers: The exposures of as many other texts of the format.
    """

    format: str
    space: int
    method: Literal["enumerated", "fitted"]
    secrets: tuple[SecretExposure, ...]
    strangers: tuple[SecretExposure, ...]


def measure_exposures(
    engine: Engine,
    parameters: Parameters,
    tokenizer: Tokenizer,
    *,
    form: CanaryFormat,
    secrets: Sequence[str],
    seed: int,
) -> Exposures:
    """Measure the exposure of secrets of one format.

    A text with an unknown character can never be written. So only texts of known characters count. They are
    fewer than the format has if the training text has few digits beside those of the secrets.

    Args:
        engine: The engine.
        parameters: The network's parameters.
        tokenizer: The network's tokenizer; it must read single characters.
        form: The format of the secrets.
        secrets: Texts of the format, far fewer than all.
        seed: The seed of the other texts and, for a large format, of the sample.

    Raises:
        ConfigError: If a secret is not of the format, or the tokenizer does not read single characters.
        UnknownSymbolError: If the network does not know a character of a secret.
    """
    for secret in secrets:
        if not form.has(secret):
            raise ConfigError(f"secret {secret!r}", expected=f"a text of the format {form.text!r}")
    if tokenizer.kind != "char":
        raise ConfigError("secrets can be ranked with the char tokenizer only", got=tokenizer.kind)
    for secret in secrets:
        strangers = sorted(set(secret).difference(tokenizer.symbols))
        if strangers:
            what, got = f"secret {secret!r}", f"{', '.join(map(repr, strangers))}, which it has never read"
            hint = "the model can never write this secret: leave it out"
            raise UnknownSymbolError(what, expected="symbols that the model knows", got=got, hint=hint)
    form = form.within(tokenizer.symbols)
    if 4 * len(secrets) > form.size:
        got, hint = f"{len(secrets)} of {form.size:,}", "rank fewer at a time, or make the slots longer"
        expected = "at most a quarter of all texts of their format"
        raise ConfigError("secrets", expected=expected, got=got, hint=hint)
    known = set(secrets)
    others = form.draw(len(secrets), seed=seed + 1, avoid=known.__contains__)
    judge = _Judge(engine, parameters, tokenizer, form)
    nats = judge.nats([*secrets, *others])
    method: Literal["enumerated", "fitted"] = "enumerated"
    if form.size <= MOST_ENUMERATED:
        ranks = _ranks(nats, judge.nats_of_all())
    else:
        method = "fitted"
        ranks = _fitted_ranks(nats, judge.nats(form.draw(SAMPLED, seed=seed + 2)), form.size)
    results = tuple(
        SecretExposure(
            text=text, bits=float(n) / math.log(2), rank=rank, exposure=math.log2(form.size) - math.log2(rank)
        )
        for text, n, rank in zip([*secrets, *others], nats, ranks, strict=True)
    )
    return Exposures(
        format=form.text,
        space=form.size,
        method=method,
        secrets=results[: len(secrets)],
        strangers=results[len(secrets) :],
    )


class _Judge:
    """A measure of how improbable the texts of a format are; their common beginning is read once."""

    def __init__(
        self, engine: Engine, parameters: Parameters, tokenizer: Tokenizer, form: CanaryFormat
    ) -> None:
        self._engine, self._parameters, self._tokenizer, self._form = engine, parameters, tokenizer, form
        self._prefix = len(form.prefix)
        self._choices = [tokenizer.encode(choice) for choice in form.choices[self._prefix :]]
        common = [tokenizer.eos_id, *tokenizer.encode(form.prefix).tolist()]
        self._last, self._state = common[-1], self._after(common[:-1])

    def nats(self, texts: Sequence[str]) -> Nats:
        """Return the nats of texts after their common beginning, with their end."""
        rest = self._tokenizer.encode("".join(text[self._prefix :] for text in texts))
        rows = rest.reshape(len(texts), len(self._choices)).T  # (T, B)
        parts = (self._part(rows[:, i : i + AT_ONCE]) for i in range(0, len(texts), AT_ONCE))
        return np.concatenate([np.zeros(0), *parts])

    def nats_of_all(self) -> Iterator[Nats]:
        """Yield the nats of all texts of the format."""
        for begin in range(0, self._form.size, AT_ONCE):
            numbers = np.arange(begin, min(begin + AT_ONCE, self._form.size))
            rows = []
            for choice in reversed(self._choices):
                numbers, places = np.divmod(numbers, len(choice))
                rows.append(choice[places])
            yield self._part(np.stack(rows[::-1]))

    def _after(self, ids: list[int]) -> StateArray:
        state = self._engine.initial_state(1, self._parameters)
        if ids:
            column = np.array(ids, np.int32)[:, None]  # (T, 1)
            _, state = self._engine.logits(self._parameters, column, state)
        return state

    def _part(self, rows: NDArray[np.int32]) -> Nats:
        """Return the nats of each column of ids.  # (T, B) -> (B,)."""
        B = rows.shape[1]
        first = np.full((1, B), self._last, np.int32)
        end = np.full((1, B), self._tokenizer.eos_id, np.int32)
        ids, targets = (np.ascontiguousarray(np.concatenate(pair)) for pair in ((first, rows), (rows, end)))
        window = Window(ids=ids, targets=targets)
        state = np.ascontiguousarray(np.repeat(self._state, B, axis=2))  # (L, S, B, H)
        losses, _ = self._engine.token_losses(self._parameters, window, state, reset_id=None)
        nats: Nats = losses.sum(axis=0, dtype=np.float64)
        return nats


def _ranks(nats: Nats, everything: Iterator[Nats]) -> list[float]:
    """Return the rank of each text: 1 plus the number of more probable texts."""
    better = np.zeros(len(nats), np.int64)
    for part in everything:
        better += np.searchsorted(np.sort(part), nats)
    return [float(1 + count) for count in better]


def _fitted_ranks(nats: Nats, sample: Nats, space: int) -> list[float]:
    """Estimate ranks from a skew-normal distribution of a sample, as in section 4.3 of the paper."""
    location, scale, shape = fit_skew_normal(sample)
    ranks = (space * skew_normal_below((value - location) / scale, shape) for value in nats)
    return [min(float(space), max(1.0, rank)) for rank in ranks]


def fit_skew_normal(sample: Nats) -> tuple[float, float, float]:
    """Fit a skew-normal distribution by its first three moments (Azzalini, 1985).

    Returns:
        Location, scale and shape.
    """
    mean, deviation = float(sample.mean()), float(sample.std()) or 1e-12
    skewness = float((((sample - mean) / deviation) ** 3).mean())
    skewness = max(-0.99, min(0.99, skewness))  # no skew-normal distribution has more
    root = (2 * abs(skewness) / (4 - math.pi)) ** (1 / 3)
    delta = math.copysign(root / math.sqrt(1 + root**2) * math.sqrt(math.pi / 2), skewness)
    scale = deviation / math.sqrt(1 - 2 * delta**2 / math.pi)
    location = mean - scale * delta * math.sqrt(2 / math.pi)
    return location, scale, delta / math.sqrt(max(1e-12, 1 - delta**2))


def skew_normal_below(z: float, shape: float) -> float:
    """Return the probability below z of a skew-normal distribution with location 0 and scale 1.

    The density 2 φ(t) Φ(shape·t) is summed left of z, and mirrored if z is positive, so that tiny tails keep
    their digits.
    """
    if z > 0:
        return 1.0 - skew_normal_below(-z, -shape)
    t = np.linspace(z - 12.0, z, 4001)  # the part further out is less than exp(-72) of it
    normal = np.array([0.5 * math.erfc(-shape * x / math.sqrt(2)) for x in t.tolist()])
    density = 2 * np.exp(-(t**2) / 2) / math.sqrt(2 * math.pi) * normal
    return float((density[:-1] + density[1:]).sum() / 2 * (t[1] - t[0]))
