"""A model that is told something of its texts: a context, a vector, or both."""

from collections.abc import Mapping
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from unspool.network.conditions import schema_of, with_context, with_start
from unspool.network.config import NetworkConfig
from unspool.text.context import ContextSchema

Context = Mapping[str, object]
Floats = NDArray[np.floating[Any]]


class Conditioning:
    """Tell the network that the class on top of this one holds what its texts are to be.

    Attributes:
        network: The network.
        parameters: The network's parameters.
        data: Where its text came from, in plain JSON types.
    """

    network: NetworkConfig
    parameters: dict[str, Floats]
    data: dict[str, Any]

    @property
    def schema(self) -> ContextSchema:
        """Say what may be told: empty where the model was trained without a context.

        Raises:
            ConfigError: If config.json was changed and is broken.
        """
        return schema_of(self.data) or ContextSchema()

    def given(self, context: Context | None = None, *, vector: Any = None) -> Self:
        """Give the model that this one is once something is known of its texts.

        It is a model like any other, which takes no context any more: all that it writes, scores and finds is
        under what was told here. What is not told is left open.

        Args:
            context: Values of any of its attributes, by name: ``{"label": "Sports"}``.
            vector: The numbers that its first state is worked from.  # (D,)

        Raises:
            ConfigError: If the model has no such attribute, an attribute has no such value, or the vector is
                of another size.
        """
        parameters, network = dict(self.parameters), self.network
        schema = self.schema
        row = schema.row(context or {})
        if schema.attributes:
            parameters, network = with_context(parameters, network, row)
        if vector is not None or schema.vector_size is not None:
            numbers = np.zeros(schema.vector_size or 0) if vector is None else vector
            parameters, network = with_start(parameters, network, schema.vector(numbers))
        told = {name: str(value) for name, value in (context or {}).items()}
        data = {**self.data, "context": None, "given": {**self.data.get("given", {}), **told}}
        model = object.__new__(type(self))
        state = self.__getstate__() | {"parameters": parameters, "network": network, "data": data}  # type: ignore[operator]
        model.__setstate__(state)  # type: ignore[attr-defined]
        return model

    def _told(self, context: Context | None, vector: Any = None) -> Self:
        """Give the model under a context; itself where nothing is told."""
        return self if context is None and vector is None else self.given(context, vector=vector)
