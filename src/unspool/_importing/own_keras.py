"""What ``unspool export --to keras`` wrote: its layers, by the names that it gave them."""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError
from unspool._importing.keras_archive import keras_layers
from unspool._importing.own_files import check_layers, facts_in, model_in, untied
from unspool._importing.stack import Floats
from unspool._importing.tensors import read_bytes
from unspool._importing.torch_state import joined
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER

MODEL = "model.keras"
Weights = Mapping[str, list[Floats]]


def model_of_keras_export(folder: Path) -> SavedModel:
    """Read the folder of an export to Keras; its model may have been trained further in Keras.

    Raises:
        InputError: If a file is missing or broken, or the files do not fit together.
        ConfigError: If the package that reads HDF5 is not installed.
    """
    facts, where = facts_in(folder, MODEL), str(folder / MODEL)
    layers = keras_layers(read_bytes(folder / MODEL), where=where)
    weights = {layer.name: layer.weights for layer in layers}
    network = facts.network
    check_layers(network, len(layers), where=where)
    kernel, bias = _arrays(weights, "output", 2, where)
    bias = np.atleast_1d(bias).copy()
    bias[:1] = 0  # of <pad>, whose probability is 0 there by a bias of its own
    parameters = _stack(network, weights, "", where) | {"output.kernel": kernel, "output.bias": bias}
    if network.tied_output and np.array_equal(kernel, parameters["embedding"].T):
        del parameters["output.kernel"]
    elif network.tied_output:
        facts = untied(facts)
    if network.encoder is not None:
        own = _stack(network.encoder, weights, "source_", where)
        parameters |= {ENCODER + name: array for name, array in own.items()}
    elif network.start_size is not None:
        parameters |= _start(network, weights, where)
    return model_in(folder, facts, parameters)


def _arrays(weights: Weights, layer: str, number: int, where: str) -> list[Floats]:
    """Return the arrays of a layer.

    Raises:
        ArtifactError: If there is no such layer, or it has another number of arrays.
    """
    found = weights.get(layer)
    if found is None or len(found) != number:
        got = "no such layer" if found is None else str(len(found))
        raise ArtifactError(f"{where}: {layer}", expected=f"{number} arrays", got=got)
    return found


def _stack(network: NetworkConfig, weights: Weights, prefix: str, where: str) -> dict[str, Floats]:
    found: dict[str, Floats] = {}
    if network.embedding_size is not None:
        (found["embedding"],) = _arrays(weights, f"{prefix}embedding", 1, where)
    for number in range(network.num_layers):
        kernel, recurrent, bias = _arrays(weights, f"{prefix}layer_{number}", 3, where)
        if number == 0 and network.context_size is not None:
            inputs = max(len(kernel) - network.context_size, 0)
            kernel, found["context.kernel"] = kernel[:inputs], kernel[inputs:]
        if network.kind.reset_gate and network.reset_after:
            if bias.ndim != 2 or len(bias) != 2:
                got = f"shape {bias.shape}"
                raise ArtifactError(f"{where}: {prefix}layer_{number}: bias", expected="two rows", got=got)
            split = 2 * network.hidden_size
            bias, found[f"layers.{number}.recurrent_bias"] = joined(bias[0], bias[1], split=split)
        arrays = {"input_kernel": kernel, "recurrent_kernel": recurrent, "bias": bias}
        found |= {f"layers.{number}.{name}": array for name, array in arrays.items()}
    return found


def _start(network: NetworkConfig, weights: Weights, where: str) -> dict[str, Floats]:
    """Return the parameters of the first state, which a layer makes for each state of each layer."""
    L, S, H = network.state_shape
    learned = network.start_size == 0
    parts = [
        _arrays(weights, f"start_{layer}_{state}", 1 if learned else 2, where)
        for layer in range(L)
        for state in range(S)
    ]
    for part in parts:
        if part[0].ndim != 2 or part[0].shape[1] != H or any(bias.shape != (H,) for bias in part[1:]):
            got = " and ".join(f"shape {array.shape}" for array in part)
            raise ArtifactError(f"{where}: start", expected=f"{H} columns", got=got)
    kernel = np.concatenate([part[0] for part in parts], axis=1)
    if learned:
        return {"start.bias": kernel.reshape(-1)}
    return {"start.kernel": kernel, "start.bias": np.concatenate([part[1] for part in parts])}
