"""Models that are known by heart: what comes next is fixed, so that a test can say what must be shown."""

import itertools
from typing import Any

import numpy as np

import unspool
from unspool._cli.play.prediction import Predictor
from unspool._cli.play.session import Session
from unspool._generation.options.generation_options import GenerationOptions
from unspool._network.parameters import parameter_shapes
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records

CERTAIN = 8.0  # nats by which what comes next leads


def cyclic(*texts: str, tokenizer: str = "char") -> unspool.Generator:
    """Make a model in which each symbol of the first text is followed by its next one, and then the end.

    It is an RNN that remembers its last input alone: one unit for each symbol. The other texts only bring
    more symbols, which are followed by the end.
    """
    known = encode_corpus(Records.of(texts), EncodingRecipe(tokenizer=tokenizer)).tokenizer
    V = known.vocab_size
    network = unspool.NetworkConfig(cell="rnn", hidden_size=V, vocab_size=V)
    parameters: dict[str, Any] = {
        name: np.zeros(shape, np.float32) for name, shape in parameter_shapes(network).items()
    }
    parameters["layers.0.input_kernel"] += 20 * np.eye(V, dtype=np.float32)  # tanh makes it one
    output = parameters["output.kernel"]
    output[:, known.eos_id] = CERTAIN
    ids = [known.eos_id, *known.encode(texts[0]).tolist()]
    for before, after in itertools.pairwise(ids):
        output[before] = 0
        output[before, after] = CERTAIN
    return unspool.Generator(network=network, tokenizer=known, parameters=parameters, threads=1)


def session_of(model: unspool.Generator, text: str = "", **options: Any) -> Session:
    """Begin to play with a model."""
    chosen = GenerationOptions(**({"seed": 1} | options))
    return Session(Predictor(model), normalize=model.tokenizer.normalize, options=chosen, text=text)
