"""What a model is made of: the one record that the functions of this room take."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

from unspool._artifacts.kept_precision import Quantization
from unspool._configuration import as_spelled, check, from_dict, to_dict
from unspool._engines import ENGINES, make_engine
from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Engine, Parameters
from unspool._errors import ConfigError
from unspool._generation.options.generation_options import ROWS, GenerationOptions
from unspool._generation.options.keywords import by_own_names
from unspool._generation.options.keywords import options_and_n as given_options_and_n
from unspool._kernels.counts import CountTable
from unspool._kernels.precision import INFERENCE
from unspool._network.conditions import schema_of
from unspool._network.config import NetworkConfig
from unspool._text.context import ContextSchema
from unspool._text.tokenizers.registry import Tokenizer

Parts = TypeVar("Parts", bound="ModelParts")


@dataclass(frozen=True, kw_only=True, eq=False, repr=False)
class ModelParts:
    """What a model is made of, and the engine that runs it.

    Args:
        network: The network.
        tokenizer: Turns texts into the network's symbols.
        parameters: Name -> array, as `unspool._network.parameters` names them.
        training: The resolved training configuration, in plain JSON types.
        data: Where the text came from, in plain JSON types.
        generation_config: How the model is meant to be sampled, in plain JSON types.
        source_tokenizer: That of the texts which an encoder reads; None for a network without one.
        quantization: The number format that the parameters were rounded to, and its cost; None for float32.
        counts: What followed which context in the training text, which is mixed into the network's logits;
            None for the network alone.
        engine: A name in `ENGINES`.
        threads: Threads of the engine, ≥ 1; None for one on each processor.
        precision: Number format of the products when the model writes and scores, a name in `INFERENCE`.
        device: Where the engine computes, a name in `DEVICES`.

    Attributes:
        runner: The engine itself. It lives in its process: a pickle and a copy make their own.

    Raises:
        ConfigError: If the engine cannot be made, or a tokenizer is not the network's.
    """

    network: NetworkConfig
    tokenizer: Tokenizer
    parameters: Parameters
    training: Mapping[str, Any] = field(default_factory=dict)
    data: Mapping[str, Any] = field(default_factory=dict)
    generation_config: Mapping[str, Any] = field(default_factory=dict)
    source_tokenizer: Tokenizer | None = None
    quantization: Quantization | None = None
    counts: CountTable | None = None
    engine: str = "cpu"
    threads: int | None = None
    precision: str = "float32"
    device: str = "auto"
    runner: Engine = field(init=False)

    def __post_init__(self) -> None:
        """Check that the parts fit together, and make the engine."""
        network, source = self.network, self.source_tokenizer
        size = None if source is None else source.vocab_size
        expected = f"{network.source_vocab_size}, as the network has"
        check("vocab_size of source_tokenizer", size, expected, network.source_vocab_size == size)
        if network.symbols != self.tokenizer.vocab_size:
            expected, got = f"{network.symbols}, as the network has", str(self.tokenizer.vocab_size)
            raise ConfigError("vocab_size of the tokenizer", expected=expected, got=got)
        engine, precision = as_spelled(self.engine, ENGINES), as_spelled(self.precision, INFERENCE)
        check("precision", precision, f"one of {', '.join(INFERENCE)}", precision in INFERENCE)
        self.__setstate__({"parameters": dict(self.parameters), "engine": engine, "precision": precision})

    def __getstate__(self) -> dict[str, Any]:
        """Leave the engine out of a pickle or a copy."""
        return {name: value for name, value in vars(self).items() if name != "runner"}

    def __setstate__(self, state: dict[str, Any]) -> None:
        """Set fields, though they are frozen, and make the engine."""
        vars(self).update(state)
        runner = make_engine(
            self.engine, self.network, threads=self.threads, inference=self.precision, device=self.device
        )
        vars(self)["runner"] = runner if self.counts is None else CountingEngine(runner, self.counts)

    @property
    def schema(self) -> ContextSchema:
        """Return what may be told of the texts: nothing where the model was trained without a context.

        Raises:
            ConfigError: If config.json was changed and is broken.

        Example:
            >>> [attribute.name for attribute in model_with_labels.schema.attributes]
            ['label']
        """
        return schema_of(self.data) or ContextSchema()


def options_and_n(parts: ModelParts, keywords: Mapping[str, Any], n: int) -> tuple[GenerationOptions, int]:
    """Return the options of a call and its number of texts: what is not given is as in the model's own file.

    Args:
        parts: The model.
        keywords: As in `unspool._generation.options.keywords.options_and_n`.
        n: The number of texts, if it is not among the keywords.

    Raises:
        ConfigError: If a name is unknown, an option has two values, or a value is out of its range.
    """
    return given_options_and_n(unusual_options(parts) | by_own_names(keywords), n)


def own_options(parts: ModelParts) -> dict[str, Any]:
    """Return the options of generation that a model was saved with: what holds where nothing is given.

    Raises:
        ConfigError: If a value in its file is out of its range.
    """
    return to_dict(from_dict(GenerationOptions, parts.generation_config, where="generation_config.json"))


def unusual_options(parts: ModelParts) -> dict[str, Any]:
    """Return those of `own_options` that are not the usual ones: few, so that a short text stays fast.

    Raises:
        ConfigError: If a value in its file is out of its range.
    """
    unusual = {
        name: value
        for name, value in parts.generation_config.items()
        if name not in ROWS or value != getattr(GenerationOptions, name)
    }
    from_dict(GenerationOptions, unusual, where="generation_config.json")
    return unusual
