"""Conditions that steer a network: a context at every step of a record, and the state that it starts from.

A context row c adds ``c @ context.kernel`` to the gates of the first layer at every step, as a further input
would; a row of zeros adds nothing. A start vector v replaces the zero state at the start of a record by ``v @
start.kernel + start.bias``, in the layout (L, S, H). Image captioning does the same with the features of a
picture (Vinyals et al., "Show and Tell", 2015).
"""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, from_dict
from unspool._errors import ConfigError
from unspool._network.cells import Array
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER
from unspool._text.context import ContextSchema
from unspool._text.streams.lanes import Conditions

Product = Callable[[Any, Any], Any]


def check_conditions(config: NetworkConfig, conditions: Conditions | None, shape: tuple[int, ...]) -> None:
    """Refuse conditions that a network has no place for, or that do not fit its window.

    Args:
        config: The network.
        conditions: The conditions, or None.
        shape: Shape of the window, (T, B).

    Raises:
        ConfigError: If an array does not fit.
    """
    if conditions is None:
        return
    _expect("conditions.records", conditions.records.shape, shape)
    rows = conditions.num_rows
    L, S, H = config.state_shape
    shapes = {
        "context": None if config.context_size is None else (rows, config.context_size),
        "starts": (rows, config.start_size) if config.start_size else None,
        "states": (rows, L, S, H),
        "sources": None,  # an encoder has made states of them
    }
    for name, expected in shapes.items():
        array = getattr(conditions, name)
        if array is not None:
            _expect(f"conditions.{name}", array.shape, expected)
    records = conditions.records
    if records.size and not 0 <= int(records.min()) <= int(records.max()) < rows:
        got = f"{records.min()} to {records.max()}"
        raise ConfigError("conditions.records", expected=f"rows from 0 to {rows - 1}", got=got)


def schema_of(data: Mapping[str, Any]) -> ContextSchema | None:
    """Return the schema of the context that a model was trained with, or None without context.

    Args:
        data: The content of config.json under "data".

    Raises:
        ConfigError: If the stored schema is broken.
    """
    stored = data.get("context")
    return None if stored is None else from_dict(ContextSchema, stored, where="config.json: data: context")


def steered_by(config: NetworkConfig, schema: ContextSchema | None, *, document: bool) -> NetworkConfig:
    """Return the network with room for the context and the vectors of the records.

    Args:
        config: The network.
        schema: The context of the records, or None.
        document: Whether the records are one document.

    Raises:
        ConfigError: If the network has room for another context, or if the records are one document and
            should start from a vector: no record of a document starts anew.
    """
    context, start = (None, None) if schema is None else (schema.size, schema.vector_size)
    if start is None and config.start_size == 0:
        start = 0  # it is learned, and needs no vector
    for name, size in (("context_size", context), ("start_size", start)):
        stored = getattr(config, name)
        expected = f"{size}, as in the records, or None" if size else "None: the records have none"
        check(name, stored, expected, stored in (None, size))
    if document and start is not None:
        hint = "read a text per record"
        raise ConfigError("vectors and start_size do not work with one document", hint=hint)
    return replace(config, context_size=context, start_size=start)


def _expect(what: str, shape: tuple[int, ...], allowed: tuple[int, ...] | None) -> None:
    if shape != allowed:
        expected = "None: the network was made without it" if allowed is None else f"shape {allowed}"
        raise ConfigError(what, expected=expected, got=f"shape {shape}")


def no_source() -> ConfigError:
    """Return the error for a text that needs a source and has none."""
    hint = "give one: --source TEXT, or in Python source=..., or model.conditioned_on(source=...)"
    return ConfigError("the model was trained on pairs and needs a source", hint=hint)


def context_gates(
    parameters: Mapping[str, Any], conditions: Conditions | None, *, product: Product = np.matmul
) -> Any:
    """Compute the part of each context in the first layer's gates, or None without context.  # (R, G·H).

    Args:
        parameters: The network's parameters.
        conditions: The conditions, or None.
        product: A function that multiplies two matrices.
    """
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
    """Compute the state that each record starts from.

    Args:
        config: The network.
        parameters: Its parameters.
        conditions: The conditions. None stands for a single record without a start vector, that is, with
            zeros.
        product: A function that multiplies two matrices.

    Returns:
        The states, (R, L, S, H), or None if records start from zeros.
    """
    if conditions is not None and conditions.states is not None:
        return conditions.states
    if config.start_size is None:
        return None
    if conditions is None or conditions.starts is None:  # no start vector, or one of zeros
        rows = 1 if conditions is None else conditions.num_rows
        states = parameters["start.bias"][None][[0] * rows]  # works in NumPy and in PyTorch
    else:
        states = product(conditions.starts, parameters["start.kernel"]) + parameters["start.bias"]
    return states.reshape(len(states), *config.state_shape)


def fresh_state(config: NetworkConfig, parameters: Mapping[str, Array] | None, batch_size: int) -> Array:
    """Return the state of fresh starts without conditions.

    Args:
        config: The network.
        parameters: Its parameters; None if the first state is zeros.
        batch_size: Number of sequences, B.

    Returns:
        New float32 arrays: zeros, or the first state that the network has learned.  # (L, S, B, H)
    """
    L, S, H = config.state_shape
    state = np.zeros((L, S, batch_size, H), np.float32)
    if config.start_size is not None and parameters is not None:
        state += parameters["start.bias"].reshape(L, S, 1, H).astype(np.float32)
    return state


def records_of(conditions: Conditions | None, shape: tuple[int, ...]) -> NDArray[np.int32]:
    """Return the row of the conditions for each position of a window; 0 without conditions.  # (T, B)."""
    return np.zeros(shape, np.int32) if conditions is None else conditions.records


def with_context(
    parameters: Mapping[str, Array], config: NetworkConfig, row: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Return the network without context that behaves as this one does with a fixed context.

    A fixed context is a bias of the first layer.

    Args:
        parameters: The parameters of a network with a context.
        config: The configuration of that network.
        row: The context of all texts that the new network reads or writes.  # (F,)

    Returns:
        The parameters of a network without a context, which share the unchanged arrays, and its
        configuration.

    Raises:
        ConfigError: If the network has no context, or one of another size.
    """
    size = config.context_size
    _expect("context", row.shape, None if size is None else (size,))
    folded = {name: values for name, values in parameters.items() if name != "context.kernel"}
    bias = parameters["layers.0.bias"]
    offset = row.astype(bias.dtype) @ parameters["context.kernel"]  # (G·H,)
    folded["layers.0.bias"] = (bias + offset).astype(bias.dtype)
    return folded, config.without_context()


def with_start(
    parameters: Mapping[str, Array], config: NetworkConfig, vector: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Return the network with one fixed first state, computed from a start vector.

    Args:
        parameters: The parameters of a network with a start vector.
        config: The configuration of that network.
        vector: The start vector.  # (D,)

    Returns:
        The parameters and the configuration of a network whose start_size is 0.

    Raises:
        ConfigError: If the network has no start vector, or one of another size,
            or its first state is not finite.
    """
    size = config.start_size
    _expect("vector", vector.shape, (size,) if size else None)
    bias = parameters["start.bias"]  # (L·S·H,)
    folded = {name: values for name, values in parameters.items() if name != "start.kernel"}
    with np.errstate(over="ignore", invalid="ignore"):
        start = (bias + vector.astype(bias.dtype) @ parameters["start.kernel"]).astype(bias.dtype)
    largest = f"numbers up to {np.abs(vector).max(initial=0):.3g}"
    check("vector", largest, "small enough for a finite first state", bool(np.isfinite(start).all()))
    folded["start.bias"] = start
    return folded, config.without_start()


def with_first_state(
    parameters: Mapping[str, Array], config: NetworkConfig, state: Array
) -> tuple[dict[str, Array], NetworkConfig]:
    """Return the network without an encoder that starts from a known state.

    Args:
        parameters: The parameters of a network with an encoder.
        config: The configuration of that network.
        state: The state that the encoder has computed from the source.  # (L, S, H)

    Returns:
        The parameters and the configuration of a network without an encoder, which starts from the state.
    """
    decoder = {name: values for name, values in parameters.items() if not name.startswith(ENCODER)}
    bias = np.ascontiguousarray(state, np.float32).reshape(-1)
    return decoder | {"start.bias": bias}, replace(config.without_encoder(), start_size=0)
