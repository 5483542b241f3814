"""Ways to mix counts into a network, weighed: linear or log-linear, by few weights or many.

A network learns nine tenths of a text, which are counted as well. The first half of the held-out text fits
the weights of each way, the second half judges it. Contexts that occur once are left out, or kept.
"""

import argparse
import math
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

import harness
import ours
import quality_texts
import unspool
from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Floats
from unspool._evaluation.mixing import Mixture, fitted_weights
from unspool._evaluation.streams import evaluate_stream
from unspool._kernels.arrays import Ids
from unspool._kernels.counts import CountTable, count
from unspool._text.streams.stream import TokenStream

ROUNDS = 50  # of expectation and maximisation

Buckets = Callable[[Ids], Ids]  # from depth and determinism to the row of weights
BUCKETS: dict[str, Buckets] = {
    "one": np.zeros_like,
    "by depth": lambda used: used - used % 2,
    "by depth and determinism": lambda used: used,
}


class Places(CountingEngine):
    """An engine that keeps what network and counts say at each place; its table must be by itself."""

    def __init__(self, model: unspool.Generator, table: CountTable) -> None:
        super().__init__(model.runner, table)
        self.parts: list[Mixture] = []

    def losses(self, logits: Floats, contexts: Ids, targets: Ids) -> Floats:
        """Keep the places of a window, and return the losses of the counts."""
        flat = targets.reshape(-1)
        rows = np.asarray(logits, np.float32).reshape(len(flat), -1)[:, 1:]  # without <pad>
        counted = np.zeros((len(flat), self.config.symbols), np.float32)
        losses, used = self.mixer.mix(counted, contexts, flat)
        kept = np.flatnonzero(flat)
        mixture = Mixture(log_softmax(rows[kept]), counted[kept, 1:], flat[kept] - 1, used[kept])
        self.parts.append(mixture)
        return np.asarray(losses).reshape(targets.shape)


def log_softmax(rows: Floats) -> Floats:
    """Return log-probabilities of logits (N, V)."""
    rows = rows - rows.max(axis=1, keepdims=True)
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


def places(model: unspool.Generator, table: CountTable, stream: TokenStream, split: ours.Split) -> Mixture:
    """Return what network and counts say at each place of a stream."""
    engine = Places(model, table)
    eos_id, document = split.tokenizer.eos_id, split.document
    evaluate_stream(engine, model.parameters, stream, eos_id=eos_id, document=document)
    names = ("network", "counts", "targets", "used")
    return Mixture(*(np.concatenate([getattr(part, name) for part in engine.parts]) for name in names))


def linear(fitted: Mixture, judged: Mixture, buckets: Buckets, rows: int) -> NDArray[np.float64]:
    """Return the nats of each judged place under a linear mixture, its shares by maximum likelihood."""
    both, used = np.exp(fitted.right), buckets(fitted.used)
    shares = np.full(rows, 0.5)  # of the network
    for _ in range(ROUNDS):
        own = shares[used] * both[:, 0]
        own /= own + (1 - shares[used]) * both[:, 1]
        total, size = np.bincount(used, own, rows), np.bincount(used, minlength=rows)
        shares = (total + 1) / (size + 2)  # two places of a prior, for rows that were never used
    share, both = shares[buckets(judged.used)], np.exp(judged.right)
    return -np.log(share * both[:, 0] + (1 - share) * both[:, 1])


def log_linear(fitted: Mixture, judged: Mixture, buckets: Buckets, rows: int) -> NDArray[np.float64]:
    """Return the nats of each judged place under a log-linear mixture, as unspool fits it."""
    learnt = Mixture(fitted.network, fitted.counts, fitted.targets, buckets(fitted.used))
    own, counted = fitted_weights(learnt, rows=rows)[buckets(judged.used)].T[..., None]
    mixed = log_softmax(own * judged.network + counted * judged.counts)
    return -mixed[np.arange(len(mixed)), judged.targets]


def ways(fitted: Mixture, judged: Mixture, rows: int) -> dict[str, float]:
    """Return the nats of the judged text by each way."""
    figures = {"network alone": -judged.right[:, 0].sum(), "counts alone": -judged.right[:, 1].sum()}
    for name, mixed in (("linear", linear), ("log-linear", log_linear)):
        for by, buckets in BUCKETS.items():
            figures[f"{name}, {by}"] = mixed(fitted, judged, buckets, rows).sum()
    return figures


def measure(text: quality_texts.Text, arguments: argparse.Namespace) -> dict[int, dict[str, float]]:
    """Return the bits per character of every way, with contexts that occur at least twice, and once."""
    split = text.split()
    if split is None:
        return {}
    model = text.trained(epochs=arguments.epochs, threads=arguments.threads)
    halves = quality_texts.halves(split.validation, document=split.document)
    results = {}
    for least in (2, 1):
        table = count(
            split.training.ids, vocab_size=split.tokenizer.vocab_size, order=arguments.order,
            end_id=split.tokenizer.eos_id, least=least, most_bytes=1 << 32,
        )  # fmt: skip
        assert table is not None
        fitted, judged = (places(model, table, half, split) for half in halves)
        nats = ways(fitted, judged, rows=2 * (table.order + 1))
        results[least] = {name: each / math.log(2) / halves[1].characters for name, each in nats.items()}
    return results


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    known = quality_texts.texts()
    parser.add_argument("--texts", nargs="+", choices=list(known), default=["titles", "Shakespeare"])
    parser.add_argument("--epochs", type=int, default=6)
    parser.add_argument("--order", type=int, default=8, help="symbols of the longest context")
    arguments = parser.parse_args()
    results = {name: found for name in arguments.texts if (found := measure(known[name], arguments))}
    columns = [(name, least) for name in results for least in (2, 1)]
    header = ["mixture", *(f"{name}{', with seen once' if least == 1 else ''}" for name, least in columns)]
    way_names = list(next(iter(results.values()))[2]) if results else []
    rows = [[way, *(f"{results[name][least][way]:.3f}" for name, least in columns)] for way in way_names]
    document = {
        "benchmark": "mixing",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    terms = f"Bits per character of the second half of the held-out text, after {arguments.epochs} epochs"
    harness.finish(document, [terms, "", harness.table(header, rows)], as_json=arguments.json)


if __name__ == "__main__":
    main()
