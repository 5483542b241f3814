"""Every text of a tiny network, one by one: what the searches are held against."""

from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from tests.engines.variants import engine_or_skip
from unspool._engines.protocol import Engine
from unspool._generation.automata.automaton import TokenAutomaton
from unspool._generation.search.forward import Searched
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

VOCAB_SIZE = 5
EOS = VOCAB_SIZE - 1
LONGEST = 4
LETTERS = (1, 2, 3)
PROMPT = np.array([2, 1], np.int32)

Parameters = dict[str, NDArray[np.float32]]


def tiny_networks() -> list[NetworkConfig]:
    """List every cell, a GRU both ways, the first with two layers and an embedding."""
    kinds = [(name, after) for name, cell in CELLS.items() for after in {True, not cell.reset_gate}]
    return [
        NetworkConfig(cell=cell, reset_after=after, hidden_size=6, num_layers=1 + (i == 0),
                      embedding_size=3 if i == 0 else None, vocab_size=VOCAB_SIZE)
        for i, (cell, after) in enumerate(kinds)
    ]  # fmt: skip


def tiny_parameters(config: NetworkConfig, seed: int = 1) -> Parameters:
    """Draw parameters large enough that texts differ in probability by far."""
    random = np.random.default_rng(seed)
    return {
        name: array + random.normal(0, 0.8, array.shape).astype(np.float32)
        for name, array in initialize(config, seed).items()
    }


def searched(engine: Engine, parameters: Parameters, *, lanes: int = 8) -> Searched:
    """Make what a search runs."""
    return Searched(engine.forward(parameters, lanes=lanes), engine.initial_state, EOS)


def tiny(engine_name: str, config: NetworkConfig, seed: int = 1) -> tuple[Engine, Parameters, Searched]:
    """Make an engine with parameters, and what a search of them runs."""
    engine, parameters = engine_or_skip(engine_name, config), tiny_parameters(config, seed)
    return engine, parameters, searched(engine, parameters)


@dataclass(frozen=True)
class Text:
    """One text: its symbols, whether it ends, and its log-probability under the model and a constraint."""

    ids: tuple[int, ...]
    ended: bool
    total: float
    constrained: float


def all_texts(
    engine: Engine,
    parameters: Parameters,
    prompt: NDArray[np.int32],
    *,
    longest: int = LONGEST,
    automaton: TokenAutomaton | None = None,
) -> list[Text]:
    """List every way to go on: texts that end within `longest` symbols, and cut ones of `longest`."""
    texts = []
    for length in range(longest + 1):
        drawn = [(*ids, EOS) if length < longest else ids for ids in product(LETTERS, repeat=length)]
        ids = np.array([[EOS, *prompt, *symbols] for symbols in drawn], np.int32).T  # (T, B)
        state = engine.initial_state(len(drawn))
        logits, _ = engine.logits(parameters, np.ascontiguousarray(ids[:-1]), state)
        rows = np.exp(logits[len(prompt) :].astype(np.float64))  # (T, B, V)
        measure = (measured(rows[:, b], prompt, drawn[b], longest, automaton) for b in range(len(drawn)))
        texts += [text for text in measure if text is not None]
    return texts


def measured(
    rows: NDArray[np.float64],
    prompt: NDArray[np.int32],
    drawn: tuple[int, ...],
    longest: int,
    automaton: TokenAutomaton | None,
) -> Text | None:
    """Sum what each symbol costs (T, V); None where the constraint refuses one."""
    total = constrained = 0.0
    for t, symbol in enumerate(drawn):
        may = np.ones(VOCAB_SIZE, bool)
        if automaton is not None:
            may = automaton.allowed(automaton.walk([*prompt, *drawn[:t]]), longest - t)
        if not may[symbol]:
            return None
        total += float(np.log(rows[t, symbol] / rows[t].sum()))
        constrained += float(np.log(rows[t, symbol] / rows[t, may].sum()))
    ended = drawn[-1] == EOS
    return Text(drawn[:-1] if ended else drawn, ended, total, constrained)


# Texts in which no letter stands twice in a row and the last is not the third; state 0 is the start.
NO_DOUBLES = TokenAutomaton(
    classes=np.array([0, 0, 1, 2, 0], np.int32),
    transitions=np.array([[1, 2, 3], [-1, 2, 3], [1, -1, 3], [1, 2, -1]], np.int32),
    distance=np.array([1, 0, 0, 1], np.int32),
)
