"""Count the training text, and fit how much the counts and the network weigh on the held-out text.

Each logit becomes w1 · logit + w2 · ln p of the counts. The two weights depend on how long a context the
table knows, and on whether one token alone followed it there. They maximise the likelihood of text that
neither learnt from: the function is concave, so Newton's method finds its one maximum. A weak prior holds the
weights where a corpus says little.
"""

from dataclasses import dataclass, replace
from functools import cached_property, partial

import numpy as np
from numpy.typing import NDArray

from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Engine, Floats, Parameters
from unspool._evaluation.streams import evaluate_stream, measured_part
from unspool._kernels.arrays import Ids
from unspool._kernels.counts import CountTable, count
from unspool._text.streams.stream import TokenStream

USUAL_WEIGHTS = (0.5, 0.55)  # about what names, titles, plays and tunes fit
PRIOR_SYMBOLS = 20  # held-out symbols that the prior is worth
LOGITS = 1 << 23  # held-out logits that the weights are fitted to
STEPS = 10


@dataclass(frozen=True)
class LearntCounts:
    """The counts of a training text, and what they are worth.

    Args:
        table: The counts.
        alone: Bits per character of the network alone on the held-out text; None without such a text.
        together: The same with the counts.
    """

    table: CountTable
    alone: float | None = None
    together: float | None = None

    @property
    def gain(self) -> float:
        """Share of the bits that the counts save; 0 without held-out text."""
        return 1 - self.together / self.alone if self.alone and self.together is not None else 0.0


def count_training(
    engine: Engine,
    parameters: Parameters,
    training: TokenStream,
    validation: TokenStream,
    *,
    eos_id: int,
    document: bool,
    order: int,
) -> LearntCounts:
    """Count a training text and fit the weights of the mixture.

    Args:
        engine: The engine of the network.
        parameters: The network's parameters.
        training: The text to count.
        validation: The held-out text; without one the usual weights are taken.
        eos_id: The id that ends a record.
        document: Whether the texts are documents, whose state is carried on.
        order: Symbols of the longest context; fewer, if the table would be too large.
    """
    table = _counted(training, engine.config.symbols, order=order, eos_id=eos_id)
    measured = measured_part(validation, max(1, LOGITS // engine.config.symbols), document=document)
    if not len(measured):
        return LearntCounts(_weighed(table, np.broadcast_to(USUAL_WEIGHTS, table.weights.shape)))
    measure = partial(
        evaluate_stream, parameters=parameters, stream=measured, eos_id=eos_id, document=document
    )
    places = _Places(engine, table)
    alone = measure(places)
    table = _weighed(table, places.fitted().reshape(table.weights.shape))
    together = measure(CountingEngine(engine, table))
    return LearntCounts(table, alone.bits_per_character, together.bits_per_character)


def _counted(stream: TokenStream, vocab_size: int, *, order: int, eos_id: int) -> CountTable:
    while (table := count(stream.ids, vocab_size=vocab_size, order=order, end_id=eos_id)) is None:
        order -= 1
    return table


def _weighed(table: CountTable, weights: NDArray[np.floating]) -> CountTable:
    return replace(table, weights=np.ascontiguousarray(weights, np.float32))


class _Places(CountingEngine):
    """An engine that keeps what network and counts say at each place, and returns the network's losses."""

    def __init__(self, engine: Engine, table: CountTable) -> None:
        weights = np.zeros_like(table.weights)
        weights[..., 1] = 1  # the mixture is ln p of the counts
        super().__init__(engine, _weighed(table, weights))
        self._network, self._counts = list[Floats](), list[Floats]()
        self._targets, self._used = list[Ids](), list[Ids]()

    def losses(self, logits: Floats, contexts: Ids, targets: Ids) -> Floats:
        flat = targets.reshape(-1)
        rows = np.asarray(logits, np.float32).reshape(len(flat), -1)[:, 1:]  # without <pad>
        rows = rows - rows.max(axis=1, keepdims=True)
        rows -= np.log(np.exp(rows).sum(axis=1, keepdims=True))
        counted = np.zeros((len(flat), self.config.symbols), np.float32)
        counted[:, 0] = -np.inf
        _, used = self.mixer.mix(counted, contexts)
        kept = np.flatnonzero(flat)
        self._network.append(rows[kept])
        self._counts.append(counted[kept, 1:])
        self._targets.append(flat[kept] - 1)
        self._used.append(used[kept])
        losses = np.zeros(len(flat), np.float32)
        losses[kept] = -rows[kept, flat[kept] - 1]
        return losses.reshape(targets.shape)

    def fitted(self) -> NDArray[np.float64]:
        """Return the weights that fit best, a pair for each number that `CountMixer.mix` returns."""
        mixture = Mixture(
            np.concatenate(self._network),
            np.concatenate(self._counts),
            np.concatenate(self._targets),
            np.concatenate(self._used),
        )
        return fitted_weights(mixture, rows=2 * (self.table.order + 1))


@dataclass(frozen=True)
class Mixture:
    """What network and counts say at places of a text, and what followed there.

    Args:
        network: Log-probabilities of the network.  # (N, V)
        counts: Log-probabilities of the counts.  # (N, V)
        targets: The columns of what followed.  # (N,)
        used: The row of weights that counts at each place.  # (N,)
    """

    network: Floats
    counts: Floats
    targets: Ids
    used: Ids

    @cached_property
    def right(self) -> NDArray[np.float64]:
        """The two log-probabilities of what followed (N, 2)."""
        places = np.arange(len(self.targets))
        both = [self.network[places, self.targets], self.counts[places, self.targets]]
        return np.stack(both, axis=-1).astype(np.float64)

    def moments(self, weights: NDArray[np.float64]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Return means (N, 2) and covariances (N, 2, 2) of both log-probabilities under weights (N, 2)."""
        N = len(self.network)
        means, products = np.empty((N, 2)), np.empty((N, 2, 2))
        for first in range(0, N, 4096):
            part = slice(first, first + 4096)
            a, b = self.network[part], self.counts[part]
            own, counted = weights[part].astype(np.float32).T[..., None]
            z = own * a + counted * b
            p = np.exp(z - z.max(axis=1, keepdims=True))
            p /= p.sum(axis=1, keepdims=True)
            pa, pb = p * a, p * b
            means[part, 0], means[part, 1] = pa.sum(axis=1), pb.sum(axis=1)
            products[part, 0, 0], products[part, 1, 1] = (pa * a).sum(axis=1), (pb * b).sum(axis=1)
            products[part, 0, 1] = products[part, 1, 0] = (pa * b).sum(axis=1)
        return means, products - means[:, :, None] * means[:, None]


def fitted_weights(mixture: Mixture, *, rows: int) -> NDArray[np.float64]:
    """Return the pairs of weights that make what followed most probable.

    Args:
        mixture: What network and counts say.
        rows: Number of rows of weights, R.

    Returns:
        The weights of network and counts.  # (R, 2)
    """
    usual = np.array([USUAL_WEIGHTS])
    _, curvature = mixture.moments(np.broadcast_to(usual, mixture.right.shape))
    held = PRIOR_SYMBOLS * (curvature.mean(axis=0) + 1e-6 * np.eye(2))
    together = _maximum(replace(mixture, used=np.zeros_like(mixture.used)), usual, held)
    return _maximum(mixture, np.repeat(together, rows, axis=0), held)


def _maximum(mixture: Mixture, prior: NDArray[np.float64], held: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return the weights (R, 2) of the highest likelihood, held to their prior by a curvature (2, 2)."""
    weights = prior.copy()
    for _ in range(STEPS):
        expected, curvature = mixture.moments(weights[mixture.used])
        slope = (prior - weights) @ held
        bend = np.repeat(held[None], len(prior), axis=0)
        np.add.at(slope, mixture.used, mixture.right - expected)
        np.add.at(bend, mixture.used, curvature)
        step = np.linalg.solve(bend, slope[..., None])[..., 0]
        weights += np.clip(step, -0.5, 0.5)  # far from the maximum a step may be too long
        if np.abs(step).max() < 1e-4:
            break
    return weights
