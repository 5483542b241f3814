"""Continue a trained model with other texts: known symbols keep their parameters, new ones are added."""

from dataclasses import replace
from pathlib import Path

import numpy as np

from unspool._configuration import check
from unspool._errors import ConfigError
from unspool._model import Generator
from unspool._network.conditions import schema_of
from unspool._network.config import NetworkConfig
from unspool._network.parameters import Parameters, grow, initialize
from unspool._tables.corpus import TableRecords
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.config import TrainingConfig


def load_origin(init_from: str | Path | Generator, *, engine: str) -> Generator:
    """Load the model to continue from.

    Args:
        init_from: The model, or its folder.
        engine: The engine to load the model with.

    Raises:
        ConfigError: If it was trained on pairs.
        ArtifactError: If the folder is not a whole model.
    """
    origin = init_from if isinstance(init_from, Generator) else Generator.load(init_from, engine=engine)
    refused = origin.network.source_vocab_size is None
    check("init_from", "a model trained on pairs", "a model trained without sources", refused)
    return origin


def first_network(origin: Generator | None) -> NetworkConfig:
    """Return the network if the user chose none: the origin's, or the default one."""
    return NetworkConfig() if origin is None else replace(origin.network, vocab_size=None)


def first_recipe(
    corpus: Records,
    config: TrainingConfig,
    tokenizer: str | Tokenizer,
    max_vocab_size: int | None,
    origin: Generator | None,
) -> EncodingRecipe:
    """Return the encoding recipe for the texts of a new run.

    Args:
        corpus: The texts.
        config: The training.
        tokenizer: A name in `TOKENIZERS`, or a tokenizer.
        max_vocab_size: Highest number of ids of a new tokenizer, or None.
        origin: The model to continue from, or None.

    Raises:
        ConfigError: As `grown_recipe` does.
    """
    by_character = tokenizer == "char" or not isinstance(corpus, TableRecords)
    check("tokenizer", tokenizer, "char for rows of a table", by_character)
    recipe = EncodingRecipe(
        tokenizer=tokenizer,
        max_vocab_size=max_vocab_size,
        normalization=corpus.normalization,
        validation_fraction=config.validation_fraction,
        document=corpus.document,
        contexts="learn" if corpus.steers else None,
        sources="learn" if corpus.pairs else None,
    )
    return recipe if origin is None else grown_recipe(recipe, origin, corpus)


def grown_recipe(recipe: EncodingRecipe, origin: Generator, corpus: Records) -> EncodingRecipe:
    """Return the encoding recipe of a continued model: its tokenizer grows, its contexts stay.

    Args:
        recipe: The recipe for a new model.
        origin: The model to continue from.
        corpus: The texts.

    Raises:
        ConfigError: If the recipe chooses a tokenizer, since the model's own is used; or if the texts have a
            context and the model was trained without.
    """
    same = recipe.tokenizer in ("char", origin.tokenizer.kind)  # "char" is the default
    if not same or recipe.max_vocab_size is not None:
        what, got = ("max_vocab_size", recipe.max_vocab_size) if same else ("tokenizer", recipe.tokenizer)
        expected = f"left out with init_from: the model keeps its {origin.tokenizer.kind} tokenizer"
        raise ConfigError(what, expected=expected, got=repr(got))
    schema = schema_of(origin.data)
    context = corpus.spec.get("context") if corpus.spec else any(record.context for record in corpus)
    if schema is None and context:
        raise ConfigError(
            "the texts have a context, and the model of init_from was trained without one",
            hint="leave the context out, or train a new model",
        )
    return replace(recipe, tokenizer=origin.tokenizer, grow=True, contexts=schema)


def first_parameters(
    origin: Generator | None, network: NetworkConfig, tokenizer: Tokenizer, *, seed: int
) -> Parameters:
    """Return the parameters that a training starts from: the origin's, grown, or fresh ones.

    Args:
        origin: The model to continue from, or None.
        network: The network to be trained.
        tokenizer: The tokenizer of the network; with an origin, it is grown from the origin's.
        seed: The seed of fresh values.

    Raises:
        ConfigError: If the network differs from the origin's in more than its vocabulary and its dropouts.
    """
    if origin is None:
        return initialize(network, seed)
    old = origin.tokenizer
    ids = np.arange(old.vocab_size)  # the old symbols are the first of the new ones
    ids[old.eos_id] = tokenizer.eos_id
    if old.unk_id is not None:
        ids[old.unk_id] = tokenizer.vocab_size - 2
    return grow(origin.parameters, origin.network, network, ids=ids, seed=seed)
