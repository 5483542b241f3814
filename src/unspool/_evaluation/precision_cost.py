"""What a rounding of the parameters costs, in bits per character, measured on texts that the model writes.

The texts are drawn from the exact model, so the mean of what the rounded model loses on them is the relative
entropy between the two (Kullback and Leibler, 1951).
"""

import math

import numpy as np

from unspool._artifacts.model_folder import SavedModel
from unspool._engines import make_engine
from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Engine, Parameters
from unspool._evaluation.forward import most_columns
from unspool._evaluation.streams import bits_per_character
from unspool._generation.engine_request import EngineRequest
from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.writer import generate
from unspool._network.parameters import ENCODER
from unspool._text.streams.lanes import Window
from unspool._text.tokenizers.tokenizer import Tokenizer

TEXTS, LONGEST = 512, 100


def precision_cost(exact: SavedModel, kept: SavedModel, *, seed: int = 0) -> float:
    """Return how many bits per character a model loses by its rounded parameters.

    An encoder is not measured: the texts of a model of pairs start from a state of zeros. A context and a
    start vector are zeros too.

    Args:
        exact: The model; its counts are used for both.
        kept: The same model with rounded parameters.
        seed: The seed of the texts.

    Returns:
        Bits per character; about 0, and by chance below, if the rounding hardly changes anything.
    """
    engine: Engine = make_engine("cpu", exact.network.without_encoder())
    if exact.counts is not None:
        engine = CountingEngine(engine, exact.counts)
    before, after = (_without_encoder(model.parameters) for model in (exact, kept))
    options = GenerationOptions(seed=seed, max_new_tokens=LONGEST)
    count = min(TEXTS, most_columns(before))
    nothing = [np.zeros(0, np.int32)] * count
    texts = list(generate(engine.writer(before), EngineRequest(nothing, options)))
    window = _window(texts, exact.tokenizer)
    nats = _nats(engine, after, window) - _nats(engine, before, window)
    characters = sum(len(exact.tokenizer.decode(text.ids)) for text in texts)
    return bits_per_character(nats, characters) if characters else 0.0


def _without_encoder(parameters: Parameters) -> Parameters:
    return {name: array for name, array in parameters.items() if not name.startswith(ENCODER)}


def _window(texts: list[GeneratedIds], tokenizer: Tokenizer) -> Window:
    """Put texts side by side, each from its start to its end, if it has one.  # (T, B)."""
    ids = np.zeros((LONGEST + 2, len(texts)), np.int32)
    ids[0] = tokenizer.eos_id
    for column, text in enumerate(texts):
        ids[1 : 1 + len(text.ids), column] = text.ids
        if text.ended:
            ids[1 + len(text.ids), column] = tokenizer.eos_id
    return Window(np.ascontiguousarray(ids[:-1]), np.ascontiguousarray(ids[1:]))


def _nats(engine: Engine, parameters: Parameters, window: Window) -> float:
    state = engine.initial_state(window.ids.shape[1], parameters)
    losses, _ = engine.token_losses(parameters, window, state, reset_id=None)
    return math.fsum(losses.ravel().tolist())
