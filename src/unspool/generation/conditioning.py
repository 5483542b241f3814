"""A model that is told something of its texts: a context, a vector, what they are the answer to."""

from collections.abc import Mapping, Sequence
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check
from unspool.errors import ConfigError
from unspool.network.conditions import schema_of, with_context, with_first_state, with_start
from unspool.network.config import NetworkConfig
from unspool.text.context import ContextSchema
from unspool.text.encoding.source_texts import read_sources
from unspool.text.tokenizers.registry import Tokenizer
from unspool.text.tokenizers.unknown_symbols import Unknown

SOURCES_AT_ONCE = 512  # read side by side

Context = Mapping[str, object]
Floats = NDArray[np.floating[Any]]


class Conditioning:
    """Tell the network that the class on top of this one holds what its texts are to be.

    Attributes:
        network: The network.
        parameters: The network's parameters.
        data: Where its text came from, in plain JSON types.
        source_tokenizer: That of the texts which an encoder reads; None for a network without one.
    """

    network: NetworkConfig
    parameters: dict[str, Floats]
    data: dict[str, Any]
    source_tokenizer: Tokenizer | None
    _engine: Any

    @property
    def schema(self) -> ContextSchema:
        """Say what may be told: empty where the model was trained without a context.

        Raises:
            ConfigError: If config.json was changed and is broken.
        """
        return schema_of(self.data) or ContextSchema()

    def given(
        self,
        context: Context | None = None,
        *,
        vector: Any = None,
        source: str | None = None,
        unknown: Unknown = "error",
    ) -> Self:
        """Give the model that this one is once something is known of its texts.

        It is a model like any other, which takes no context any more: all that it writes, scores and finds is
        under what was told here. What is not told is left open.

        Args:
            context: Values of any of its attributes, by name: ``{"label": "Sports"}``.
            vector: The numbers that its first state is worked from.  # (D,)
            source: What its texts are the answer to, for a model of pairs. Without it the result still needs
                one.
            unknown: What becomes of symbols of the source that the model does not know: "error"; "drop";
                "replace".

        Raises:
            ConfigError: If the model has no such attribute, an attribute has no such value, the vector is
                of another size, or the model was trained without sources.
            UnknownSymbolError: If the source has a symbol that the model does not know.
        """
        parameters, network = dict(self.parameters), self.network
        schema = self.schema
        row = schema.row(context or {})
        if schema.attributes:
            parameters, network = with_context(parameters, network, row)
        if vector is not None or schema.vector_size is not None:
            numbers = np.zeros(schema.vector_size or 0) if vector is None else vector
            parameters, network = with_start(parameters, network, schema.vector(numbers))
        if source is not None:
            (start,) = self.encode_sources([source], unknown=unknown)
            parameters, network = with_first_state(parameters, network, start)
        told = {name: str(value) for name, value in (context or {}).items()}
        told |= {} if source is None else {"source": source}
        data = {**self.data, "context": None, "given": {**self.data.get("given", {}), **told}}
        model = object.__new__(type(self))
        own = {"parameters": parameters, "network": network, "data": data}
        own |= {} if source is None else {"source_tokenizer": None}
        state = self.__getstate__() | own  # type: ignore[operator]
        model.__setstate__(state)  # type: ignore[attr-defined]
        return model

    def encode_sources(self, sources: Sequence[str], *, unknown: Unknown = "error") -> list[Floats]:
        """Read sources, and give the state that the answer to each starts from.

        Args:
            sources: Any number of them; they are read side by side.
            unknown: What becomes of symbols that the model does not know: "error"; "drop"; "replace".

        Returns:
            An array for each, which `generate` takes as a state.  # (L, S, H)

        Raises:
            ConfigError: If the model was trained without sources.
            UnknownSymbolError: If a source has a symbol that the model does not know.
        """
        tokenizer = self.source_tokenizer
        if tokenizer is None:
            raise ConfigError("the source", expected="none: the model was trained without sources", got="one")
        ok = isinstance(sources, Sequence) and all(isinstance(source, str) for source in sources)
        check("source", sources, "a text, or a list of texts", ok)
        states: list[Floats] = []
        for first in range(0, len(sources), SOURCES_AT_ONCE):
            read = read_sources(tokenizer, sources[first : first + SOURCES_AT_ONCE], unknown=unknown)
            states += list(self._engine.encode(self.parameters, read).transpose(2, 0, 1, 3))
        return states

    def _start(self, source: str | Sequence[str] | None, state: Any, unknown: Unknown) -> Any:
        """Give the states that sources make, or the state that was given in their place."""
        if source is None:
            return state
        check("state", state, "none beside a source, which says it", state is None)
        several = [source] if isinstance(source, str) else source
        check("source", source, "at least one text", len(several) > 0)
        return self.encode_sources(several, unknown=unknown)

    def _told(self, context: Context | None, vector: Any = None) -> Self:
        """Give the model under a context; itself where nothing is told."""
        return self if context is None and vector is None else self.given(context, vector=vector)
