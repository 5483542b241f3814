"""The target "onnx": the network in standard operators, as a model of a step and a model of a sequence.

::

    step.onnx       ids (B,), h, c, context → logprobs (B, V), next_h, next_c
    sequence.onnx   ids (T, B), h, c, context → logprobs (T, B, V), next_h, next_c
    start.onnx      vector (B, D) → h, c        only with a start vector; no input if the start is learned
    encoder.onnx    ids (T, B) → h, c           only for pairs: the first state of the answers to sources

Ids are int64, all else is float32. States are (L, B, H), and c belongs to an LSTM alone; context (B, F) is an
input of networks that have one. A text begins with `<eos>`, read from the first state: zeros, or what
start.onnx or encoder.onnx return. The log-probability of `<pad>` is minus infinity.

In int8 each matrix is stored as integers with a scale for each column. Cast and Mul make floats of them,
which a runtime does once, when it loads the model: what is computed is the rounded model itself. With
DequantizeLinear in their place, onnxruntime would do so at every step, and round activations too.
"""

from collections.abc import Mapping
from importlib.metadata import version
from importlib.resources import files
from typing import Any

import numpy as np
import onnx
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from unspool._exporting.exporter import ModelToExport
from unspool._exporting.model_facts import facts_of
from unspool._json_files import json_text
from unspool._network.config import NetworkConfig
from unspool._network.parameters import ENCODER
from unspool._network.quantization import is_quantized, quantize

OPSET, IR_VERSION = 17, 8  # known to every runtime since the middle of 2022
OPERATORS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}
# The gates of a cell in the order of ONNX, by their names in the cell's row.
GATES = {"rnn": ("h",), "lstm": ("i", "o", "f", "c"), "gru": ("z", "r", "h")}
STATES = ("h", "c")
EXAMPLES = ("example.py", "example.mjs", "example.html")


def onnx_files(exported: ModelToExport) -> dict[str, bytes]:
    """Write a model as a folder of ONNX models, with examples that run them.

    Args:
        exported: The model.

    Returns:
        The content of each file by its name.
    """
    model, facts = exported.model, facts_of(exported)
    network = model.network
    texts = {"tokenizer": model.tokenizer.to_json()}
    if model.source_tokenizer is not None:
        texts["source_tokenizer"] = model.source_tokenizer.to_json()
    builder = GraphBuilder(network, model.parameters, int8=exported.precision == "int8")
    graphs = {"step": builder.writer(step=True), "sequence": builder.writer(step=False)}
    if network.start_size is not None:
        graphs["start"] = builder.start()
    if network.source_vocab_size is not None:
        graphs["encoder"] = builder.encoder()
    said = {name: value if isinstance(value, str) else json_text(value) for name, value in facts.items()}
    said |= texts | {"eos_id": str(model.tokenizer.eos_id)}
    examples = files("unspool._exporting").joinpath("onnx_examples")
    return {
        **{f"{name}.onnx": _model_bytes(graph, said) for name, graph in graphs.items()},
        "config.json": (json_text(facts, indent=2) + "\n").encode(),
        **{f"{name}.json": text.encode() for name, text in texts.items()},
        **{name: examples.joinpath(name).read_bytes() for name in EXAMPLES},
    }


def _model_bytes(graph: Any, said: Mapping[str, str]) -> bytes:
    """Return a checked model with its metadata as the bytes of a file."""
    opsets = [helper.make_opsetid("", OPSET)]
    model = helper.make_model(graph, opset_imports=opsets, ir_version=IR_VERSION, producer_name="unspool")
    model.producer_version = version("unspool")
    helper.set_model_props(model, dict(said))
    onnx.checker.check_model(model, full_check=True)
    content: bytes = model.SerializeToString(deterministic=True)
    return content


class GraphBuilder:
    """A maker of graphs of one network.

    Args:
        network: The network.
        parameters: Its parameters.
        int8: Whether the matrices are stored as integers.
    """

    def __init__(
        self, network: NetworkConfig, parameters: Mapping[str, NDArray[np.float32]], *, int8: bool
    ) -> None:
        self.network, self.parameters, self.int8 = network, parameters, int8
        self.states = STATES[: network.kind.states]
        self._clear()

    def writer(self, *, step: bool) -> Any:
        """Return the graph that reads texts, one id of each or all of a sequence."""
        self._clear()
        F, V = self.network.context_size, self.network.symbols
        ids = self.node("Unsqueeze", "ids", self.constant("first_axis", [0])) if step else "ids"
        x, ends = self._layers(ids, self.states, context=None if F is None else "context")
        kernel = "output.kernel"
        if self.network.tied_output:
            kernel = self.node(
                "Transpose", self.matrix("embedding", self.parameters["embedding"]), perm=[1, 0]
            )
        else:
            self.matrix(kernel, self.parameters[kernel])
        bias = self.parameters["output.bias"].copy()
        bias[0] = -np.inf  # <pad> is outside the softmax
        logits = self.node("Add", self.node("MatMul", x, kernel), self.constant("output.bias", bias))
        logprobs = self.node("LogSoftmax", logits, axis=-1)
        if step:
            logprobs = self.node("Squeeze", logprobs, "first_axis")
        self._name(logprobs, "logprobs")
        axes = ["B"] if step else ["T", "B"]
        inputs = [_value("ids", axes, TensorProto.INT64), *self._state_values()]
        inputs += [] if F is None else [_value("context", ["B", F])]
        outputs = [_value("logprobs", [*axes, V])]
        for state, end in zip(self.states, ends, strict=True):
            self._name(end, f"next_{state}")
        return self._graph("step" if step else "sequence", inputs, [*outputs, *self._state_values("next_")])

    def start(self) -> Any:
        """Return the graph that makes the first state, of a vector or as it was learned."""
        self._clear()
        D, (L, S, H) = self.network.start_size, self.network.state_shape
        row = self.constant("start.bias", self.parameters["start.bias"][None])
        if D:
            self.matrix("start.kernel", self.parameters["start.kernel"])
            row = self.node("Add", self.node("MatMul", "vector", "start.kernel"), row)  # (B, L·S·H)
        rows = self.node("Reshape", row, self.constant("shape", [-1, L, S, H]))
        turned = self.node("Transpose", rows, perm=[2, 1, 0, 3])  # (S, L, B, H)
        parts = self.split(turned, S)
        for state, part in zip(self.states, parts, strict=True):
            self._name(self.node("Squeeze", part, self.constant("first_axis", [0])), state)
        return self._graph("start", [_value("vector", ["B", D])] if D else [], self._state_values())

    def encoder(self) -> Any:
        """Return the graph that reads sources, whose states are the first ones of their answers."""
        self._clear()
        _, ends = self._layers("ids", None, prefix=ENCODER)
        for state, end in zip(self.states, ends, strict=True):
            self._name(end, state)
        return self._graph("encoder", [_value("ids", ["T", "B"], TensorProto.INT64)], self._state_values())

    def node(self, kind: str, *inputs: str, **attributes: Any) -> str:
        """Add an operator with one output, and return the name of that."""
        return self.nodes(kind, list(inputs), 1, **attributes)[0]

    def nodes(self, kind: str, inputs: list[str], outputs: int, **attributes: Any) -> list[str]:
        """Add an operator, and return the names of its outputs."""
        names = [f"{kind}_{len(self._nodes)}_{i}" for i in range(outputs)]
        self._nodes.append(helper.make_node(kind, inputs, names, **attributes))
        return names

    def constant(self, name: str, values: Any) -> str:
        """Add an array, unless there is one of that name; whole numbers are int64."""
        array = np.asarray(values)
        if name not in self._initializers:
            self._initializers[name] = numpy_helper.from_array(np.ascontiguousarray(array), name)
        return name

    def matrix(self, name: str, array: NDArray[np.float32], turn: Any = lambda array: array) -> str:
        """Add a matrix, in int8 as integers with a scale for each column.

        Args:
            name: The name of the parameter.
            array: The parameter.  # (rows, columns)
            turn: A function that puts a matrix, and the row of the scales, as the operator takes it.
        """
        if name in self._matrices:
            return name
        self._matrices.add(name)
        if not (self.int8 and is_quantized(name, array)):
            return self.constant(name, turn(array))
        quantized = quantize(array)
        values = self.constant(f"{name}.int8", turn(quantized.values))
        scales = self.constant(f"{name}.scale", turn(quantized.scales[None]))
        numbers = self.node("Cast", values, to=TensorProto.FLOAT)
        self._nodes.append(helper.make_node("Mul", [numbers, scales], [name]))
        return name

    def split(self, name: str, parts: int) -> list[str]:
        """Cut an array into the slices of its first axis."""
        if parts == 1:
            return [name]
        return self.nodes("Split", [name, self.constant(f"{parts}_ones", [1] * parts)], parts, axis=0)

    def _layers(
        self, ids: str, states: tuple[str, ...] | None, *, context: str | None = None, prefix: str = ""
    ) -> tuple[str, list[str]]:
        """Add all layers; return the outputs (T, B, H) and the last states (L, B, H)."""
        x, kernel = self._inputs(ids, prefix)
        if context is not None:
            x, kernel = self._with_context(ids, x, kernel, context)
        L, S = self.network.num_layers, len(self.states)
        first = [[""] * L] * S if states is None else [self.split(state, L) for state in states]
        ends: list[list[str]] = []
        for layer in range(L):
            if layer:
                kernel = self._gates(f"{prefix}layers.{layer}.input_kernel")
            names = self.nodes(
                OPERATORS[self.network.cell],
                [
                    x,
                    kernel,
                    *self._recurrent(f"{prefix}layers.{layer}."),
                    "",
                    *(state[layer] for state in first),
                ],
                1 + S,
                hidden_size=self.network.hidden_size,
                **(
                    {"linear_before_reset": int(self.network.reset_after)}
                    if self.network.kind.reset_gate
                    else {}
                ),
            )
            y = self.node("Squeeze", names[0], self.constant("second_axis", [1]))  # (T, B, H)
            x = self.node("Add", x, y) if layer and self.network.residual else y
            ends.append(names[1:])
        lasts = [
            self.node("Concat", *parts, axis=0) if L > 1 else parts[0] for parts in zip(*ends, strict=True)
        ]
        return x, lasts

    def _inputs(self, ids: str, prefix: str) -> tuple[str, str]:
        """Return the inputs (T, B, I) of the first layer, and its kernel."""
        name = f"{prefix}layers.0.input_kernel"
        if self.network.embedding_size is not None:
            embedding = f"{prefix}embedding"
            self.matrix(embedding, self.parameters[embedding])
            return self.node("Gather", embedding, ids), self._gates(name)
        V, G = self.parameters[name].shape
        if V <= G:
            depth, values = self.constant("depth", [V]), self.constant("off_on", np.array([0, 1], np.float32))
            return self.node("OneHot", ids, depth, values, axis=-1), self._gates(name)
        # rows of the kernel itself are the inputs, where one-hot ones would be the longer
        self.matrix(name, self.parameters[name], self._ordered)
        shape = self.constant("square", [G, G])
        square = self.node("EyeLike", self.node("ConstantOfShape", shape), dtype=TensorProto.FLOAT)
        return self.node("Gather", name, ids), self.node(
            "Unsqueeze", square, self.constant("first_axis", [0])
        )

    def _with_context(self, ids: str, x: str, kernel: str, context: str) -> tuple[str, str]:
        """Return inputs and kernel with the context as further inputs at every step."""
        size = [self.network.context_size]
        shape = self.node("Concat", self.node("Shape", ids), self.constant("context_size", size), axis=0)
        rows = self.node("Expand", context, shape)  # (T, B, F)
        whole = self.node("Concat", kernel, self._gates("context.kernel"), axis=2)
        return self.node("Concat", x, rows, axis=2), whole

    def _gates(self, name: str) -> str:
        """Add a kernel of gates in the layout of ONNX.  # (1, G·H, I)."""
        return self.matrix(name, self.parameters[name], lambda array: self._ordered(array).T[None])

    def _recurrent(self, prefix: str) -> tuple[str, str]:
        """Add the recurrent kernel and both biases of a layer."""
        bias = self._ordered(self.parameters[f"{prefix}bias"])
        second = np.zeros_like(bias)
        recurrent_bias = self.parameters.get(f"{prefix}recurrent_bias")
        if recurrent_bias is not None:  # the last of the gates of a GRU alone has one
            second[-len(recurrent_bias) :] = recurrent_bias
        biases = self.constant(f"{prefix}bias", np.concatenate([bias, second])[None])
        return self._gates(f"{prefix}recurrent_kernel"), biases

    def _ordered(self, array: NDArray[Any]) -> NDArray[Any]:
        """Put the gates, in the last axis, in the order of ONNX."""
        kind = self.network.kind
        gates = np.split(array, len(kind.gates), axis=-1)
        return np.concatenate([gates[kind.gates.index(gate)] for gate in GATES[kind.name]], axis=-1)

    def _state_values(self, prefix: str = "") -> list[Any]:
        L, _, H = self.network.state_shape
        return [_value(prefix + state, [L, "B", H]) for state in self.states]

    def _name(self, name: str, wanted: str) -> None:
        self._nodes.append(helper.make_node("Identity", [name], [wanted]))

    def _graph(self, name: str, inputs: list[Any], outputs: list[Any]) -> Any:
        return helper.make_graph(self._nodes, name, inputs, outputs, list(self._initializers.values()))

    def _clear(self) -> None:
        self._nodes: list[Any] = []
        self._initializers: dict[str, Any] = {}
        self._matrices: set[str] = set()


def _value(name: str, shape: list[Any], kind: int = TensorProto.FLOAT) -> Any:
    return helper.make_tensor_value_info(name, kind, shape)
