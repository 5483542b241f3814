"""Go on from a trained model with other texts: its symbols keep their numbers, new ones come after them."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from unspool.configuration import check
from unspool.errors import ConfigError
from unspool.model import Generator
from unspool.network.config import NetworkConfig
from unspool.network.parameters import Parameters, grow, initialize
from unspool.text.records import Records
from unspool.text.tokenizers.registry import Tokenizer


def load_origin(
    init_from: str | Path | Generator | None, tokenizer: str | Tokenizer, max_vocab_size: int | None
) -> Generator | None:
    """Load the model to go on from; None for none.

    Raises:
        ConfigError: If a tokenizer is asked for beside it: its own goes on.
        ArtifactError: If the folder is not a whole model.
    """
    if init_from is None:
        return None
    origin = init_from if isinstance(init_from, Generator) else Generator.load(init_from)
    refused = origin.network.source_vocab_size is None
    check("init_from", "a model that was trained on pairs", "a model without sources", refused)
    same = tokenizer in ("char", origin.tokenizer.kind)  # "char" is what holds where nothing is said
    if not same or max_vocab_size is not None:
        what = "tokenizer" if not same else "max_vocab_size"
        expected = f"none with init_from: the model's own {origin.tokenizer.kind} tokenizer goes on"
        raise ConfigError(
            f"parameter {what}", expected=expected, got=repr(max_vocab_size if same else tokenizer)
        )
    return origin


def first_network(origin: Generator | None) -> NetworkConfig:
    """Give the network where none is asked for: the origin's, or the usual one."""
    return NetworkConfig() if origin is None else replace(origin.network, vocab_size=None)


def first_context(origin: Generator | None, corpus: Records) -> dict[str, Any]:
    """Say what the context of the texts is where a model goes on: the model's own, or nothing.

    Returns:
        What to write down as data of the run; empty for a new model, which learns what its context is.

    Raises:
        ConfigError: If the texts have a context and the model was trained without.
    """
    if origin is None:
        return {}
    schema = origin.data.get("context")
    asked = corpus.spec.get("context") if corpus.spec else any(record.context for record in corpus)
    if schema is None and asked:
        raise ConfigError(
            "the context of the texts",
            expected="none: the model to go on from was trained without",
            got="some",
            hint="leave it out, or train a new model",
        )
    return {"context": schema}


def first_parameters(
    origin: Generator | None, network: NetworkConfig, tokenizer: Tokenizer, *, seed: int
) -> Parameters:
    """Make the parameters that a training starts from: the origin's, grown, or fresh ones.

    Args:
        origin: The model to go on from, or None.
        network: The network to be trained.
        tokenizer: Its tokenizer; where there is an origin, grown from the origin's.
        seed: What fresh values come from.

    Raises:
        ConfigError: If the network is not the origin's but for its symbols and its dropouts.
    """
    if origin is None:
        return initialize(network, seed)
    old = origin.tokenizer
    ids = np.arange(old.vocab_size)  # the old symbols are the first of the new ones
    ids[old.eos_id] = tokenizer.eos_id
    if old.unk_id is not None:
        ids[old.unk_id] = tokenizer.vocab_size - 2
    return grow(origin.parameters, origin.network, network, ids=ids, seed=seed)
