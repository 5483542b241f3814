"""What a model is made of: the one record that the functions of this room take."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from unspool.configuration import check
from unspool.engines import make_engine
from unspool.engines.protocol import Engine, Floats
from unspool.errors import ConfigError
from unspool.network.conditions import schema_of
from unspool.network.config import NetworkConfig
from unspool.text.context import ContextSchema
from unspool.text.tokenizers.registry import Tokenizer


@dataclass(frozen=True, eq=False)
class ModelParts:
    """Hold what a model is made of, and the engine that computes it.

    The engine lives in its process: a pickle and a copy make their own.

    Args:
        network: The network.
        tokenizer: Turns texts into the network's symbols.
        source_tokenizer: That of the texts which an encoder reads; None for a network without one.
        parameters: Name -> array, as `unspool.network.parameters` names them.
        training: The resolved training configuration, in plain JSON types.
        data: Where the text came from, in plain JSON types.
        generation: How the model is meant to be sampled, in plain JSON types.
        engine_name: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.

    Raises:
        ConfigError: If the engine cannot be made, or a tokenizer is not the network's.
    """

    network: NetworkConfig
    tokenizer: Tokenizer
    source_tokenizer: Tokenizer | None
    parameters: dict[str, Floats] = field(repr=False)
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    generation: Mapping[str, Any]
    engine_name: str
    threads: int | None
    engine: Engine = field(init=False, repr=False)

    def __post_init__(self) -> None:
        """Check that the parts fit together, and make the engine."""
        network, source = self.network, self.source_tokenizer
        size = None if source is None else source.vocab_size
        expected = f"{network.source_vocab_size}, as the network has"
        check("vocab_size of source_tokenizer", size, expected, network.source_vocab_size == size)
        if network.symbols != self.tokenizer.vocab_size:
            expected, got = f"{network.symbols}, as the network has", str(self.tokenizer.vocab_size)
            raise ConfigError("vocab_size of the tokenizer", expected=expected, got=got)
        engine = make_engine(self.engine_name, network, threads=self.threads)
        object.__setattr__(self, "engine", engine)

    def __reduce__(self) -> tuple[type["ModelParts"], tuple[Any, ...]]:
        """Leave the engine out of a pickle or a copy."""
        return type(self), tuple(getattr(self, part.name) for part in fields(self) if part.init)

    @property
    def schema(self) -> ContextSchema:
        """Return what may be told of the texts: nothing where the model was trained without a context.

        Raises:
            ConfigError: If config.json was changed and is broken.
        """
        return schema_of(self.data) or ContextSchema()
