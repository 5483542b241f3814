"""How far from float64 are unspool, NumPy in float32 and an export in onnxruntime, over many carried steps.

The symbols are those of texts that the model writes, one after the other; the state is never set back. What
the three differ by is the rounding of float32 alone, which each does in its own order.
"""

import argparse
import itertools
import json
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

import harness
import unspool
from unspool._artifacts.model_folder import SavedModel, load_model
from unspool._engines import make_engine
from unspool._exporting.exporters import export
from unspool._generation.sampling.draw import log_softmax
from unspool._network.parameters import layer_parameters, output_kernel

LIKELY = np.log(1e-6)  # beside all symbols, those that are more probable than this
Logprobs = NDArray[np.floating[Any]]  # (T, V)


def written(model: unspool.Generator, steps: int) -> NDArray[np.int32]:
    """Return the ids of texts that a model writes, each after `<eos>`.  # (steps,)."""

    def ids() -> Iterator[int]:
        for number in itertools.count():
            text = model.generate(n=1, seed=number, temperature=1.0)[0].text
            yield from [model.tokenizer.eos_id, *model.tokenizer.encode(text)]

    return np.fromiter(itertools.islice(ids(), steps), np.int32, steps)


def by_numpy(model: SavedModel, ids: NDArray[np.int32], dtype: Any) -> Logprobs:
    """Compute in plain NumPy with numbers of a type."""
    network = model.network
    parameters = {name: values.astype(dtype) for name, values in model.parameters.items()}
    layers = [layer_parameters(parameters, layer) for layer in range(network.num_layers)]
    L, S, H = network.state_shape
    state, logits = np.zeros((L, S, 1, H), dtype), np.empty((len(ids), network.symbols), dtype)
    for step, symbol in enumerate(ids):
        x = parameters["embedding"][symbol][None] if network.embedding_size is not None else None
        for layer, own in enumerate(layers):
            projected = own.input_kernel[symbol][None] if x is None else x @ own.input_kernel
            state[layer] = network.kind.step(own, projected + own.bias, state[layer])
            x = state[layer, 0] + x if x is not None and layer and network.residual else state[layer, 0]
        logits[step] = (x @ output_kernel(parameters) + parameters["output.bias"])[0]
    logits[:, 0] = -np.inf
    return log_softmax(logits)


def by_engine(model: SavedModel, ids: NDArray[np.int32]) -> Logprobs:
    """Compute with the engine "cpu"."""
    engine = make_engine("cpu", model.network, threads=1)
    logits, _ = engine.logits(model.parameters, ids[:, None], engine.initial_state(1))
    return log_softmax(logits[:, 0].astype(np.float64))


def by_onnxruntime(model: SavedModel, ids: NDArray[np.int32]) -> Logprobs:
    """Export the model, and compute with the model of a sequence."""
    import onnxruntime

    L, S, H = model.network.state_shape
    with tempfile.TemporaryDirectory() as folder:
        path = export(model, "onnx", Path(folder, "x"))[0] / "sequence.onnx"
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    states = {name: np.zeros((L, 1, H), np.float32) for name in ("h", "c")[:S]}
    logprobs: Logprobs = session.run(None, {"ids": ids[:, None].astype(np.int64), **states})[0][:, 0]
    return logprobs


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a model without context and source")
    parser.add_argument("--steps", type=int, default=10_000, help="symbols to read")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    ids = written(unspool.load(arguments.model), arguments.steps)
    exact = by_numpy(model, ids, np.float64)[:, 1:]
    ways = {
        "unspool": by_engine(model, ids)[:, 1:],
        "NumPy, float32": by_numpy(model, ids, np.float32)[:, 1:],
        "onnxruntime": by_onnxruntime(model, ids)[:, 1:],
    }
    pairs = {f"{name} and float64": (way, exact) for name, way in ways.items()}
    pairs["onnxruntime and unspool"] = (ways["onnxruntime"], ways["unspool"])
    found = {}
    for name, (one, other) in pairs.items():
        apart = np.abs(one - other)
        found[name] = [float(apart.max()), float(apart[exact > LIKELY].max())]
    if arguments.json:
        print(json.dumps({"steps": len(ids), "largest difference": found}, indent=2))
        return
    rows = [[name, *(f"{value:.1e}" for value in values)] for name, values in found.items()]
    harness.say(harness.table(["largest difference over all steps", "all symbols", "p > 1e-6"], rows))


if __name__ == "__main__":
    main()
