"""What a model of pairs answers exactly of held-out sources: dates to ISO 8601, numbers to words and back.

No value (a day, a number) is on both sides. Every training is `unspool.train` at its defaults for pairs.
"""

import argparse
import tempfile
import time
from pathlib import Path
from typing import Any

import harness
import unspool
from pair_tasks import TASKS, split_by_value
from unspool._training.pair_defaults import pair_training


def measure(task: str, arguments: argparse.Namespace, *, seed: int) -> dict[str, Any]:
    """Train on one task, and answer the held-out sources."""
    training, held_out = split_by_value(TASKS[task](), train=arguments.pairs, held_out=arguments.held_out)
    began = time.monotonic()
    with tempfile.TemporaryDirectory() as folder:
        model = unspool.train(
            training,
            validation=held_out,
            out=Path(folder, "run"),
            network=unspool.NetworkConfig(cell=arguments.cell, hidden_size=arguments.hidden_size),
            training=pair_training(epochs=arguments.epochs, threads=arguments.threads, seed=seed),
            sample_prompts=[],
        )
    seconds = time.monotonic() - began
    result = model.evaluate(held_out)
    return {"exact": result.exact, "bits_per_character": result.bits_per_character, "seconds": seconds}


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=1)
    parser.add_argument("--task", choices=list(TASKS), action="append", help="one of the tasks; all of them")
    parser.add_argument("--pairs", type=int, default=30_000, help="pairs that are learned from")
    parser.add_argument("--held-out", type=int, default=2_000, help="pairs that are held out")
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--cell", default="lstm")
    parser.add_argument("--hidden-size", type=int, default=128)
    arguments = parser.parse_args()
    results: dict[str, list[dict[str, Any]]] = {}
    for seed in range(arguments.rounds):
        for task in arguments.task or TASKS:
            result = measure(task, arguments, seed=seed)
            results.setdefault(task, []).append(result)
            line = ", ".join(f"{key} {value:.4f}" for key, value in result.items())
            harness.say(f"{task}, seed {seed}: {line}")
    rows = [
        [
            task,
            " ".join(f"{run['exact']:.2%}" for run in runs),
            " ".join(f"{run['bits_per_character']:.4f}" for run in runs),
            " ".join(f"{run['seconds']:.0f}" for run in runs),
        ]
        for task, runs in results.items()
    ]
    names = ("pairs", "held_out", "epochs", "cell", "hidden_size")
    settings = {name: getattr(arguments, name) for name in names}
    document = {
        "benchmark": "pairs",
        "machine": harness.describe(threads=arguments.threads),
        "settings": settings,
        "results": results,
    }
    terms = f"Held-out pairs answered exactly, {settings}; a figure for each seed"
    table = harness.table(["task", "exact", "bits per character", "seconds"], rows)
    harness.finish(document, [terms, "", table], as_json=arguments.json)


if __name__ == "__main__":
    main()
