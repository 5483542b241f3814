"""The full grid: cells x hidden sizes x layers x batch sizes, unspool beside PyTorch, Keras and JAX.

Each cell of the grid is measured for a limited time and written as a line of a JSON lines file: a run that is
stopped goes on where it was, and its table is already useful, for the cells that tell most come first.
"""

import argparse
import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict
from itertools import product
from pathlib import Path

import grid_table
import harness
from unspool._benchmarking import contenders
from unspool._benchmarking.operations import training_operations
from unspool._benchmarking.turns import repeated
from unspool._kernels.precision import has_bf16
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize

FIRST = {"cells": ("lstm", "gru", "rnn"), "batch_sizes": (64, 8, 256)}  # the order; other values follow
TOLERANCE = {
    "PyTorch bf16": 2e-2,
    "unspool bf16": 2e-2,
}  # relative difference of the first loss; otherwise 1e-4
PEERS = ("PyTorch", "PyTorch bf16", "PyTorch compiled", "Keras", "JAX")
ROUNDS = 7
LEAST_WORK = 0.1  # least seconds of a round for any number of contenders: a single call has cold caches

Case = dict[str, object]


def cases(arguments: argparse.Namespace) -> list[Case]:
    """Return the cells of the grid, the most informative first: few layers, batch 64, small networks."""
    rank = lambda name, value: (*FIRST[name], value).index(value)  # noqa: E731
    names = ("cell", "hidden_size", "num_layers", "batch_size")
    grid = [
        dict(zip(names, values, strict=True))
        for values in product(
            arguments.cells, arguments.hidden_sizes, arguments.num_layers, arguments.batch_sizes
        )
    ]
    return sorted(
        grid,
        key=lambda case: (
            case["num_layers"] + rank("batch_sizes", case["batch_size"]),
            case["num_layers"],
            case["hidden_size"],
            rank("cells", case["cell"]),
        ),
    )


def steps_of(
    name: str, config: NetworkConfig, start: dict, windows: list, threads: int
) -> Callable[[], float]:
    """Prepare a contender's training step."""
    rate = contenders.LEARNING_RATE
    if name in grid_table.OURS:
        precision = "bf16" if name.endswith("bf16") else "float32"
        return contenders.training_step(config, start, windows, threads=threads, precision=precision)
    if name == "Keras":
        from keras_training import training_step

        return training_step(config, start, windows, learning_rate=rate)
    if name == "JAX":
        from jax_training import training_step

        return training_step(config, start, windows, learning_rate=rate)
    from unspool._benchmarking import torch_peer

    return torch_peer.training_step(
        config, start, windows, threads=threads, learning_rate=rate,
        bf16=name.endswith("bf16"), compiled=name.endswith("compiled"),
    )  # fmt: skip


def here(arguments: argparse.Namespace, machine: dict[str, object]) -> Iterator[str]:
    """Yield the contenders that this machine has, and report the absent ones."""
    needs = {"Keras": ("tensorflow-cpu", "tensorflow"), "JAX": ("jax",)}
    yield "unspool"
    if has_bf16():
        yield "unspool bf16"
    else:
        harness.say("unspool bf16: absent, the kernels have no products in bf16")
    for name in arguments.peers:
        packages = needs.get(name, ("torch",))
        if not any(map(harness.installed, packages)):
            harness.absent(name, packages[0])
        elif name == "PyTorch bf16" and machine["bf16"] is None:
            harness.say(f"{name}: absent, the processor has no products in bf16")
        else:
            yield name


def measure(case: Case, names: list[str], arguments: argparse.Namespace) -> dict[str, object]:
    """Measure one cell of the grid: every contender makes its first step, then they take turns."""
    config = NetworkConfig(
        cell=case["cell"], hidden_size=case["hidden_size"], num_layers=case["num_layers"],
        vocab_size=arguments.vocab_size,
    )  # fmt: skip
    windows = contenders.random_windows(
        vocab_size=arguments.vocab_size,
        sequence_length=arguments.sequence_length,
        batch_size=case["batch_size"],
    )
    start = initialize(config, 0)
    steps, losses, failed = {}, {}, {}
    for name in names:
        try:
            step = steps_of(name, config, start, windows, arguments.threads)
            losses[name] = step()
        except Exception as error:  # a peer that cannot do a cell of the grid is no reason to stop
            if name in grid_table.OURS:
                raise
            failed[name] = f"{type(error).__name__}: {error}".splitlines()[0]
            harness.say(f"{name}: {failed[name]}")
            continue
        steps[name] = step
    contenders.refuse_other_work(losses, tolerance={name: TOLERANCE.get(name, 1e-4) for name in losses})
    least = max(arguments.seconds / (ROUNDS + 1) / len(steps) - harness.SETTLE_SECONDS, LEAST_WORK)
    amount = case["batch_size"] * arguments.sequence_length
    turns = {name: repeated(step, least=least, amount=amount) for name, step in steps.items()}
    speeds = harness.take_turns(turns, rounds=ROUNDS, limit=arguments.seconds)
    operations = training_operations(config)
    gflops = speeds["unspool"].median * operations / 1e9
    figures = {name: asdict(spread) for name, spread in speeds.items()}
    load = os.getloadavg()[0]
    return {**case, "characters_per_second": figures, "gflops": gflops, "failed": failed, "load": load}


def terms(arguments: argparse.Namespace, machine: dict[str, object]) -> dict[str, object]:
    """Return the conditions that all lines of one file must share."""
    constant_machine = {name: value for name, value in machine.items() if name != "load"}
    flags = {name: getattr(arguments, name) for name in ("vocab_size", "sequence_length", "seconds", "peers")}
    return {"machine": constant_machine, **flags}


def opened(path: Path, expected: dict[str, object]) -> list[dict[str, object]]:
    """Read the existing lines, or begin the file; results under other conditions are refused."""
    if not path.exists():
        path.write_text(json.dumps(expected) + "\n", "utf-8")
        return []
    first, *rest = path.read_text("utf-8").splitlines()
    if json.loads(first) != expected:
        raise SystemExit(f"{path}: measured elsewhere or on other terms; name another --out")
    return [json.loads(line) for line in rest]


def main() -> None:
    """Measure the cells that are not yet measured, and report all."""
    parser = harness.options(__doc__, rounds=None)
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "rnn"], choices=["lstm", "gru", "rnn"])
    parser.add_argument("--hidden-sizes", type=int, nargs="+", default=[128, 256, 512, 1024])
    parser.add_argument("--num-layers", type=int, nargs="+", default=[1, 2, 3])
    parser.add_argument("--batch-sizes", type=int, nargs="+", default=[64, 8, 256])
    parser.add_argument("--vocab-size", type=int, default=84)
    parser.add_argument("--sequence-length", type=int, default=45)
    parser.add_argument("--peers", nargs="*", default=list(PEERS), choices=PEERS)
    parser.add_argument("--seconds", type=float, default=30.0, help="for a cell, without first steps")
    parser.add_argument("--out", type=Path, default=Path("grid.jsonl"), help="JSON lines; goes on with it")
    arguments = parser.parse_args()
    harness.keep_to_processors(arguments.threads)
    machine = harness.describe(threads=arguments.threads)
    results = opened(arguments.out, terms(arguments, machine))
    grid = cases(arguments)
    names = list(here(arguments, machine))
    done = [{name: line[name] for name in grid[0]} for line in results]
    for number, case in enumerate(grid, start=1):
        if case in done:
            continue
        harness.say(f"{number} of {len(grid)}: {case}")
        results.append(measure(case, names, arguments))
        with arguments.out.open("a", encoding="utf-8") as file:
            file.write(json.dumps(results[-1]) + "\n")
    chosen = [line for case in grid for line in results if {name: line[name] for name in case} == case]
    document = {"benchmark": "grid", "machine": machine, "results": chosen}
    lines = [grid_table.table(chosen), "", grid_table.summary(chosen)]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
