"""The peer in onnxruntime: its LSTM operator and the draw in one graph, which is called once a token."""

import numpy as np
import onnx
import onnxruntime
from numpy.typing import NDArray
from onnx import TensorProto, helper, numpy_helper

from writing_peers import Parameters, Write, arrays


def _graph(parameters: Parameters, temperature: float) -> bytes:
    """Return a model of one step: ids (1, B), two states (1, B, H), numbers (B, 1) -> ids, states."""
    table, kernel, output, output_bias = arrays(parameters, temperature)
    H, V = kernel.shape[0], table.shape[0]
    order = np.concatenate([np.arange(4 * H).reshape(4, H)[gate] for gate in (0, 3, 1, 2)])  # i o f c
    constants = {
        "table": table[:, order],
        "no_input": np.eye(4 * H, dtype=np.float32)[None],  # what is read from the table is the gates' input
        "kernel": np.ascontiguousarray(kernel[:, order].T)[None],
        "output": output,
        "output_bias": output_bias,
        "axis": np.array(1, np.int64),
        "last": np.array([V - 1], np.int64),
        "axes": np.array([1], np.int64),
    }
    nodes = [
        helper.make_node("Gather", ["table", "ids"], ["inputs"]),  # (1, B, 4H)
        helper.make_node(
            "LSTM", ["inputs", "no_input", "kernel", "", "", "hidden", "cell"],
            ["", "next_hidden", "next_cell"], hidden_size=H,
        ),
        helper.make_node("Squeeze", ["next_hidden", "first_axis"], ["top"]),
        helper.make_node("Gemm", ["top", "output", "output_bias"], ["logits"]),
        helper.make_node("Softmax", ["logits"], ["chances"], axis=1),
        helper.make_node("CumSum", ["chances", "axis"], ["sums"]),
        helper.make_node("Gather", ["sums", "last"], ["whole"], axis=1),
        helper.make_node("Mul", ["numbers", "whole"], ["goals"]),
        helper.make_node("Less", ["sums", "goals"], ["below"]),
        helper.make_node("Cast", ["below"], ["ones"], to=TensorProto.INT32),
        helper.make_node("ReduceSum", ["ones", "axes"], ["drawn"], keepdims=0),
        helper.make_node("Unsqueeze", ["drawn", "first_axis"], ["next_ids"]),
    ]  # fmt: skip
    constants["first_axis"] = np.array([0], np.int64)
    floats, whole = TensorProto.FLOAT, TensorProto.INT32
    graph = helper.make_graph(
        nodes,
        "step",
        [
            helper.make_tensor_value_info("ids", whole, (1, None)),
            helper.make_tensor_value_info("hidden", floats, (1, None, H)),
            helper.make_tensor_value_info("cell", floats, (1, None, H)),
            helper.make_tensor_value_info("numbers", floats, (None, 1)),
        ],
        [
            helper.make_tensor_value_info("next_ids", whole, (1, None)),
            helper.make_tensor_value_info("next_hidden", floats, (1, None, H)),
            helper.make_tensor_value_info("next_cell", floats, (1, None, H)),
        ],
        [numpy_helper.from_array(array, name) for name, array in constants.items()],
    )
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=9)
    onnx.checker.check_model(model)
    return bytes(model.SerializeToString())


def writer(
    parameters: Parameters, *, batch_size: int, count: int, start: int, temperature: float, threads: int
) -> Write:
    """Prepare a loop of calls; see `writing_peers`."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads, options.inter_op_num_threads = threads, 1
    model = _graph(parameters, temperature)
    session = onnxruntime.InferenceSession(model, options, providers=["CPUExecutionProvider"])
    hidden_size = parameters["layers.0.recurrent_kernel"].shape[0]
    names = ["next_ids", "next_hidden", "next_cell"]

    def run(seed: int) -> NDArray[np.int32]:
        numbers = np.random.default_rng(seed).random((count, batch_size, 1), dtype=np.float32)
        hidden = cell = np.zeros((1, batch_size, hidden_size), np.float32)
        ids, drawn = np.full((1, batch_size), start, np.int32), np.empty((count, batch_size), np.int32)
        for t in range(count):
            given = {"ids": ids, "hidden": hidden, "cell": cell, "numbers": numbers[t]}
            ids, hidden, cell = session.run(names, given)
            drawn[t] = ids[0]
        return drawn

    return run
