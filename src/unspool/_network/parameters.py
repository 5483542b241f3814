"""The names, shapes and first values of a network's parameters.

The names are those in the safetensors file, and their order is fixed::

    embedding (V, E)                      only with embedding_size
    layers.{l}.input_kernel (I, G·H)      I = V or E for the first layer, H for the others
    layers.{l}.recurrent_kernel (H, G·H)
    layers.{l}.bias (G·H,)
    layers.{l}.recurrent_bias (H,)        only a GRU with reset_after
    output.kernel (H, V)                  not with tied_output: it is the embedding, transposed
    output.bias (V,)
    context.kernel (F, G·H)               only with context_size
    start.kernel (D, L·S·H)               only with a start_size above 0
    start.bias (L·S·H,)                   only with start_size
    encoder.embedding, encoder.layers...  only with source_vocab_size: the encoder's own embedding and layers
"""

import math
from collections.abc import Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._configuration import check, is_whole
from unspool._errors import ConfigError
from unspool._interruptible import interruptible
from unspool._network.cells import LayerParameters
from unspool._network.config import DROPOUTS, NetworkConfig
from unspool._network.one_thread import one_thread

Parameters = dict[str, NDArray[np.float32]]
ENCODER = "encoder."  # prefix of the names of an encoder's parameters


def parameter_shapes(config: NetworkConfig) -> dict[str, tuple[int, ...]]:
    """Return the shape of every parameter by name, in the fixed order.

    Raises:
        ConfigError: If vocab_size is not known yet.
    """
    V, H, E = config.symbols, config.hidden_size, config.embedding_size
    G = len(config.kind.gates) * H
    shapes: dict[str, tuple[int, ...]] = {} if E is None else {"embedding": (V, E)}
    for layer in range(config.num_layers):
        inputs = H if layer else (V if E is None else E)
        shapes[f"layers.{layer}.input_kernel"] = (inputs, G)
        shapes[f"layers.{layer}.recurrent_kernel"] = (H, G)
        shapes[f"layers.{layer}.bias"] = (G,)
        if config.kind.reset_gate and config.reset_after:
            shapes[f"layers.{layer}.recurrent_bias"] = (H,)
    shapes |= {} if config.tied_output else {"output.kernel": (H, V)}
    shapes |= {"output.bias": (V,)}
    if config.context_size is not None:
        shapes["context.kernel"] = (config.context_size, G)
    if config.start_size is not None:
        numbers = math.prod(config.state_shape)
        shapes |= {"start.kernel": (config.start_size, numbers)} if config.start_size else {}
        shapes |= {"start.bias": (numbers,)}
    if config.encoder is not None:
        encoder_shapes = parameter_shapes(config.encoder).items()
        shapes |= {ENCODER + name: shape for name, shape in encoder_shapes if not name.startswith("output.")}
    return shapes


def count_parameters(config: NetworkConfig) -> int:
    """Return the total number of values in all parameters."""
    return sum(math.prod(shape) for shape in parameter_shapes(config).values())


def layer_parameters(parameters: Mapping[str, Any], layer: int) -> LayerParameters:
    """Return the arrays of one layer; a recurrent bias that the network does not have is None."""
    names = [field.name for field in fields(LayerParameters)]
    arrays: Any = {name: parameters.get(f"layers.{layer}.{name}") for name in names}
    return LayerParameters(**arrays)


def output_kernel(parameters: Mapping[str, Any]) -> Any:
    """Return the output kernel: its own array, or a view of the embedding that it is tied to.  # (H, V)."""
    kernel = parameters.get("output.kernel")
    return parameters["embedding"].T if kernel is None else kernel


def initialize(config: NetworkConfig, seed: int) -> Parameters:
    """Draw the initial values of all parameters.

    Embedding, input kernels and the output kernel are Glorot uniform (Glorot and Bengio, 2010). A recurrent
    kernel (H, G·H) is one orthogonal draw whose H rows are orthonormal, as in Keras (Saxe et al., 2014). The
    bias of a forget gate is 1 (Jozefowicz et al., 2015); other biases are 0.

    Args:
        config: The network; its vocab_size must be set.
        seed: A whole number ≥ 0. Each parameter has its own random stream, made from the seed and the
            parameter's name, so that a further layer does not change the values of the others.

    Returns:
        New float32 arrays, C-contiguous, in the fixed order.

    Raises:
        ConfigError: If the seed is out of its range or vocab_size is not known yet.
    """
    check("seed", seed, "a whole number ≥ 0", is_whole(seed, least=0))
    draws = {
        name: partial(_draw, config, name, shape, seed) for name, shape in parameter_shapes(config).items()
    }
    return {name: interruptible(draw) for name, draw in draws.items()}


def _draw(config: NetworkConfig, name: str, shape: tuple[int, ...], seed: int) -> NDArray[np.float32]:
    random = np.random.default_rng([seed, *name.encode()])
    if name.endswith("recurrent_kernel"):
        values = _orthogonal(random, shape[0], shape[1])
    elif len(shape) == 2:
        limit = math.sqrt(6 / (shape[0] + shape[1]))
        values = random.uniform(-limit, limit, shape)
    else:
        values = np.zeros(shape)
    forget_gate, of_layer = config.kind.forget_gate, name.removeprefix(ENCODER).startswith("layers.")
    if forget_gate is not None and of_layer and name.endswith(".bias"):
        H, gate = config.hidden_size, config.kind.gates.index(forget_gate)
        values[gate * H : (gate + 1) * H] = 1
    return np.ascontiguousarray(values, dtype=np.float32)


def _orthogonal(random: "np.random.Generator", rows: int, columns: int) -> NDArray[np.float64]:
    """Draw a uniform (rows, columns) matrix with orthonormal rows, rows ≤ columns."""
    drawn = random.standard_normal((columns, rows))
    with one_thread():
        q, r = np.linalg.qr(drawn)
    return np.asarray((q * np.sign(np.diag(r))).T)  # without the signs the draw would not be uniform


def grow(
    parameters: Mapping[str, NDArray[Any]],
    old: NetworkConfig,
    new: NetworkConfig,
    *,
    ids: NDArray[np.integer[Any]],
    seed: int,
) -> Parameters:
    """Return the learned parameters for a network with a larger vocabulary.

    Every token that the old network knows keeps its values. A new token starts with fresh rows and columns,
    and with the output bias of the least likely old token.

    Args:
        parameters: The parameters of the old network.
        old: The old network.
        new: The same network with a larger vocab_size; its dropouts may differ.
        ids: The new id of each old id.  # (old V,)
        seed: The seed of the fresh values, as in `initialize`.

    Returns:
        The parameters of the new network; the arrays that do not grow are copies.

    Raises:
        ConfigError: If the networks differ in anything else.
    """
    free = {name: getattr(new, name) for name in ("vocab_size", *DROPOUTS)}
    if replace(old, **free) != new:
        what = "the network differs from the network of the model to continue"
        raise ConfigError(what, expected=str(old), got=str(new))
    grown = initialize(new, seed)
    for name, values in parameters.items():
        if name == "output.kernel":
            grown[name][:, ids] = values
        elif name == "output.bias":
            grown[name][:] = values[1:].min()
            grown[name][ids] = values
        elif values.shape == grown[name].shape:
            grown[name][...] = values
        else:  # a row for each token
            grown[name][ids] = values
    return grown
