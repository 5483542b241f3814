"""The rule that chooses: a few measured constants, and their consequences for a text and a budget.

docs/minutes.md has the experiments behind the constants. Each choice is a function here; a new one is one
more function and its line in `network_values` or `training_values`.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from unspool._network.config import NetworkConfig
from unspool._planning.budget import Budget
from unspool._planning.facts import CorpusFacts

SIZES = (32, 48, 64, 96, 128, 192, 256, 384, 512, 768, 1024)  # hidden sizes to choose from
REFERENCE = 128  # units of the LSTM for which the constants were measured

# A larger network is better once it can read this many tokens in the budget: NEEDS for the reference, and for
# other networks scaled by a power of their core weights.
NEEDS, NEEDS_POWER = 0.4e6, 1.5
# Core weights for each token of the text, above which a network memorizes the text.
MOST_WEIGHTS = 1.0

# Exposure measures how far a network memorizes a text: passes over it times core weights for each of its
# tokens. From LITTLE_EXPOSURE on there is dropout, one step more at each doubling. At MOST_EXPOSURE the run
# ends, even if there is time left.
LITTLE_EXPOSURE, DROPOUT_STEP, MOST_DROPOUT, MOST_EXPOSURE = 1.4, 0.1, 0.4, 20.0
FEWEST_STEPS = 1000  # least number of steps to learn anything from the smallest text

LEARNING_RATE, HOTTEST = 0.04, 0.05
# By cell; a cell that was not measured gets the lowest factor.
LEARNING_RATE_FACTORS = {"lstm": 1.0, "gru": 0.5, "rnn": 0.15}

# Small steps are the most useful ones. Twice as many lanes are only worth it if they make the machine, which
# may have many processors, this many times as fast.
BATCH_SIZES, DOUBLING_IS_WORTH = (8, 16, 32, 64), 1.3
SEQUENCE_LENGTH = 32
# The values of the training that are the same for every text and network. In bf16, where the processor
# multiplies it, a step learns as much in less time.
USUAL = {"sequence_length": SEQUENCE_LENGTH, "precision": "auto"}


@dataclass(frozen=True, kw_only=True)
class Candidate:
    """A network that may be chosen, and what it can do in the time.

    Args:
        network: The network; its vocab_size is set.
        speed: Training speed in tokens a second.
        share: Share of the text that would be held out, or None.
        budget: How the time would be divided.
        symbols: Number of tokens that it could learn from.
        text_symbols: Number of tokens of the text that are not held out.
    """

    network: NetworkConfig
    speed: float
    share: float | None
    budget: Budget
    symbols: float
    text_symbols: float

    @property
    def passes(self) -> float:
        """Return the passes over the text: as many as the time allows, and no more than are useful."""
        return min(self.symbols / self.text_symbols, self.last_pass)

    @property
    def last_pass(self) -> int:
        """Return the pass after which the network would memorize the text."""
        by_heart = MOST_EXPOSURE * self.text_symbols / core_weights(self.network)
        steps = max(1.0, self.text_symbols / (BATCH_SIZES[0] * SEQUENCE_LENGTH))  # in one pass
        return math.ceil(max(by_heart, FEWEST_STEPS / steps))

    @property
    def ends_early(self) -> bool:
        """Return whether the last useful pass comes before the time is over."""
        return self.passes == self.last_pass


def core_weights(network: NetworkConfig) -> int:
    """Return the number of weights between the recurrent units, which learn how tokens follow one another.

    The input and output tables are left out: each token uses one row of them.
    """
    return len(network.kind.gates) * network.hidden_size**2 * (2 * network.num_layers - 1)


def networks(given: Mapping[str, Any], facts: CorpusFacts) -> list[NetworkConfig]:
    """Return the networks to choose from, the smallest first.

    Args:
        given: The fixed values, by their names in `NetworkConfig`.
        facts: The facts about the text: its vocabulary, and its length, which bounds the size.
    """
    sizes = [given["hidden_size"]] if "hidden_size" in given else SIZES
    every = [
        NetworkConfig(**{**given, "hidden_size": size, "vocab_size": facts.vocab_size}) for size in sizes
    ]
    small = [network for network in every if core_weights(network) <= MOST_WEIGHTS * facts.symbols]
    return small or every[:1]


def reference_of(found: Sequence[NetworkConfig]) -> NetworkConfig:
    """Return the network with which batch sizes are timed: the one nearest to the reference."""
    return min(found, key=lambda network: abs(network.hidden_size - REFERENCE))


def batch_size(speeds: Sequence[float]) -> int:
    """Choose the batch size from the speeds of one network with the first few of `BATCH_SIZES`."""
    worth = [speed / DOUBLING_IS_WORTH**doublings for doublings, speed in enumerate(speeds)]
    return BATCH_SIZES[worth.index(max(worth))]


def needed_symbols(network: NetworkConfig) -> float:
    """Return the number of tokens that a network must read to be better than a smaller one."""
    reference = core_weights(NetworkConfig(hidden_size=REFERENCE))
    return float(NEEDS * (core_weights(network) / reference) ** NEEDS_POWER)


def largest_worth_its_time(found: Sequence[Candidate]) -> Candidate:
    """Choose the largest network that can read enough tokens, or the smallest if none can."""
    worth = [each for each in found if each.symbols >= needed_symbols(each.network)]
    return worth[-1] if worth else found[0]


def network_values(candidate: Candidate) -> dict[str, Any]:
    """Choose the remaining values of the network."""
    return {"dropout": dropout(candidate)}


def training_values(candidate: Candidate) -> dict[str, Any]:
    """Choose the remaining values of the training."""
    return {
        "epochs": candidate.last_pass if candidate.ends_early else None,
        "learning_rate": learning_rate(candidate.network),
        "schedule": "cosine",
        "validation_fraction": candidate.share,
    }


def dropout(candidate: Candidate) -> float:
    """Choose the dropout: none for a new text, and more the more often a large network reads it again."""
    exposure = candidate.passes * core_weights(candidate.network) / candidate.text_symbols
    doublings = math.log2(max(1.0, exposure / LITTLE_EXPOSURE))
    return min(MOST_DROPOUT, round(DROPOUT_STEP * math.ceil(doublings), 2))


def learning_rate(network: NetworkConfig) -> float:
    """Choose the highest learning rate: as high as the size and the cell allow, since budgets are short."""
    rate = min(HOTTEST, LEARNING_RATE * REFERENCE / network.hidden_size)
    return float(f"{rate * LEARNING_RATE_FACTORS.get(network.cell, min(LEARNING_RATE_FACTORS.values())):.2g}")
