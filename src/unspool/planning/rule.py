"""The rule that chooses: a few measured constants, and what follows from them for a text and a budget.

docs/minutes.md has the experiments that the constants come from. Each thing to choose is a function here;
another one is one more function and its line in `network_values` or `training_values`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unspool.network.config import NetworkConfig
from unspool.planning.budget import Budget
from unspool.planning.facts import CorpusFacts

SIZES = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)  # hidden sizes that are thought of
REFERENCE = 128  # units of the LSTM that the constants are about

# A larger network is worth its time once the budget lets it read so many symbols: NEEDS for the reference,
# for others by a power of the weights of their cores.
NEEDS, NEEDS_POWER = 0.4e6, 1.5
# Weights of the core for each symbol of the text, above which it learns the text by heart.
MOST_WEIGHTS = 1.0

# How far a network goes in learning a text by heart: passes over it times weights of the core for each of
# its symbols. From LITTLE_EXPOSURE on there is dropout, a step more whenever it doubles; at MOST_EXPOSURE the
# run ends, whatever time is left.
LITTLE_EXPOSURE, DROPOUT_STEP, MOST_DROPOUT, MOST_EXPOSURE = 1.4, 0.1, 0.4, 20.0
FEWEST_STEPS = 1000  # below which nothing is learnt of the smallest text

LEARNING_RATE, HOTTEST = 0.04, 0.05
# By cell; one that was not measured gets the least of them.
LEARNING_RATE_FACTORS = {"lstm": 1.0, "gru": 0.5, "rnn": 0.15}

# Small steps are worth most; a batch of twice as many lanes is worth it where it makes the machine, which
# may have many processors, so many times as fast.
BATCH_SIZES, DOUBLING_IS_WORTH = (8, 16, 32, 64), 1.3
SEQUENCE_LENGTH = 32


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """Hold a network that may be chosen, and what the time lets it do.

    Args:
        network: The network, its vocab_size set.
        speed: Symbols a second that it learns from.
        share: Of the text that would be held out, or None.
        budget: Where the time would go.
        symbols: Symbols that it could learn from.
        text_symbols: Symbols of the text that is not held out.
    """

    network: NetworkConfig
    speed: float
    share: float | None
    budget: Budget
    symbols: float
    text_symbols: float

    @property
    def passes(self) -> float:
        """Give the passes over the text: as many as there is time for, until they would do harm."""
        return min(self.symbols / self.text_symbols, self.last_pass)

    @property
    def last_pass(self) -> int:
        """Give the pass after which the network would learn the text by heart."""
        by_heart = MOST_EXPOSURE * self.text_symbols / core_weights(self.network)
        steps = max(1.0, self.text_symbols / (BATCH_SIZES[0] * SEQUENCE_LENGTH))  # of a pass
        return math.ceil(max(by_heart, FEWEST_STEPS / steps))

    @property
    def ends_early(self) -> bool:
        """Tell whether that comes before the time is over."""
        return self.passes == self.last_pass


def core_weights(network: NetworkConfig) -> int:
    """Count the weights between the recurrent units, which learn how symbols follow one another.

    The tables of symbols are left out: of them each symbol uses a row.
    """
    return len(network.kind.gates) * network.hidden_size**2 * (2 * network.num_layers - 1)


def networks(given: Mapping[str, Any], facts: CorpusFacts) -> list[NetworkConfig]:
    """List the networks that may be chosen, the smallest first.

    Args:
        given: The values that are fixed, by their names in `NetworkConfig`.
        facts: The text: its alphabet, and its length, which bounds the size.
    """
    sizes = [given["hidden_size"]] if "hidden_size" in given else SIZES
    every = [
        NetworkConfig(**{**given, "hidden_size": size, "vocab_size": facts.vocab_size}) for size in sizes
    ]
    small = [network for network in every if core_weights(network) <= MOST_WEIGHTS * facts.symbols]
    return small or every[:1]


def reference_of(found: Sequence[NetworkConfig]) -> NetworkConfig:
    """Choose the network that batch sizes are timed with: the one next to the reference."""
    return min(found, key=lambda network: abs(network.hidden_size - REFERENCE))


def batch_size(speeds: Sequence[float]) -> int:
    """Choose the batch size from the speeds of one network with the first few of `BATCH_SIZES`."""
    worth = [speed / DOUBLING_IS_WORTH**doublings for doublings, speed in enumerate(speeds)]
    return BATCH_SIZES[worth.index(max(worth))]


def needed_symbols(network: NetworkConfig) -> float:
    """Give the symbols that a network has to read before it is better than a smaller one."""
    reference = core_weights(NetworkConfig(hidden_size=REFERENCE))
    return float(NEEDS * (core_weights(network) / reference) ** NEEDS_POWER)


def largest_worth_its_time(found: Sequence[Candidate]) -> Candidate:
    """Choose the largest network that can read enough; the smallest where none can."""
    worth = [each for each in found if each.symbols >= needed_symbols(each.network)]
    return worth[-1] if worth else found[0]


def network_values(candidate: Candidate) -> dict[str, Any]:
    """Choose what remains of the network."""
    return {"dropout": dropout(candidate)}


def training_values(candidate: Candidate) -> dict[str, Any]:
    """Choose what remains of the training."""
    return {
        "epochs": candidate.last_pass if candidate.ends_early else None,
        "learning_rate": learning_rate(candidate.network),
        "schedule": "cosine",
        "validation_fraction": candidate.share,
    }


def dropout(candidate: Candidate) -> float:
    """Choose the dropout: none while the text is new, more the oftener a large network reads it again."""
    exposure = candidate.passes * core_weights(candidate.network) / candidate.text_symbols
    doublings = math.log2(max(1.0, exposure / LITTLE_EXPOSURE))
    return min(MOST_DROPOUT, round(DROPOUT_STEP * math.ceil(doublings), 2))


def learning_rate(network: NetworkConfig) -> float:
    """Choose the peak of the learning rate: as hot as the size and the cell bear, for budgets are short."""
    rate = min(HOTTEST, LEARNING_RATE * REFERENCE / network.hidden_size)
    return float(f"{rate * LEARNING_RATE_FACTORS.get(network.cell, min(LEARNING_RATE_FACTORS.values())):.2g}")
