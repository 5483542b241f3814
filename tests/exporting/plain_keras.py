"""A plain twin of the few layers of Keras that an export has, in NumPy: Keras takes seconds, or is absent.

It computes what Keras documents, and saves what Keras saves: the slow tests let Keras itself do both.
"""

import json
import re
import zipfile
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from importlib.machinery import ModuleSpec
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Values = Mapping[str, NDArray[Any]]


class Node:
    """A value of the graph, computed from the inputs by their names."""

    def __init__(self, compute: Callable[[Values], NDArray[Any]]) -> None:
        self.of = compute


def sigmoid(x: Array) -> Array:
    return 1 / (1 + np.exp(-x))


def softmax(x: Array) -> Array:
    shares = np.exp(x - x.max(-1, keepdims=True))
    return shares / shares.sum(-1, keepdims=True)


class Layer:
    """A layer with a name, its options, and its arrays, whose number and shapes are checked as Keras does."""

    cell = False

    def __init__(self, *sizes: int, name: str, dtype: str, **options: Any) -> None:
        assert dtype in ("float32", "int32")
        self.sizes, self.name, self.options, self.arrays = sizes, name, options, list[Array]()

    @property
    def shapes(self) -> list[tuple[int | None, ...]]:
        """The shapes of its arrays; None is what the input decides."""
        return []

    def set_weights(self, arrays: Sequence[Array]) -> None:
        assert len(arrays) == len(self.shapes)
        for array, shape in zip(arrays, self.shapes, strict=True):
            assert array.dtype == np.float32
            assert len(array.shape) == len(shape)
            assert all(want is None or want == got for got, want in zip(array.shape, shape, strict=True))
        self.arrays = [np.array(array) for array in arrays]


class Dense(Layer):
    @property
    def shapes(self) -> list[tuple[int | None, ...]]:
        (units,) = self.sizes
        return [(None, units), (units,)][: 1 + self.options.get("use_bias", True)]

    def __call__(self, x: Node) -> Node:
        act = softmax if self.options.get("activation") == "softmax" else np.asarray
        return Node(lambda v: act(x.of(v) @ self.arrays[0] + sum(self.arrays[1:], np.float32(0))))


class Embedding(Layer):
    @property
    def shapes(self) -> list[tuple[int | None, ...]]:
        return [self.sizes]

    def __call__(self, x: Node) -> Node:
        return Node(lambda v: self.arrays[0][x.of(v)])


class Add(Layer):
    def __call__(self, parts: Sequence[Node]) -> Node:
        return Node(lambda v: np.sum([part.of(v) for part in parts], axis=0))


class Concatenate(Layer):
    def __call__(self, parts: Sequence[Node]) -> Node:
        return Node(lambda v: np.concatenate([part.of(v) for part in parts], axis=-1))


class Recurrent(Layer):
    """A recurrent layer: it reads (B, T, N), from a state of zeros or from another one."""

    cell, gates, states = True, 1, 1

    @property
    def shapes(self) -> list[tuple[int | None, ...]]:
        (units,) = self.sizes
        return [(None, self.gates * units), (units, self.gates * units), (self.gates * units,)]

    def step(self, x: Array, state: list[Array]) -> list[Array]:
        """Return the states after a symbol, the first of which is the output."""
        kernel, recurrent, bias = self.arrays
        return [np.tanh(x @ kernel + state[0] @ recurrent + bias)]

    def run(self, values: Values, x: Node, first: Sequence[Node] | None) -> tuple[Array, list[Array]]:
        symbols = x.of(values)  # (B, T, N)
        zeros = np.zeros((len(symbols), *self.sizes), np.float32)
        state = [zeros] * self.states if first is None else [one.of(values) for one in first]
        rows = []
        for t in range(symbols.shape[1]):
            state = self.step(symbols[:, t], state)
            rows.append(state[0])
        return np.stack(rows, axis=1), state

    def __call__(self, x: Node, initial_state: Sequence[Node] | None = None) -> Any:
        assert self.options["return_sequences"] is True
        assert initial_state is None or len(initial_state) == self.states
        whole = Node(lambda v: self.run(v, x, initial_state)[0])
        if not self.options["return_state"]:
            return whole
        numbers = range(self.states)
        return [whole, *(Node(lambda v, n=n: self.run(v, x, initial_state)[1][n]) for n in numbers)]  # type: ignore[misc]


class SimpleRNN(Recurrent):
    pass


class LSTM(Recurrent):
    gates, states = 4, 2

    def step(self, x: Array, state: list[Array]) -> list[Array]:
        h, c = state
        kernel, recurrent, bias = self.arrays
        i, f, g, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=-1)
        c = sigmoid(f) * c + sigmoid(i) * np.tanh(g)
        return [sigmoid(o) * np.tanh(c), c]


class GRU(Recurrent):
    gates = 3

    @property
    def shapes(self) -> list[tuple[int | None, ...]]:
        kernel, recurrent, bias = super().shapes
        return [kernel, recurrent, (2, *bias) if self.options["reset_after"] else bias]

    def step(self, x: Array, state: list[Array]) -> list[Array]:
        (h,) = state
        kernel, recurrent, bias = self.arrays
        units, after = self.sizes[0], self.options["reset_after"]
        bias, second = bias if after else (bias, np.zeros_like(bias))
        z, r, g = np.split(x @ kernel + bias, 3, axis=-1)
        gates = h @ recurrent[:, : 2 * units] + second[: 2 * units]
        z, r = sigmoid(z + gates[:, :units]), sigmoid(r + gates[:, units:])
        last = recurrent[:, 2 * units :]
        g = np.tanh(g + (r * (h @ last + second[2 * units :]) if after else (r * h) @ last))
        return [z * h + (1 - z) * g]


KINDS = (Dense, Embedding, Add, Concatenate, SimpleRNN, LSTM, GRU)


class PlainKeras(ModuleType):
    """A module "keras" that keeps the layers which were made, and the arrays of what was saved."""

    def __init__(self) -> None:
        super().__init__("keras")
        self.__spec__ = ModuleSpec("keras", None)
        self.made: list[Layer] = []
        self.model: Model | None = None
        self.arrays: dict[str, Array] = {}
        self.layers = SimpleNamespace(**{kind.__name__: self._maker(kind) for kind in KINDS})

    def _maker(self, kind: type[Layer]) -> Callable[..., Layer]:
        def make(*sizes: int, **options: Any) -> Layer:
            layer = kind(*sizes, **options)
            self.made.append(layer)
            return layer

        return make

    def Input(self, shape: tuple[int | None, ...], *, dtype: str, name: str) -> Node:  # noqa: N802 - Keras's name
        def compute(values: Values) -> NDArray[Any]:
            found = values[name]
            assert found.dtype == dtype
            assert len(found.shape[1:]) == len(shape)
            assert all(want is None or want == got for got, want in zip(found.shape[1:], shape, strict=True))
            return found

        return Node(compute)

    def Model(self, inputs: Any, output: Node, *, name: str) -> "Model":  # noqa: N802 - Keras's name
        self.model = Model(self, set(inputs) if isinstance(inputs, dict) else {"symbols"}, output)
        return self.model


class Model:
    """A network from inputs by their names to an output."""

    def __init__(self, keras: PlainKeras, inputs: set[str], output: Node) -> None:
        self.keras, self.inputs, self.output = keras, inputs, output

    def __call__(self, values: Values) -> Array:
        assert set(values) == self.inputs
        return self.output.of(values)

    def save(self, path: Path) -> None:
        """Write the archive, but for the arrays, which stay with the module."""
        used: Counter[str] = Counter()
        entries = []
        for layer in self.keras.made:
            kind = type(layer).__name__
            snake = re.sub("([a-z])([A-Z])", r"\1_\2", kind).lower()
            place = f"layers/{snake}" + (f"_{used[snake]}" if used[snake] else "") + "/cell" * layer.cell
            used[snake] += 1
            self.keras.arrays |= {f"{place}/vars/{n}": array for n, array in enumerate(layer.arrays)}
            config = {"name": layer.name, **layer.options}
            entries.append({"module": "keras.layers", "class_name": kind, "config": config})
        with zipfile.ZipFile(path, "w") as archive:
            archive.writestr(
                "config.json", json.dumps({"class_name": "Functional", "config": {"layers": entries}})
            )
            archive.writestr("model.weights.h5", b"")
