"""The target "torch": an ``nn.Module`` in one readable file, beside its weights in safetensors.

The file is `torch_model`, the same for every model; its first lines describe the tensors.
"""

from collections.abc import Mapping
from importlib.resources import files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors.numpy import save

from unspool._exporting.exporter import ModelToExport
from unspool._exporting.model_facts import facts_of
from unspool._json_files import json_text
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER
from unspool._network.quantization import QuantizedArray, is_quantized, quantize

Tensors = dict[str, NDArray[Any]]
# The gates of a cell in the order of PyTorch, by their names in the cell's row.
GATES = {"rnn": ("h",), "lstm": ("i", "f", "c", "o"), "gru": ("r", "z", "h")}
SCALE = ".scale"  # suffix of the scales of a matrix in int8


def torch_files(exported: ModelToExport) -> dict[str, bytes]:
    """Write a model as a folder that PyTorch runs.

    Args:
        exported: The model.

    Returns:
        The content of each file by its name.
    """
    model = exported.model
    tokenizers = {"tokenizer.json": model.tokenizer, "source_tokenizer.json": model.source_tokenizer}
    tensors = torch_tensors(model.network, model.parameters, exported.precision)
    return {
        "model.py": files("unspool._exporting").joinpath("torch_model.py").read_bytes(),
        "model.safetensors": save(tensors, metadata={"format": "pt"}),
        "config.json": (json_text(facts_of(exported), indent=2) + "\n").encode(),
        **{name: one.to_json().encode() for name, one in tokenizers.items() if one is not None},
    }


def torch_tensors(
    network: NetworkConfig, parameters: Mapping[str, NDArray[np.float32]], precision: str
) -> Tensors:
    """Return parameters by the names and in the layout of PyTorch.

    Args:
        network: The network.
        parameters: Its parameters, as the precision keeps them.
        precision: One of `PRECISIONS`.
    """
    tensors: Tensors = {}
    for name, array in parameters.items():
        prefix, own = (ENCODER, name.removeprefix(ENCODER)) if name.startswith(ENCODER) else ("", name)
        if precision == "int8" and is_quantized(name, array):
            matrix = quantize(array)
            values, scales = _in_torch(network, own, matrix)
            torch_name = prefix + torch_name_of(network, own)
            tensors |= {torch_name: values, torch_name + SCALE: scales}
        elif own.endswith(".recurrent_bias"):
            tensors[prefix + torch_name_of(network, own)] = _recurrent_bias(array)
        else:
            tensors[prefix + torch_name_of(network, own)] = _turned(network, own, array)
    if network.cell != "gru":  # PyTorch has two biases where one does
        tensors |= {
            name.replace("bias_ih", "bias_hh"): np.zeros_like(array)
            for name, array in tensors.items()
            if "bias_ih" in name
        }
    kind = np.float16 if precision == "float16" else np.float32
    return {
        name: np.ascontiguousarray(array if array.dtype == np.int8 else array.astype(kind))
        for name, array in tensors.items()
    }


def torch_name_of(network: NetworkConfig, name: str) -> str:
    """Return the name in PyTorch of a parameter, without the prefix of an encoder.

    Args:
        network: The network.
        name: A name of `parameter_shapes`.
    """
    if not name.startswith("layers."):
        return "embedding.weight" if name == "embedding" else name.replace("kernel", "weight")
    _, layer, part = name.split(".")
    kinds = {
        "input_kernel": "weight_ih",
        "recurrent_kernel": "weight_hh",
        "bias": "bias_ih",
        "recurrent_bias": "bias_hh",
    }
    return f"rnn.layers.{layer}.{kinds[part]}_l0" if in_layers(network) else f"rnn.{kinds[part]}_l{layer}"


def in_layers(network: NetworkConfig) -> bool:
    """Return whether a network is a stack of single layers, since PyTorch has no layer for all of it."""
    return network.residual or (network.kind.reset_gate and not network.reset_after)


def _in_torch(
    network: NetworkConfig, name: str, matrix: QuantizedArray
) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Return the integers and the scales of a matrix in the layout of PyTorch."""
    scales = matrix.scales[None]
    return _turned(network, name, matrix.values), _turned(network, name, scales)


def _turned(network: NetworkConfig, name: str, array: NDArray[Any]) -> NDArray[Any]:
    """Transpose a kernel, and put the gates in the order of PyTorch."""
    if name.startswith("layers.") or name == "context.kernel":
        kind = network.kind
        gates = np.split(array, len(kind.gates), axis=-1)
        array = np.concatenate([gates[kind.gates.index(gate)] for gate in GATES[kind.name]], axis=-1)
    return array.T if array.ndim == 2 and name != "embedding" else array


def _recurrent_bias(array: NDArray[Any]) -> NDArray[Any]:
    """Return the second bias of a GRU: only the gate n has one here."""
    return np.concatenate([np.zeros(2 * len(array), array.dtype), array])
