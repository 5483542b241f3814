"""A state dictionary of PyTorch: ``nn.LSTM``, ``nn.GRU`` or ``nn.RNN``, ``nn.Linear``, ``nn.Embedding``.

The names before ``weight_ih_l0`` may be any. PyTorch has its gates in rows, an LSTM's as i, f, g, o and a
GRU's as r, z, n; each gate has two biases, whose sum is the one bias here, but for a GRU's n.
"""

import re
from collections.abc import Iterable, Mapping
from pathlib import Path

import numpy as np

from unspool._errors import ArtifactError
from unspool._importing.stack import Floats, Stack, StackLayer, check_stack, expect_shape
from unspool._importing.tensors import floats_of, read_bytes, tensors_of

RECURRENT = re.compile(r"(.*?)(weight|bias)_(ih|hh|hr)(?:_l(\d+))?(_reverse)?", re.DOTALL)
CELL_OF = {1: "rnn", 3: "gru", 4: "lstm"}  # gates -> cell
LAYERS = "nn.LSTM, nn.GRU or nn.RNN, an nn.Linear, and an nn.Embedding or none"


def stack_of_state(path: Path) -> Stack:
    """Read a state dictionary from a safetensors file.

    Raises:
        ArtifactError: If the file is broken, or the network is none of unspool.
    """
    where = str(path)
    arrays, _ = tensors_of(read_bytes(path), where=where)
    return stack_of_tensors(floats_of(arrays, where=where), where=where)


def stack_of_tensors(arrays: Mapping[str, Floats], *, where: str) -> Stack:
    """Find the network in the arrays of a state dictionary.

    Args:
        arrays: Name -> array, as ``state_dict()`` names them.
        where: The name of the file, for messages.

    Raises:
        ArtifactError: If the network is none of unspool.
    """
    recurrent = {name: match for name in arrays if (match := RECURRENT.fullmatch(name))}
    _check_kinds(recurrent.values(), where)
    groups = _groups(recurrent, where)
    layers = [_layer(arrays, prefix, ending, where) for prefix, ending in groups]
    cells = {cell for cell, _ in layers}
    if len(cells) != 1:
        raise ArtifactError(where, expected="layers of one kind", got=" and ".join(sorted(cells)))
    others = {name: array for name, array in arrays.items() if name not in recurrent}
    return check_stack(_with_ends(cells.pop(), [layer for _, layer in layers], others, where))


def _check_kinds(matches: Iterable[re.Match[str]], where: str) -> None:
    found = list(matches)
    if not found:
        raise ArtifactError(where, expected=f"the weights of {LAYERS}", got="no weight_ih_l0")
    for match in found:
        if match[5]:
            hint = "a text is written from left to right: train one without bidirectional=True"
            raise ArtifactError(f"{where}: {match[0]} is of a bidirectional layer", hint=hint)
        if match[3] == "hr":
            hint = "train one without proj_size"
            raise ArtifactError(f"{where}: {match[0]} is of a layer with proj_size", hint=hint)


def _groups(recurrent: Mapping[str, re.Match[str]], where: str) -> list[tuple[str, str]]:
    """Return the prefix and the ending of the names of each layer, from the first one on."""
    found = {(match[1], "" if match[4] is None else f"_l{int(match[4])}") for match in recurrent.values()}
    prefixes = {prefix for prefix, _ in found}
    if len({re.sub(r"\d+", "#", prefix) for prefix in prefixes}) > 1:
        got = " and ".join(sorted(prefixes))
        hint = "an encoder and a decoder cannot be told apart: import a network of one stack"
        raise ArtifactError(where, expected="one stack of recurrent layers", got=got, hint=hint)
    return sorted(found, key=lambda group: [int(number) for number in re.findall(r"\d+", "".join(group))])


def _layer(arrays: Mapping[str, Floats], prefix: str, ending: str, where: str) -> tuple[str, StackLayer]:
    """Return the cell and the arrays of one layer, its gates in the order of Keras."""
    names = [f"{prefix}weight_{side}{ending}" for side in ("ih", "hh")]
    for name in names:
        if name not in arrays or arrays[name].ndim != 2:
            got = "nothing" if name not in arrays else f"shape {arrays[name].shape}"
            raise ArtifactError(f"{where}: {name}", expected="a matrix", got=got)
    inputs, states = (arrays[name] for name in names)
    H = states.shape[1]
    cell = CELL_OF.get(len(states) // H if H and len(states) % H == 0 else 0)
    if cell is None:
        expected = "1, 3 or 4 times as many rows as columns"
        raise ArtifactError(f"{where}: {names[1]}", expected=expected, got=f"shape {states.shape}")
    rows = len(states)
    expect_shape(f"{where}: {names[0]}", inputs, (rows, inputs.shape[1]))
    biases = []
    for side in ("ih", "hh"):
        name = f"{prefix}bias_{side}{ending}"
        biases.append(arrays.get(name, np.zeros(rows, np.float32)))
        expect_shape(f"{where}: {name}", biases[-1], (rows,))
    bias, recurrent_bias = joined(*biases, split=2 * H if cell == "gru" else rows)
    if cell == "gru":
        inputs, states, bias = (_update_gate_first(array, H) for array in (inputs, states, bias))
    label = f"{prefix}{ending.removeprefix('_')}".strip(".") or "the layer"
    return cell, StackLayer(
        f"{where}: {label}", inputs.T.copy(), states.T.copy(), bias, recurrent_bias if cell == "gru" else None
    )


def joined(one: Floats, other: Floats, *, split: int) -> tuple[Floats, Floats]:
    """Return the one bias that two are, and what is left of the second from the place `split` on.

    Args:
        one: The bias of the input.  # (G·H,)
        other: The bias of the state.  # (G·H,)
        split: The first place whose two biases are not added.
    """
    both = np.where(other == 0, one, one + other)  # zeros change no bit, not even of -0
    return np.concatenate([both[:split], one[split:]]), other[split:].copy()


def _update_gate_first(array: Floats, size: int) -> Floats:
    """Return rows in the order z, r, n of rows in the order r, z, n."""
    return np.concatenate([array[size : 2 * size], array[:size], array[2 * size :]])


def _with_ends(cell: str, layers: list[StackLayer], others: Mapping[str, Floats], where: str) -> Stack:
    """Return the stack with the input and the output layer that are among the other arrays."""
    H, I = len(layers[0].recurrent_kernel), len(layers[0].input_kernel)  # noqa: E741 - the size of the input
    matrices = {name: array for name, array in others.items() if array.ndim == 2}
    vectors = {name: array for name, array in others.items() if array.ndim == 1}
    output = _output(matrices, vectors, where)
    tied = output is None and len(vectors) <= 1
    if output is not None and len(matrices) == 1 and I == H != len(matrices[output]):
        tied, output = True, None  # the one matrix is saved under the name of the output layer alone
    embeddings = [name for name in matrices if name != output]
    if len(embeddings) > 1 or len(others) > len(matrices) + len(vectors) or (tied and not embeddings):
        raise _unfit(others, where)
    embedding = matrices[embeddings[0]] if embeddings else None
    if embedding is not None:
        hint = "the embedding is read by the first layer"
        expect_shape(f"{where}: {embeddings[0]}", embedding, (len(embedding), I), hint)
    kernel = matrices[embeddings[0] if output is None else output]
    biases = list(vectors) if tied else [name for name in vectors if _module(name) == _module(output or "")]
    if len(biases) != len(vectors):
        raise _unfit(others, where)
    bias = vectors[biases[0]] if biases else np.zeros(len(kernel), np.float32)
    name = f"{where}: {embeddings[0] if tied else output}"
    expect_shape(name, kernel, (len(kernel), H), "the output layer reads the last recurrent layer")
    expect_shape(f"{where}: {biases[0] if biases else 'bias'}", bias, (len(kernel),), "one for each symbol")
    return Stack(cell, layers, kernel.T.copy(), bias, embedding, tied, output_name=name)


def _output(matrices: Mapping[str, Floats], vectors: Mapping[str, Floats], where: str) -> str | None:
    """Return the name of the output layer's kernel; None if the embedding stands for it."""
    biased = [name for name in matrices if any(_module(other) == _module(name) for other in vectors)]
    if len(biased) == 1:
        return biased[0]
    if biased or not matrices:
        raise _unfit(matrices, where)
    if len(matrices) == 1:
        (name,) = matrices
        return None if "emb" in name.lower() or vectors else name
    plain = [name for name in matrices if "emb" not in name.lower()]
    if len(plain) != 1:
        raise _unfit(matrices, where)
    return plain[0]


def _module(name: str) -> str:
    return name.rpartition(".")[0]


def _unfit(others: Mapping[str, Floats], where: str) -> ArtifactError:
    got = ", ".join(f"{name} {array.shape}" for name, array in others.items()) or "no other layer"
    hint = "other layers, such as a second nn.Linear or a LayerNorm, have no place here"
    return ArtifactError(where, expected=LAYERS, got=f"beside the recurrent layers {got}", hint=hint)
