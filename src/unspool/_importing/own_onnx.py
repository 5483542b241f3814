"""What ``unspool export --to onnx`` wrote: the arrays of its models, under their names here."""

from collections.abc import Iterator, Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError, ConfigError
from unspool._extras import install_command
from unspool._importing.own_files import check_layers, facts_in, model_in
from unspool._importing.stack import Floats
from unspool._importing.tensors import DAMAGED, floats_of, read_bytes
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER, parameter_shapes

STEP, START, SOURCE = "step.onnx", "start.onnx", "encoder.onnx"
MOST_AXES = 3
# The gates of a cell as ONNX orders them, by their names here.
GATES = {"rnn": ("h",), "lstm": ("i", "o", "f", "c"), "gru": ("z", "r", "h")}
TYPES = {"FLOAT": ("<f4", 4), "INT8": ("i1", 1)}


def model_of_onnx_export(folder: Path) -> SavedModel:
    """Read the folder of an export to ONNX, in any precision; no graph is run.

    Raises:
        InputError: If a file is missing or broken, or the files do not fit together.
        ConfigError: If the package that reads ONNX is not installed.
    """
    facts = facts_in(folder, STEP)
    network = facts.network
    names = [STEP]
    names += [START] if network.start_size is not None else []
    names += [SOURCE] if network.source_vocab_size is not None else []
    stored = {name: array for file in files_in(folder, names) for name, array in arrays_of(file).items()}
    where = str(folder)
    check_layers(network, len(stored), where=where)
    tensors = _unscaled(stored, where)
    parameters = {
        name: array
        for name in parameter_shapes(network)
        for array in [_parameter(network, tensors, name, where)]
    }
    return model_in(folder, facts, floats_of(parameters, where=where))


def files_in(folder: Path, names: list[str]) -> Iterator[Path]:
    """Yield the paths of files that must be there.

    Raises:
        ArtifactError: If one is not.
    """
    for name in names:
        if not (folder / name).is_file():
            raise ArtifactError(
                f"{folder} has no {name}", expected="a whole export", hint="copy all its files"
            )
        yield folder / name


def arrays_of(path: Path) -> dict[str, NDArray[Any]]:
    """Return the arrays in an ONNX file, which hold their numbers themselves.

    Raises:
        ArtifactError: If the file is broken, or an array is of another type or in another file.
        ConfigError: If the package that reads ONNX is not installed.
    """
    if find_spec("onnx") is None:
        what = "an ONNX model needs the package onnx, which is not installed"
        raise ConfigError(what, hint=install_command("onnx"))
    import onnx  # noqa: PLC0415 - an extra
    from google.protobuf.message import DecodeError  # noqa: PLC0415 - comes with it

    model = onnx.ModelProto()
    try:
        model.ParseFromString(read_bytes(path))
    except DecodeError as error:
        raise ArtifactError(str(path), expected="an ONNX model", got=str(error), hint=DAMAGED) from None
    found: dict[str, NDArray[Any]] = {}
    kinds = {number: name for name, number in onnx.TensorProto.DataType.items()}
    for tensor in model.graph.initializer:
        kind = kinds.get(tensor.data_type, "an unknown type")
        if kind == "INT64":
            continue  # shapes and axes
        named = isinstance(tensor.name, str)  # bytes, where it is no UTF-8
        if (
            not named
            or kind not in TYPES
            or tensor.name in found
            or tensor.external_data
            or len(tensor.dims) > MOST_AXES
        ):
            got = f"{kind} {list(tensor.dims)}" + (" in another file" if tensor.external_data else "")
            what = f"{path}: {tensor.name}"
            raise ArtifactError(what, expected="an array of its own of FLOAT or INT8", got=got, hint=DAMAGED)
        found[tensor.name] = _array(tensor.raw_data, list(tensor.dims), kind, f"{path}: {tensor.name}")
    return found


def _array(raw: bytes, shape: list[int], kind: str, where: str) -> NDArray[Any]:
    dtype, size = TYPES[kind]
    values = np.frombuffer(raw[: len(raw) // size * size], dtype)
    count = 1
    for axis in shape:
        count *= axis
    if count != len(values) or min(shape, default=0) < 0 or len(raw) % size:
        got = f"{len(raw)} bytes of shape {shape}"
        raise ArtifactError(where, expected="as many bytes as its shape has", got=got, hint=DAMAGED)
    return values.reshape(shape)


def _unscaled(stored: Mapping[str, NDArray[Any]], where: str) -> dict[str, NDArray[Any]]:
    """Return matrices in int8 as the numbers that they stand for, in their own layout."""
    found = {name: array for name, array in stored.items() if not name.endswith((".int8", ".scale"))}
    for name, array in stored.items():
        if not name.endswith(".int8"):
            continue
        scale = stored.get(name.removesuffix(".int8") + ".scale")
        fits = scale is not None and scale.ndim == array.ndim and scale.dtype == np.float32
        if (
            scale is None
            or not fits
            or any(a not in (1, b) for a, b in zip(scale.shape, array.shape, strict=True))
        ):
            got = "none" if scale is None else f"{scale.dtype} {scale.shape}"
            raise ArtifactError(f"{where}: {name}", expected="scales of its integers", got=got, hint=DAMAGED)
        found[name.removesuffix(".int8")] = array.astype(np.float32) * scale
    return found


def _parameter(network: NetworkConfig, tensors: Mapping[str, NDArray[Any]], name: str, where: str) -> Floats:
    """Return a parameter as it is here.

    Raises:
        ArtifactError: If it is not there.
    """
    own = name.removeprefix(ENCODER)
    prefix = name.removesuffix(own)
    there = own.replace(".recurrent_bias", ".bias")
    if prefix + there not in tensors:
        raise ArtifactError(f"{where}: {prefix + there} is missing", expected="every array", hint=DAMAGED)
    array = tensors[prefix + there]
    if own == "output.bias" and array.ndim == 1:
        array = array.copy()
        array[:1] = 0  # of <pad>, which is minus infinity there
    if own == "start.bias":
        return array.reshape(-1)
    if not (own.startswith("layers.") or own == "context.kernel"):
        return array
    if own.endswith("bias"):  # both biases of each gate, one after the other
        both = array.reshape(-1)
        first, second = both[: len(both) // 2], both[len(both) // 2 :]
        return second[2 * len(second) // 3 :] if own.endswith("recurrent_bias") else _ordered(network, first)
    return _ordered(network, array[0].T if array.ndim == 3 and len(array) == 1 else array)


def _ordered(network: NetworkConfig, array: NDArray[Any]) -> Floats:
    """Put the gates, in the last axis, in the order of Keras."""
    kind = network.kind
    if not array.ndim or array.shape[-1] % len(kind.gates):
        return array  # its shape is refused with all others
    gates = np.split(array, len(kind.gates), axis=-1)
    return np.concatenate([gates[GATES[kind.name].index(gate)] for gate in kind.gates], axis=-1)
