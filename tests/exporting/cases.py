"""The models that every exporter is held to: each cell, each variant of a network, each kind of tokenizer.

All are trained for a moment, and then moved away from their first values, so that a forgotten bias shows.
"""

from dataclasses import dataclass, replace
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

import unspool
from unspool._artifacts.model_folder import SavedModel
from unspool._engines import make_engine
from unspool._model.saving import saved
from unspool._network.cells import CELLS
from unspool._text.streams.lanes import Conditions, Window

TEXTS = [
    "</script><b>\"quoted\" & 'so'",
    "a\u202eb \\ `tick` ${x}",
    "naïve 日本 👍🏽",
    "plain words, plain words",
] * 3
LABELLED = [
    unspool.Record(text, context={"kind": f"k{i % 2}", "size": str(i / 4)}) for i, text in enumerate(TEXTS)
]
VECTORS = [
    unspool.Record(text, vector=np.array([i / 5, 1, -0.5], np.float32)) for i, text in enumerate(TEXTS)
]
PAIRS = [unspool.Record(text, source=text[::-1]) for text in TEXTS]

CASES: dict[str, tuple[list[Any], dict[str, Any]]] = {
    **{
        f"{cell}-L{layers}": (TEXTS, {"cell": cell, "num_layers": layers})
        for cell in CELLS
        for layers in (1, 2)
    },
    "gru-reset_before": (TEXTS, {"cell": "gru", "reset_after": False, "num_layers": 2}),
    "embedding": (TEXTS, {"embedding_size": 5}),
    "residual": (TEXTS, {"num_layers": 3, "residual": True}),
    "tied_output": (TEXTS, {"embedding_size": 9, "tied_output": True, "cell": "gru"}),
    "words": (TEXTS, {"tokenizer": "word", "max_vocab_size": 8}),
    "bytes": (TEXTS, {"tokenizer": "bytes"}),
    "bpe": (TEXTS, {"tokenizer": "bpe", "max_vocab_size": 266}),
    "regex": (TEXTS, {"tokenizer": "regex:[a-z]{2}|.b"}),
    "learned_start": (TEXTS, {"start_size": 0, "num_layers": 2}),
    "context": (LABELLED, {"num_layers": 2}),
    "vector": (VECTORS, {"cell": "gru"}),
    "pairs": (PAIRS, {"num_layers": 2}),
}


@dataclass(frozen=True, eq=False)
class Asked:
    """What a model is to read: ids after `<eos>`, and what is known of the text.

    Args:
        ids: The ids, the first of which is `<eos>`.  # (T,)
        context: The row of the context.  # (F,)
        start: The vector that the first state is computed from.  # (D,)
        source: The ids of the source as an encoder reads them: `<eos>`, then the last symbol to the
            first.  # (S,)
    """

    ids: NDArray[np.int32]
    context: NDArray[np.float32] | None = None
    start: NDArray[np.float32] | None = None
    source: NDArray[np.int32] | None = None


@cache
def model_of(case: str) -> SavedModel:
    """Train the model of a case for a moment."""
    texts, options = CASES[case]
    sizes = {"hidden_size": 9, "epochs": 1, "seed": 1}
    model = saved(unspool.train(texts, progress=False, **(sizes | options)))
    random = np.random.default_rng(3)
    parameters = {
        name: (values + random.normal(0, 0.3, values.shape)).astype(np.float32)
        for name, values in model.parameters.items()
    }
    return replace(model, parameters=parameters)


def asked_of(model: SavedModel, length: int = 40) -> Asked:
    """Draw what a model is to read."""
    network, random = model.network, np.random.default_rng(5)
    ids = random.integers(1, network.symbols, length).astype(np.int32)
    ids[0] = model.tokenizer.eos_id
    context, start = (
        random.normal(0, 1, size).astype(np.float32) if size else None
        for size in (network.context_size, network.start_size)
    )
    sources = network.source_vocab_size
    source = None
    if sources is not None:  # <eos>, the last of the ids, stands at its beginning alone
        source = np.append(sources - 1, random.integers(1, sources - 1, 7)).astype(np.int32)
    return Asked(ids, context, start, source)


def logprobs_of(model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Compute the log-probabilities after each id with the engine "cpu".  # (T, V), -inf for `<pad>`."""
    engine = make_engine("cpu", model.network, threads=1)
    ids = asked.ids[:, None]
    rows = {"context": asked.context, "starts": asked.start}
    told = {name: row[None] for name, row in rows.items() if row is not None}
    told |= {} if asked.source is None else {"sources": asked.source[:, None]}  # (S, 1)
    window = Window(ids, np.roll(ids, -1, 0), Conditions(np.zeros_like(ids), **told) if told else None)
    losses = np.full((len(ids), model.network.symbols), -np.inf, np.float32)
    for symbol in range(1, model.network.symbols):  # a loss is minus the log-probability of its target
        window = Window(ids, np.full_like(ids, symbol), window.conditions)
        state = engine.initial_state(1, None if asked.source is not None else model.parameters)
        cost, _ = engine.token_losses(model.parameters, window, state, reset_id=model.tokenizer.eos_id)
        losses[:, symbol] = -cost[:, 0]
    return losses
