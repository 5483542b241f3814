"""What ``unspool export --to torch`` wrote: the tensors in the layout that its model.py describes."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError
from unspool._importing.own_files import check_layers, facts_in, model_in
from unspool._importing.stack import Floats
from unspool._importing.tensors import DAMAGED, floats_of, read_bytes, tensors_of
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER, parameter_shapes

MODEL = "model.safetensors"
SCALE = ".scale"  # suffix of the scales of a matrix in int8
# The gates of a cell as PyTorch orders them, by their names here.
GATES = {"rnn": ("h",), "lstm": ("i", "f", "c", "o"), "gru": ("r", "z", "h")}
PARTS = {
    "input_kernel": "weight_ih",
    "recurrent_kernel": "weight_hh",
    "bias": "bias_ih",
    "recurrent_bias": "bias_hh",
}


def model_of_torch_export(folder: Path) -> SavedModel:
    """Read the folder of an export to PyTorch, in any precision; its model.py is never run.

    Raises:
        InputError: If a file is missing or broken, or the files do not fit together.
    """
    facts, where = facts_in(folder, MODEL), str(folder / MODEL)
    stored, _ = tensors_of(read_bytes(folder / MODEL), where=where, int8=True)
    tensors = floats_of(_unscaled(stored, where), where=where)
    check_layers(facts.network, len(tensors), where=where)
    parameters = {
        name: _parameter(facts.network, tensors, name, where) for name in parameter_shapes(facts.network)
    }
    return model_in(folder, facts, parameters)


def _unscaled(stored: Mapping[str, NDArray[Any]], where: str) -> dict[str, NDArray[Any]]:
    """Return the matrices in int8 as the numbers that they stand for, each in its own layout."""
    found: dict[str, NDArray[Any]] = {}
    for name, array in stored.items():
        if name.removesuffix(SCALE) in stored and name.endswith(SCALE):
            continue
        scale = stored.get(name + SCALE)
        if array.dtype != np.int8:
            found[name] = array
            continue
        if scale is None or scale.dtype != np.float32 or not _fits(scale, array):
            got = "none" if scale is None else f"{scale.dtype} {scale.shape}"
            raise ArtifactError(f"{where}: {name}", expected="scales of its integers", got=got, hint=DAMAGED)
        found[name] = array.astype(np.float32) * scale
    return found


def _fits(scale: NDArray[Any], array: NDArray[Any]) -> bool:
    return scale.ndim == array.ndim == 2 and scale.shape in ((len(array), 1), (1, array.shape[1]))


def _parameter(network: NetworkConfig, tensors: Mapping[str, Floats], name: str, where: str) -> Floats:
    """Return a parameter as it is here."""
    prefix, own = (ENCODER, name.removeprefix(ENCODER)) if name.startswith(ENCODER) else ("", name)
    there = prefix + torch_name_of(network, own)
    if there not in tensors:
        raise ArtifactError(
            f"{where}: {there} is missing", expected="every tensor of its model", hint=DAMAGED
        )
    array = tensors[there]
    if own.endswith(".recurrent_bias"):
        return array[2 * len(array) // 3 :]
    array = array.T if array.ndim == 2 and own != "embedding" else array
    return _ordered(network, array) if own.startswith("layers.") or own == "context.kernel" else array


def torch_name_of(network: NetworkConfig, name: str) -> str:
    """Return the name of a parameter there, without the prefix of an encoder."""
    if not name.startswith("layers."):
        return "embedding.weight" if name == "embedding" else name.replace("kernel", "weight")
    _, layer, part = name.split(".")
    apart = network.residual or (network.kind.reset_gate and not network.reset_after)
    return f"rnn.layers.{layer}.{PARTS[part]}_l0" if apart else f"rnn.{PARTS[part]}_l{layer}"


def _ordered(network: NetworkConfig, array: Floats) -> Floats:
    """Put the gates, in the last axis, in the order of Keras."""
    kind = network.kind
    if array.shape[-1] % len(kind.gates):
        return array  # its shape is refused with all others
    gates = np.split(array, len(kind.gates), axis=-1)
    return np.concatenate([gates[GATES[kind.name].index(gate)] for gate in kind.gates], axis=-1)
