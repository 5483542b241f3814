"""The target "keras": the network in Keras's own layers, those of the lesson, saved by Keras itself.

::

    symbols (B, T, V), one-hot → layer_0, layer_1, … (LSTM, GRU, SimpleRNN) → output (Dense) (B, T, V)

With an embedding the symbols are ids (B, T). The output is a softmax. What else a network is told are further
inputs, by name: ``context`` (B, T, F) joins the input of the first layer at every step; of ``start`` (B, D) a
Dense for each state makes the first one, and where that is learned, ``start`` (B, 1) is 1; ``source`` is read
by layers of its own, whose last states are the first ones. Residual layers are added by Add; a tied output is
a Dense with a copy of the embedding.

The probability of ``<pad>`` is 0: its bias is so low.
"""

import tempfile
from collections.abc import Mapping
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.model_facts import facts_of
from unspool._json_files import json_text
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER, output_kernel

LAYERS = {"rnn": "SimpleRNN", "lstm": "LSTM", "gru": "GRU"}
PADDING_BIAS = -1e9  # exp of it is 0, and it is finite
Arrays = Mapping[str, NDArray[np.float32]]


def keras_files(exported: ModelToExport) -> dict[str, bytes]:
    """Write a model as a folder with a ``.keras`` file, its tokenizers, and an example.

    Args:
        exported: The model.

    Returns:
        The content of each file by its name.

    Raises:
        ConfigError: If Keras has no backend that can be imported.
    """
    model, keras = exported.model, imported_keras()
    network = keras_model(keras, model.network, model.parameters)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder, "model.keras")
        network.save(path)
        content = path.read_bytes()
    tokenizers = {"tokenizer.json": model.tokenizer, "source_tokenizer.json": model.source_tokenizer}
    return {
        "model.keras": content,
        "config.json": (json_text(facts_of(exported), indent=2) + "\n").encode(),
        **{name: one.to_json().encode() for name, one in tokenizers.items() if one is not None},
        "example.py": files("unspool._exporting").joinpath("keras_example.py").read_bytes(),
    }


def imported_keras() -> Any:
    """Return Keras with the backend that the user has chosen.

    Raises:
        ConfigError: If that is not installed.
    """
    try:
        import keras  # noqa: PLC0415 - an extra, which takes seconds
    except ImportError as error:
        hint = "install one and name it: KERAS_BACKEND=torch, tensorflow or jax"
        raise ConfigError(f"Keras cannot be imported ({error})", hint=hint) from None
    return keras


def keras_model(keras: Any, network: NetworkConfig, parameters: Arrays) -> Any:
    """Build a network of Keras's layers.

    Args:
        keras: The module.
        network: The network.
        parameters: Its parameters.

    Returns:
        A ``keras.Model``.
    """
    inputs: dict[str, Any] = {}
    states: list[list[Any]] | None = None
    if network.encoder is not None:
        own = {n.removeprefix(ENCODER): a for n, a in parameters.items() if n.startswith(ENCODER)}
        _, states = _stack(keras, network.encoder, own, inputs, prefix="source_")
    elif network.start_size is not None:
        states = _start(keras, network, parameters, inputs)
    x, _ = _stack(keras, network, parameters, inputs, states)
    bias = parameters["output.bias"].copy()
    bias[0] = PADDING_BIAS
    options = {"kernel_initializer": "zeros", "activation": "softmax", "name": "output"}
    dense = keras.layers.Dense(network.symbols, dtype="float32", **options)
    output = dense(x)
    dense.set_weights([output_kernel(parameters), bias])
    return keras.Model(inputs if len(inputs) > 1 else inputs["symbols"], output, name="text_generator")


def _stack(
    keras: Any,
    network: NetworkConfig,
    parameters: Arrays,
    inputs: dict[str, Any],
    states: list[list[Any]] | None = None,
    *,
    prefix: str = "",
) -> tuple[Any, list[list[Any]]]:
    """Add the recurrent layers; return what the last one says (B, T, H), and the last states of all."""
    x = _symbols(keras, network, parameters, inputs, prefix=prefix)
    ends: list[list[Any]] = []
    for number in range(network.num_layers):
        layer = _recurrent(keras, network, f"{prefix}layer_{number}", returns_states=bool(prefix))
        first = {} if states is None else {"initial_state": states[number]}
        found = layer(x, **first)
        y, *end = found if prefix else (found,)
        layer.set_weights(layer_weights(network, parameters, number))
        ends.append(end)
        added = bool(number) and network.residual
        x = keras.layers.Add(name=f"{prefix}add_{number}", dtype="float32")([x, y]) if added else y
    return x, ends


def _symbols(
    keras: Any, network: NetworkConfig, parameters: Arrays, inputs: dict[str, Any], *, prefix: str
) -> Any:
    """Add the input of the symbols, and return what the first layer reads."""
    name = prefix.rstrip("_") or "symbols"
    V, E, F = network.symbols, network.embedding_size, network.context_size
    if E is None:
        inputs[name] = x = keras.Input((None, V), dtype="float32", name=name)
    else:
        inputs[name] = keras.Input((None,), dtype="int32", name=name)
        table = keras.layers.Embedding(V, E, dtype="float32", name=f"{prefix}embedding")
        x = table(inputs[name])
        table.set_weights([parameters["embedding"]])
    if F is None:
        return x
    inputs["context"] = keras.Input((None, F), dtype="float32", name="context")
    return keras.layers.Concatenate(name="joined", dtype="float32")([x, inputs["context"]])


def _recurrent(keras: Any, network: NetworkConfig, name: str, *, returns_states: bool) -> Any:
    options: dict[str, Any] = {"reset_after": network.reset_after} if network.kind.reset_gate else {}
    return getattr(keras.layers, LAYERS[network.cell])(
        network.hidden_size,
        return_sequences=True,
        return_state=returns_states,
        kernel_initializer="zeros",
        recurrent_initializer="zeros",  # all are set at once
        dtype="float32",
        name=name,
        **options,
    )


def layer_weights(network: NetworkConfig, parameters: Arrays, number: int) -> list[NDArray[np.float32]]:
    """Return the arrays of a layer as Keras has them: its gates have the same order.

    Args:
        network: The network.
        parameters: Its parameters.
        number: The number of the layer; the context belongs to the first one.
    """
    kernel, recurrent, bias = (
        parameters[f"layers.{number}.{part}"] for part in ("input_kernel", "recurrent_kernel", "bias")
    )
    if number == 0 and network.context_size is not None:
        kernel = np.concatenate([kernel, parameters["context.kernel"]])
    recurrent_bias = parameters.get(f"layers.{number}.recurrent_bias")
    if recurrent_bias is not None:  # the last of the gates of a GRU alone has one
        second = np.zeros_like(bias)
        second[-len(recurrent_bias) :] = recurrent_bias
        bias = np.stack([bias, second])
    return [kernel, recurrent, bias]


def _start(keras: Any, network: NetworkConfig, parameters: Arrays, inputs: dict[str, Any]) -> list[list[Any]]:
    """Add the input and the layers that make the first states."""
    D, (L, S, H) = network.start_size, network.state_shape
    bias = parameters["start.bias"].reshape(L, S, H)
    kernel = parameters["start.kernel"].reshape(-1, L, S, H) if D else bias[None]
    inputs["start"] = keras.Input((D or 1,), dtype="float32", name="start")
    states: list[list[Any]] = []
    for layer in range(L):
        states.append([])
        for state in range(S):
            name = f"start_{layer}_{state}"
            dense = keras.layers.Dense(H, use_bias=bool(D), dtype="float32", name=name)
            states[-1].append(dense(inputs["start"]))
            dense.set_weights([kernel[:, layer, state], *([bias[layer, state]] if D else [])])
    return states
