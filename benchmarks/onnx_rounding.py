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
Array = NDArray[np.floating[Any]]
Computed = tuple[Array, Array]  # log-probabilities (T, V), and the hidden states after each step (T, L, H)


def written(model: unspool.Generator, steps: int) -> NDArray[np.int32]:
    """Return the ids of texts that a model writes, each after `<eos>`.  # (steps,)."""

    def ids() -> Iterator[int]:
        for number in itertools.count():
            text = model.generate(n=1, seed=number, temperature=1.0)[0].text
            yield from [model.tokenizer.eos_id, *model.tokenizer.encode(text)]

    return np.fromiter(itertools.islice(ids(), steps), np.int32, steps)


def by_numpy(model: SavedModel, ids: NDArray[np.int32], dtype: Any) -> Computed:
    """Compute in plain NumPy with numbers of a type."""
    network = model.network
    parameters = {name: values.astype(dtype) for name, values in model.parameters.items()}
    layers = [layer_parameters(parameters, layer) for layer in range(network.num_layers)]
    L, S, H = network.state_shape
    state, logits = np.zeros((L, S, 1, H), dtype), np.empty((len(ids), network.symbols), dtype)
    hidden = np.empty((len(ids), L, H), dtype)
    for step, symbol in enumerate(ids):
        x = parameters["embedding"][symbol][None] if network.embedding_size is not None else None
        for layer, own in enumerate(layers):
            projected = own.input_kernel[symbol][None] if x is None else x @ own.input_kernel
            state[layer] = network.kind.step(own, projected + own.bias, state[layer])
            x = state[layer, 0] + x if x is not None and layer and network.residual else state[layer, 0]
        hidden[step] = state[:, 0, 0]
        logits[step] = (x @ output_kernel(parameters) + parameters["output.bias"])[0]
    logits[:, 0] = -np.inf
    return log_softmax(logits), hidden


def by_engine(model: SavedModel, ids: NDArray[np.int32]) -> Computed:
    """Compute with the engine "cpu"."""
    engine = make_engine("cpu", model.network, threads=1)
    state, logits, hidden = engine.initial_state(1), [], []
    for symbol in ids:
        row, state = engine.logits(model.parameters, np.array([[symbol]], np.int32), state)
        logits.append(row[0, 0].astype(np.float64))
        hidden.append(state[:, 0, 0])
    return log_softmax(np.stack(logits)), np.stack(hidden)


def by_onnxruntime(model: SavedModel, ids: NDArray[np.int32]) -> Computed:
    """Export the model, and compute with the model of a step."""
    import onnxruntime

    L, S, H = model.network.state_shape
    with tempfile.TemporaryDirectory() as folder:
        path = export(model, "onnx", Path(folder, "x"))[0] / "step.onnx"
        session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    states, logprobs, hidden = [np.zeros((L, 1, H), np.float32)] * S, [], []
    for symbol in ids:
        told = dict(zip(("h", "c"), states, strict=False))
        row, *states = session.run(None, {"ids": np.array([symbol], np.int64), **told})
        logprobs.append(row[0])
        hidden.append(states[0][:, 0])
    return np.stack(logprobs), np.stack(hidden)


def differences(one: Computed, other: Computed, exact: Array) -> list[float]:
    """Return the largest difference of log-probabilities, of likely ones, of probabilities, of states."""
    (logprobs, hidden), (logprobs_too, hidden_too) = one, other
    apart = np.abs(logprobs - logprobs_too)[:, 1:]
    probabilities = np.abs(np.exp(logprobs[:, 1:]) - np.exp(logprobs_too[:, 1:]))
    largest = (apart, apart[exact[:, 1:] > LIKELY], probabilities, np.abs(hidden - hidden_too))
    return [float(values.max()) for values in largest]


def main() -> None:
    """Measure and report."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("model", type=Path, help="folder of a model without context and source")
    parser.add_argument("--steps", type=int, default=10_000, help="symbols to read")
    parser.add_argument("--json", action="store_true", help="print one JSON document")
    arguments = parser.parse_args()
    model = load_model(arguments.model)
    ids = written(unspool.load(arguments.model), arguments.steps)
    exact = by_numpy(model, ids, np.float64)
    ways = {
        "unspool": by_engine(model, ids),
        "NumPy, float32": by_numpy(model, ids, np.float32),
        "onnxruntime": by_onnxruntime(model, ids),
    }
    pairs = {f"{name} and float64": (way, exact) for name, way in ways.items()}
    pairs["onnxruntime and unspool"] = (ways["onnxruntime"], ways["unspool"])
    found = {name: differences(one, other, exact[0]) for name, (one, other) in pairs.items()}
    if arguments.json:
        print(json.dumps({"steps": len(ids), "largest difference": found}, indent=2))
        return
    rows = [[name, *(f"{value:.1e}" for value in values)] for name, values in found.items()]
    columns = ["log-probabilities", "of p > 1e-6", "probabilities", "hidden states"]
    harness.say(harness.table(["largest difference over all steps", *columns], rows))


if __name__ == "__main__":
    main()
