"""A Keras model of the lesson's shape: an input, recurrent layers in a row, a Dense over the symbols."""

import itertools
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from unspool._errors import ArtifactError
from unspool._importing.keras_archive import KerasLayer, keras_layers
from unspool._importing.stack import Floats, Stack, StackLayer, check_stack, expect_shape
from unspool._importing.tensors import read_bytes
from unspool._importing.torch_state import joined

CELL_OF = {"SimpleRNN": "rnn", "LSTM": "lstm", "GRU": "gru"}
PASSED_OVER = (
    "InputLayer",
    "Dropout",
    "SpatialDropout1D",
    "Masking",
)  # they change nothing when a text is written
STANDARD = {"activation": ("tanh",), "recurrent_activation": ("sigmoid",), "go_backwards": (False,)}
SHAPE = "Input, Embedding or one-hot, LSTM, GRU or SimpleRNN, Dense"


def stack_of_keras(path: Path) -> Stack:
    """Read a Keras model from a ``.keras`` file.

    Raises:
        ArtifactError: If the file is broken, or the network is none of unspool.
        ConfigError: If the package that reads HDF5 is not installed.
    """
    where = str(path)
    return stack_of_layers(keras_layers(read_bytes(path), where=where), where=where)


def stack_of_layers(layers: Sequence[KerasLayer], *, where: str) -> Stack:
    """Find the network in the layers of a Keras model.

    Raises:
        ArtifactError: If they are no chain of the lesson's shape; the message names the first that is not.
    """
    _check_chain(layers, where)
    left = [layer for layer in layers if layer.kind not in PASSED_OVER]
    if left and left[-1].kind in ("Activation", "Softmax"):
        _expect_activation(left.pop(), ("softmax",), where)
    embedding = left.pop(0) if left and left[0].kind == "Embedding" else None
    output = _unwrapped(left.pop()) if left else None
    others = [layer for layer in left if layer.kind not in CELL_OF]
    if others or not left or output is None or output.kind != "Dense":
        wrong = [*others, *([output] if output is not None and output.kind != "Dense" else [])]
        got = f"{wrong[0].kind} {wrong[0].name!r}" if wrong else ", ".join(layer.kind for layer in layers)
        raise ArtifactError(f"{where}: layers", expected=SHAPE, got=got)
    cells = {CELL_OF[layer.kind] for layer in left}
    if len(cells) != 1:
        raise ArtifactError(
            f"{where}: layers", expected="layers of one kind", got=" and ".join(sorted(cells))
        )
    recurrent = [_layer(layer, where) for layer in left]
    kernel, bias = _dense(output, where)
    table, skips = None, False
    if embedding is not None:
        (table,) = _expect_weights(embedding, (1,), where)
        skips = bool(embedding.config.get("mask_zero"))
    name = f"{where}: {output.name}"
    return check_stack(
        Stack(cells.pop(), recurrent, kernel, bias, table, skips_padding=skips, output_name=name)
    )


def _check_chain(layers: Sequence[KerasLayer], where: str) -> None:
    """Check that each layer reads the one before it, and nothing else."""
    for before, layer in itertools.pairwise(layers):
        if layer.inbound is not None and layer.inbound != [before.name]:
            got = " and ".join(layer.inbound) or "an input of its own"
            hint = "several inputs, states and side ways have no place here"
            raise ArtifactError(
                f"{where}: {layer.name}", expected=f"to read {before.name}", got=got, hint=hint
            )


def _unwrapped(layer: KerasLayer) -> KerasLayer:
    return layer.inner if layer.kind == "TimeDistributed" and layer.inner is not None else layer


def _expect_activation(layer: KerasLayer, allowed: tuple[str, ...], where: str) -> None:
    found = "softmax" if layer.kind == "Softmax" else layer.config.get("activation")
    if found not in allowed:
        expected = f"activation {' or '.join(allowed)}"
        raise ArtifactError(f"{where}: {layer.name}", expected=expected, got=repr(found))


def _expect_weights(layer: KerasLayer, numbers: tuple[int, ...], where: str) -> list[Floats]:
    if len(layer.weights) not in numbers:
        expected = f"{' or '.join(map(str, numbers))} arrays"
        raise ArtifactError(f"{where}: {layer.name}", expected=expected, got=str(len(layer.weights)))
    return layer.weights


def _dense(layer: KerasLayer, where: str) -> tuple[Floats, Floats]:
    """Return the kernel and the bias of the output layer, whose logits are the same without a softmax."""
    _expect_activation(layer, ("softmax", "linear"), where)
    kernel, *rest = _expect_weights(layer, (1, 2), where)
    if kernel.ndim != 2:
        raise ArtifactError(f"{where}: {layer.name}", expected="a matrix", got=f"shape {kernel.shape}")
    bias = rest[0] if rest else np.zeros(kernel.shape[1], np.float32)
    expect_shape(f"{where}: {layer.name}: bias", bias, (kernel.shape[1],), "one for each symbol")
    return kernel, bias


def _layer(layer: KerasLayer, where: str) -> StackLayer:
    """Return a recurrent layer; its gates are in the order of Keras already."""
    name, config = f"{where}: {layer.name}", layer.config
    for option, allowed in STANDARD.items():
        if option in config and config[option] not in allowed:
            expected = f"{option} {allowed[0]!r}"
            raise ArtifactError(
                name, expected=expected, got=repr(config[option]), hint="no other is known here"
            )
    if config.get("return_sequences") is not True:
        hint = "a text is written from what the network says after each symbol"
        raise ArtifactError(name, expected="return_sequences=True", got="False", hint=hint)
    kernel, recurrent, *rest = _expect_weights(layer, (2, 3), where)
    if recurrent.ndim != 2:
        raise ArtifactError(name, expected="a recurrent matrix", got=f"shape {recurrent.shape}")
    H, gates = recurrent.shape
    reset_after = layer.kind == "GRU" and config.get("reset_after") is not False
    bias = rest[0] if rest else np.zeros((2, gates) if reset_after else gates, np.float32)
    if not reset_after:
        return StackLayer(name, kernel, recurrent, bias)
    expect_shape(f"{name}: bias", bias, (2, 3 * H))
    bias, recurrent_bias = joined(bias[0], bias[1], split=2 * H)
    return StackLayer(name, kernel, recurrent, bias, recurrent_bias)
