"""Candidates of the choice of a network, with numbers that are easy to compute with."""

from typing import Any

from unspool._network.config import NetworkConfig
from unspool._planning.budget import Budget
from unspool._planning.facts import CorpusFacts
from unspool._planning.rule import Candidate

BUDGET = Budget(total=60, spent=1, reading=2, evaluation=0.5)
FACTS = CorpusFacts(
    document=False, records=1234, characters=56789, symbols=20_000, vocab_size=50, typical_length=40,
    complete=True, seconds=0.0,
)  # fmt: skip


def candidate(
    hidden_size: int = 10,
    *,
    speed: float = 1.0,
    symbols: float = 0.0,
    text_symbols: float = 400,
    share: float | None = 0.1,
    budget: Budget = BUDGET,
    **network: Any,
) -> Candidate:
    """Make a candidate: an LSTM, unless another cell is named."""
    config = NetworkConfig(hidden_size=hidden_size, vocab_size=50, **network)
    return Candidate(
        network=config, speed=speed, share=share, budget=budget, symbols=symbols, text_symbols=text_symbols
    )
