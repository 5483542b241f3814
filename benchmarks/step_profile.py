"""Where the time of a training step goes: packing, forward, output, backward, weights, optimizer, Python.

The fastest step stands, as the one least disturbed; on one thread it is taken in processor time, which a busy
machine disturbs less. The last column compares with the machine's own product of two 1024 x 1024 matrices,
NumPy's; give that as many threads: ``OPENBLAS_NUM_THREADS=1 python benchmarks/step_profile.py --threads 1``.
"""

import argparse
import time
from collections.abc import Callable, Sequence
from itertools import product

import numpy as np

import harness
from unspool import _native
from unspool._benchmarking.operations import training_operations
from unspool._engines.cpu import CpuEngine
from unspool._kernels.network import STAGES
from unspool._kernels.precision import PRECISIONS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window
from unspool._training.config import TrainingConfig
from unspool._training.optimizers import Optimizer

PARTS = (*STAGES, "optimizer", "Python")

Shape = tuple[
    str, int, int, int, int, int
]  # cell, hidden_size, num_layers, batch_size, vocab_size, sequence_length


class Clocked:
    """A function that measures the time spent in it."""

    def __init__(self, function: Callable[..., float]) -> None:
        self.function, self.seconds = function, 0.0

    def __call__(self, *arguments: object) -> float:
        """Call the function and measure it."""
        start = time.perf_counter()
        result = self.function(*arguments)
        self.seconds += time.perf_counter() - start
        return result


def shapes(arguments: argparse.Namespace) -> list[Shape]:
    """Return every combination of the flags."""
    flags = ("cells", "hidden_size", "num_layers", "batch_size", "vocab_size", "sequence_length")
    return list(product(*(getattr(arguments, flag) for flag in flags)))


def network_of(shape: Shape) -> NetworkConfig:
    """Return the network of a shape."""
    cell, hidden, layers, _, vocab, _ = shape
    return NetworkConfig(cell=cell, hidden_size=hidden, num_layers=layers, vocab_size=vocab)


def clock_of(threads: int) -> Callable[[], float]:
    """Return the clock: processor time for one thread, wall time for several."""
    return time.thread_time if threads == 1 else time.perf_counter


def sgemm(threads: int) -> float:
    """Measure the machine's own float32 product: operations a second of the fastest of twenty."""
    a = np.random.default_rng(0).random((1024, 1024), dtype=np.float32)
    out, clock, seconds = np.empty_like(a), clock_of(threads), []
    for _ in range(20):
        start = clock()
        np.matmul(a, a, out=out)
        seconds.append(clock() - start)
    return 2 * 1024**3 / min(seconds)


def make_step(shape: Shape, threads: int, precision: str) -> Callable[[], dict[str, float]]:
    """Prepare a step that gives the seconds of its parts."""
    *_, batch, vocab, length = shape
    config = network_of(shape)
    engine, parameters = CpuEngine(config, threads=threads, precision=precision), initialize(config, 0)
    recipe = TrainingConfig(optimizer="adamw", clip_norm=1.0)
    optimizer = Optimizer("adamw", parameters, recipe, threads=threads)
    ids = np.random.default_rng(0).integers(1, vocab, (length + 1, batch)).astype(np.int32)
    window, state = Window(ids[:-1].copy(), ids[1:].copy()), engine.initial_state(batch)
    clocked, clock = Clocked(_native.optimize), clock_of(threads)

    def step() -> dict[str, float]:
        _native.optimize, clocked.seconds = clocked, 0.0
        start, ticks = time.perf_counter(), clock()
        _, gradients, _ = engine.loss_and_gradients(parameters, window, state, reset_id=None)
        optimizer.update(parameters, gradients, 1e-3)
        whole, cost = time.perf_counter() - start, clock() - ticks
        _native.optimize = clocked.function
        parts = {**engine.stage_seconds(), "optimizer": clocked.seconds}
        return {**parts, "Python": whole - sum(parts.values()), "whole": whole, "cost": cost}

    return step


def measure(shape: Shape, arguments: argparse.Namespace) -> dict[str, object]:
    """Time the parts of many steps, and the machine's own product beside them."""
    rate = sgemm(arguments.threads)
    step = make_step(shape, arguments.threads, arguments.precision)
    step()
    end, steps = time.perf_counter() + arguments.seconds, []
    while len(steps) < arguments.steps or time.perf_counter() < end:
        steps.append(step())
    fastest = min(steps, key=lambda parts: parts["whole"])
    *_, batch, _, length = shape
    cost = min(parts["cost"] for parts in steps)
    speed = batch * length / cost
    useful = speed * training_operations(network_of(shape))
    return {
        "shape": shape,
        "milliseconds": 1e3 * cost,
        "seconds": fastest,
        "characters_per_second": speed,
        "gflops": useful / 1e9,
        "of_sgemm": useful / rate,
    }


def row(result: dict[str, object]) -> Sequence[str]:
    """Return one shape's result as a table row."""
    seconds: dict[str, float] = result["seconds"]
    shares = [f"{100 * seconds[part] / seconds['whole']:.1f}" for part in PARTS]
    speed = f"{result['characters_per_second']:,.0f}"
    cost, share = f"{result['milliseconds']:.2f}", f"{100 * result['of_sgemm']:.0f}"
    return [" ".join(map(str, result["shape"])), speed, f"{result['gflops']:.0f}", cost, *shares, share]


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=None)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn"], help="cells to measure")
    parser.add_argument("--hidden-size", nargs="+", type=int, default=[128, 512], help="hidden sizes")
    parser.add_argument("--num-layers", nargs="+", type=int, default=[1], help="numbers of layers")
    parser.add_argument("--precision", choices=PRECISIONS, default="float32", help="of the products")
    parser.add_argument("--batch-size", nargs="+", type=int, default=[8, 64], help="batch sizes")
    parser.add_argument("--vocab-size", nargs="+", type=int, default=[84], help="vocabulary sizes")
    parser.add_argument("--sequence-length", nargs="+", type=int, default=[45], help="symbols of a window")
    parser.add_argument("--steps", type=int, default=5, help="least steps of each shape")
    parser.add_argument("--seconds", type=float, default=2.0, help="least time for each shape")
    arguments = parser.parse_args()
    results = [measure(shape, arguments) for shape in shapes(arguments)]
    header = [
        "cell H L B V T",
        "characters/s",
        "GFLOP/s",
        "ms",
        *(f"{part} %" for part in PARTS),
        "% of sgemm",
    ]
    machine = harness.describe(threads=arguments.threads, precision=arguments.precision)
    document = {"machine": machine, "results": results}
    harness.finish(document, [harness.table(header, [row(r) for r in results])], as_json=arguments.json)


if __name__ == "__main__":
    main()
