"""What steers a network from outside: a context at every step of a record, a state that it starts from.

A context row c adds ``c @ context.kernel`` to the gates of the first layer at every step, as a further input
would; a row of zeros says nothing. A start vector v puts ``v @ start.kernel + start.bias``, laid out
(L, S, H), in place of the zero state where a record starts: what image captioning does with the features
of a picture (Vinyals et al., "Show and Tell", 2015).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool.configuration import check, from_dict
from unspool.errors import ConfigError
from unspool.network.cells import Array
from unspool.network.config import NetworkConfig
from unspool.network.parameters import ENCODER
from unspool.text.context import ContextSchema
from unspool.text.streams.lanes import Conditions

Product = Callable[[Any, Any], Any]


def check_conditions(config: NetworkConfig, conditions: Conditions | None, shape: tuple[int, ...]) -> None:
    """Refuse conditions that a network has no place for, or that do not fit its window.

    Args:
        config: The network.
        conditions: What is given, or None.
        shape: (T, B) of the window.

    Raises:
        ConfigError: If something does not fit.
    """
    if conditions is None:
        return
    _expect("conditions.records", conditions.records.shape, shape)
    rows = conditions.num_rows
    L, S, H = config.state_shape
    wanted = {
        "context": None if config.context_size is None else (rows, config.context_size),
        "starts": (rows, config.start_size) if config.start_size else None,
        "states": (rows, L, S, H),
        "sources": None,  # an encoder has made states of them
    }
    for name, expected in wanted.items():
        given = getattr(conditions, name)
        if given is not None:
            _expect(f"conditions.{name}", given.shape, expected)
    records = conditions.records
    if records.size and not 0 <= int(records.min()) <= int(records.max()) < rows:
        got = f"{records.min()} to {records.max()}"
        raise ConfigError("conditions.records", expected=f"rows from 0 to {rows - 1}", got=got)


def schema_of(data: Mapping[str, Any]) -> ContextSchema | None:
    """Read what a model says of the context that it was trained with; None where there was none.

    Args:
        data: What config.json says under "data".

    Raises:
        ConfigError: If what it says is broken.
    """
    stored = data.get("context")
    return None if stored is None else from_dict(ContextSchema, stored, where="config.json: data: context")


def steered_by(config: NetworkConfig, schema: ContextSchema | None, *, document: bool) -> NetworkConfig:
    """Make room in a network for what is known about the records.

    Raises:
        ConfigError: If the network has room for something else, or records of one document, in which none
            starts anew, are to start from a vector.
    """
    context, start = (None, None) if schema is None else (schema.size, schema.vector_size)
    if start is None and config.start_size == 0:
        start = 0  # it is learnt, and needs no vector
    for name, size in (("context_size", context), ("start_size", start)):
        given = getattr(config, name)
        expected = f"{size}, as the records have, or none" if size else "none: the records say nothing"
        check(name, given, expected, given in (None, size))
    if document and start is not None:
        hint = "read a text per record"
        raise ConfigError("a vector, or start_size", expected="none in one document", got="one", hint=hint)
    return replace(config, context_size=context, start_size=start)


def _expect(what: str, shape: tuple[int, ...], wanted: tuple[int, ...] | None) -> None:
    if shape != wanted:
        expected = "none: the network has no place for it" if wanted is None else f"shape {wanted}"
        raise ConfigError(what, expected=expected, got=f"shape {shape}")


def no_source() -> ConfigError:
    """Make the error for a start of which no source is known."""
    hint = "give one: source=..., or --source; given(source=...) makes a model like any other of this one"
    return ConfigError("the source", expected="a text: the model was trained on pairs", got="none", hint=hint)


def context_gates(
    parameters: Mapping[str, Any], conditions: Conditions | None, *, product: Product = np.matmul
) -> Any:
    """Work what each context adds to the first layer's gates: (R, G·H), or None where none is given."""
    if conditions is None or conditions.context is None:
        return None
    return product(conditions.context, parameters["context.kernel"])


def start_states(
    config: NetworkConfig,
    parameters: Mapping[str, Any],
    conditions: Conditions | None,
    *,
    product: Product = np.matmul,
) -> Any:
    """Work the state that each record starts from.

    Args:
        config: The network.
        parameters: Its parameters.
        conditions: What is given; None says nothing of a single row, which is then a start vector of zeros.
        product: Multiplies two matrices.

    Returns:
        (R, L, S, H), or None where records start from zeros.
    """
    if conditions is not None and conditions.states is not None:
        return conditions.states
    if config.start_size is None:
        return None
    if conditions is None or conditions.starts is None:  # a vector of zeros, or none to be worked from
        rows = 1 if conditions is None else conditions.num_rows
        states = parameters["start.bias"][None][[0] * rows]  # of NumPy and of PyTorch
    else:
        states = product(conditions.starts, parameters["start.kernel"]) + parameters["start.bias"]
    return states.reshape(len(states), *config.state_shape)


def fresh_state(config: NetworkConfig, parameters: Mapping[str, Array] | None, batch_size: int) -> Array:
    """Make the state of fresh starts of which nothing is said.

    Args:
        config: The network.
        parameters: Its parameters; None where it has no first state of its own.
        batch_size: B.

    Returns:
        Fresh zeros, or what the network has learnt to start from, float32.  # (L, S, B, H)
    """
    L, S, H = config.state_shape
    state = np.zeros((L, S, batch_size, H), np.float32)
    if config.start_size is not None and parameters is not None:
        state += parameters["start.bias"].reshape(L, S, 1, H).astype(np.float32)
    return state


def records_of(conditions: Conditions | None, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Say which row each position of a window has; without conditions all have the only one.  # (T, B)."""
    return np.zeros(shape, np.int32) if conditions is None else conditions.records


def with_context(
    parameters: Mapping[str, Array], config: NetworkConfig, row: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Give the network that a context makes of a network: it is a bias of the first layer.

    Args:
        parameters: Of a network with a context.
        config: That network.
        row: The context of all that the result reads or writes.  # (F,)

    Returns:
        The parameters of a network without a context, which share what does not change, and its
        configuration.

    Raises:
        ConfigError: If the network has no context, or one of another size.
    """
    size = config.context_size
    _expect("context", row.shape, None if size is None else (size,))
    folded = {name: values for name, values in parameters.items() if name != "context.kernel"}
    bias = parameters["layers.0.bias"]
    said = row.astype(bias.dtype) @ parameters["context.kernel"]  # (G·H,)
    folded["layers.0.bias"] = (bias + said).astype(bias.dtype)
    return folded, config.without_context()


def with_start(
    parameters: Mapping[str, Array], config: NetworkConfig, vector: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Give the network that a start vector makes of a network: its first state is always the same.

    Args:
        parameters: Of a network with a start vector.
        config: That network.
        vector: The vector.  # (D,)

    Returns:
        The parameters and the configuration of a network whose start_size is 0.

    Raises:
        ConfigError: If the network has no start vector, or one of another size.
    """
    size = config.start_size
    _expect("vector", vector.shape, (size,) if size else None)
    bias = parameters["start.bias"]  # (L·S·H,)
    folded = {name: values for name, values in parameters.items() if name != "start.kernel"}
    folded["start.bias"] = (bias + vector.astype(bias.dtype) @ parameters["start.kernel"]).astype(bias.dtype)
    return folded, config.without_start()


def with_first_state(
    parameters: Mapping[str, Array], config: NetworkConfig, state: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Give the network that a source makes of a network with an encoder: its first state is known.

    Args:
        parameters: Of a network with an encoder.
        config: That network.
        state: What the encoder has made of the source.  # (L, S, H)

    Returns:
        The parameters and the configuration of a network without an encoder, which starts from the state.
    """
    kept = {name: values for name, values in parameters.items() if not name.startswith(ENCODER)}
    bias = np.ascontiguousarray(state, np.float32).reshape(-1)
    return kept | {"start.bias": bias}, replace(config.without_encoder(), start_size=0)
