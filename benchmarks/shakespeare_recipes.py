"""Recipes for tiny Shakespeare, and the results of their trainings: the loss and the time."""

import argparse
import json
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import harness
import ours
from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters
from unspool._training.config import TrainingConfig


@dataclass(frozen=True)
class Recipe:
    """A network and its training.

    Args:
        network: The network; the text sets its vocab_size.
        training: The training configuration; its `epochs` end with the schedule.
    """

    network: NetworkConfig
    training: TrainingConfig

    def changed(self, settings: Mapping[str, Any]) -> "Recipe":
        """Return the recipe with other values in some fields of both configurations."""
        names = {field.name for field in fields(NetworkConfig)}
        network = {name: value for name, value in settings.items() if name in names}
        training = {name: value for name, value in settings.items() if name not in names}
        return Recipe(replace(self.network, **network), replace(self.training, **training))


@dataclass(frozen=True)
class Outcome:
    """The result of one training.

    Args:
        parameters: Number of parameters of the network.
        characters: Number of characters read in training, over all epochs.
        loss: Loss on the whole held-out part after the last step, in nats per character.
        seconds: Wall time, with evaluations.
        processor_seconds: Processor time of all threads.
        points: All evaluations.
    """

    parameters: int
    characters: int
    loss: float
    seconds: float
    processor_seconds: float
    points: list[ours.Point]


RECIPES = {
    "four-minutes": Recipe(
        NetworkConfig(hidden_size=256, num_layers=2, residual=True, dropout=0.2),
        TrainingConfig(
            epochs=5, batch_size=8, sequence_length=64, learning_rate=5e-3, weight_decay=0.1, ema=0.998,
            state_reset=0.01,
        ),
    ),
}  # fmt: skip
ELSEWHERE = ("vocab_size", "threads", "seed")  # set by the text, --threads and --rounds


def setting(text: str) -> tuple[str, Any]:
    """Read NAME=VALUE; a value that is not JSON is a string."""
    name, equals, value = text.partition("=")
    known = {field.name for config in (NetworkConfig, TrainingConfig) for field in fields(config)}
    if not equals or name not in known.difference(ELSEWHERE):
        raise argparse.ArgumentTypeError(
            f"expected NAME=VALUE, a field of a configuration but for {', '.join(ELSEWHERE)}; got {text}"
        )
    try:
        return name, json.loads(value)
    except json.JSONDecodeError:
        return name, value


def changed(names: Sequence[str], settings: Mapping[str, Any]) -> dict[str, Recipe]:
    """Return the named recipes, with other values in some fields."""
    return {name: RECIPES[name].changed(settings) for name in names}


def train(split: ours.Split, recipe: Recipe, *, threads: int, seed: int) -> Outcome:
    """Train by a recipe to its end."""
    config = replace(recipe.training, threads=threads, seed=seed)
    began, processor = time.perf_counter(), time.process_time()
    points = ours.train(split, network=recipe.network, training=config)
    processor_seconds = time.process_time() - processor
    network = replace(recipe.network, vocab_size=split.tokenizer.vocab_size)
    lanes = config.batch_size * (len(split.training) // config.batch_size)
    return Outcome(
        parameters=count_parameters(network),
        characters=(config.epochs or 0) * lanes,
        loss=points[-1].loss,
        seconds=time.perf_counter() - began,
        processor_seconds=processor_seconds,
        points=points,
    )


def report(split: ours.Split, recipes: Mapping[str, Recipe], arguments: argparse.Namespace) -> None:
    """Train by every recipe, once for each seed, and print the results."""
    outcomes: dict[str, list[Outcome]] = {name: [] for name in recipes}
    for seed in range(arguments.rounds):
        for name, recipe in recipes.items():
            outcomes[name].append(train(split, recipe, threads=arguments.threads, seed=seed))
    header = ["", "parameters", "characters", "nats per character", "seconds", "processor seconds"]
    document = {
        "benchmark": "shakespeare recipes",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"rounds": arguments.rounds, **dict(arguments.set)},
        "results": outcomes,
    }
    harness.finish(document, [harness.table(header, rows(outcomes))], as_json=arguments.json)


def rows(outcomes: Mapping[str, Sequence[Outcome]]) -> list[list[str]]:
    """Return a table row for each recipe: the median over the seeds, and the range."""
    table_rows: list[list[str]] = []
    for name, runs in outcomes.items():
        losses, walls, processors = (
            harness.Spread.of([getattr(run, key) for run in runs])
            for key in ("loss", "seconds", "processor_seconds")
        )
        loss = f"{losses.median:.4f} ({losses.low:.4f} to {losses.high:.4f})"
        counts = [f"{runs[0].parameters:,}", f"{runs[0].characters:,}"]
        table_rows.append([name, *counts, loss, f"{walls.median:.0f}", f"{processors.median:.0f}"])
    return table_rows
