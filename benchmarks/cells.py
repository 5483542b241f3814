"""Would another cell be worth its kernels? Held-out bits per character of cells in PyTorch, one layer each.

All have the same number of **processor seconds**, on one thread, and then the same number of steps: a loop in
Python is slow, and shall not decide. They train by unspool's recipe, its cosine cut to the budget, with the
learning rate that is best for the cell on the first text, of those that are given. The last state counts.
"""

import argparse
from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

import harness
import ours
import quality_texts
from unspool._training.config import TrainingConfig

BUDGETS = ("seconds", "steps")


def trained(
    cell: str, split: ours.Split, arguments: argparse.Namespace, *, budget: str, rate: float, seed: int
) -> float:
    """Train a cell once and return its bits per character."""
    import torch

    import torch_training
    from cells_torch import Network

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(seed)
    network = Network(cell, vocab_size=split.tokenizer.vocab_size, units=arguments.units)
    shares: dict[str, Callable[[float, int], float]] = {
        "seconds": lambda seconds, steps: seconds / arguments.seconds,
        "steps": lambda seconds, steps: steps / arguments.steps,
    }
    config = replace(TrainingConfig(), learning_rate=rate, seed=seed)
    seconds, steps = torch_training.train(network, split, config=config, share=shares[budget])
    bits = torch_training.bits(network, split.validation, eos_id=split.tokenizer.eos_id)
    harness.say(f"{cell}, {budget}, rate {rate:g}, seed {seed}: {bits:.3f} ({steps} steps, {seconds:.1f} s)")
    return bits


def best_rate(cell: str, split: ours.Split, arguments: argparse.Namespace) -> float:
    """Return the learning rate that is best for a cell after as many steps as the others."""
    rates: Sequence[float] = arguments.learning_rates
    if len(rates) == 1:
        return rates[0]
    run = partial(trained, cell, split, arguments, budget="steps", seed=arguments.seeds)
    return min(rates, key=lambda rate: run(rate=rate))


def spread(bits: Sequence[float]) -> str:
    """Return the mean of some bits and half of their range."""
    return f"{sum(bits) / len(bits):.3f} ± {(max(bits) - min(bits)) / 2:.3f}"


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    known = quality_texts.texts()
    parser.add_argument("--seconds", type=float, default=60, help="processor seconds of each training")
    parser.add_argument("--steps", type=int, default=2000, help="steps of each training of the second kind")
    parser.add_argument("--units", type=int, default=128)
    parser.add_argument("--seeds", type=int, default=2, help="trainings of each kind")
    parser.add_argument("--learning-rates", type=float, nargs="+", default=[5e-3, 2e-2])
    parser.add_argument("--texts", nargs="+", choices=list(known), default=["names", "titles", "Shakespeare"])
    arguments = parser.parse_args()
    from cells_torch import CELLS

    splits = {name: split for name in arguments.texts if (split := known[name].split()) is not None}
    rates = {cell: best_rate(cell, next(iter(splits.values())), arguments) for cell in CELLS}
    results = {
        (cell, name, budget): [
            trained(cell, split, arguments, budget=budget, rate=rates[cell], seed=seed)
            for seed in range(arguments.seeds)
        ]
        for name, split in splits.items()
        for cell in CELLS
        for budget in BUDGETS
    }
    columns = [(name, budget) for budget in BUDGETS for name in splits]
    rows = [
        [cell, f"{rates[cell]:g}", *(spread(results[cell, *column]) for column in columns)] for cell in CELLS
    ]
    named = {"seconds": f"{arguments.seconds:g} s", "steps": f"{arguments.steps:,} steps"}
    header = ["cell", "rate", *(f"{name}, {named[budget]}" for name, budget in columns)]
    document = {
        "benchmark": "cells",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": [[*key, bits] for key, bits in results.items()],
    }
    terms = (
        f"Bits per character of held-out text, {arguments.units} units, mean of the seeds ± half their range"
    )
    harness.finish(document, [terms, "", harness.table(header, rows)], as_json=arguments.json)


if __name__ == "__main__":
    main()
