"""Runs what the exporter "onnx" writes, with onnxruntime: the model of a sequence, and that of a step."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from unspool._artifacts.model_folder import SavedModel

onnxruntime = pytest.importorskip("onnxruntime")


def session(path: Path) -> Any:
    """Open a model in one thread."""
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    return onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])


def first_state(path: Path, model: SavedModel, asked: Asked) -> list[NDArray[np.float32]]:
    """Make the state that a text starts from."""
    L, S, H = model.network.state_shape
    if asked.source is not None:
        ids = asked.source[:, None].astype(np.int64)
        return list(session(path / "encoder.onnx").run(None, {"ids": ids}))
    if model.network.start_size is not None:
        told = {} if asked.start is None else {"vector": asked.start[None]}
        return list(session(path / "start.onnx").run(None, told))
    return [np.zeros((L, 1, H), np.float32)] * S


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Compute the log-probabilities after each id; a text begins anew at each `<eos>`.  # (T, V)."""
    names = ["h", "c"][: model.network.kind.states]
    first = first_state(path, model, asked)
    context = {} if asked.context is None else {"context": asked.context[None]}
    step, sequence = session(path / "step.onnx"), session(path / "sequence.onnx")
    rows, states = [], first
    for token in asked.ids:
        states = first if token == model.tokenizer.eos_id else states
        told = {"ids": np.array([token], np.int64), **dict(zip(names, states, strict=True)), **context}
        row, *states = step.run(None, told)
        rows.append(row[0])
    texts = np.split(asked.ids, np.flatnonzero(asked.ids == model.tokenizer.eos_id)[1:])
    parts = []
    for text in texts:
        ids = text[:, None].astype(np.int64)
        part, *states = sequence.run(None, {"ids": ids, **dict(zip(names, first, strict=True)), **context})
        parts.append(part[:, 0])
    whole = np.concatenate(parts)
    np.testing.assert_allclose(np.stack(rows), whole, rtol=0, atol=1e-5)
    return whole
