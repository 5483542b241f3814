"""Time until a validation loss on tiny Shakespeare: unspool's defaults, a PyTorch LSTM and a transformer.

The first 90 % of the text are learned as one document, the last 10 % are held out. unspool trains as it does
when nothing is said. PyTorch trains the same LSTM in the same way, on the same windows, and a larger one by
the recipe of the flags (AdamW, clipping, carried state). All of these measure the whole held-out text in the
same way, after as many symbols. The transformer trains by
nanoGPT's recipe for a CPU and measures random pieces of the held-out text, as that recipe does. The time
counts everything from the first step on, evaluations too. They take turns.

With `--recipe` none of them runs: unspool trains by the recipes that are named, each to its end.
"""

import argparse
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import harness
import ours
import shakespeare_recipes
from unspool._errors import ConfigError
from unspool._evaluation.streams import document_lanes
from unspool._network.config import NetworkConfig
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Record
from unspool._text.streams.lanes import Lanes, Window
from unspool._training.config import TrainingConfig
from unspool._training.schedules import SCHEDULES, progress_at


def read_split(path: Path) -> ours.Split:
    """Read the text and hold out its last tenth."""
    corpus = encode_corpus([Record(harness.required(path).read_text("utf-8"))], EncodingRecipe())
    training, validation = corpus.training.tail_split(0.1)
    return ours.Split(corpus.tokenizer, training, validation, document=True)


def recipe(arguments: argparse.Namespace, seed: int) -> TrainingConfig:
    """Return the recipe of the flags."""
    return TrainingConfig(
        epochs=arguments.epochs,
        batch_size=arguments.batch_size,
        sequence_length=arguments.sequence_length,
        learning_rate=arguments.learning_rate,
        schedule="constant",
        warmup_fraction=0.01,
        evaluate_every=arguments.evaluate_every,
        threads=arguments.threads,
        seed=seed,
    )


def defaults(arguments: argparse.Namespace, seed: int) -> TrainingConfig:
    """Return unspool's defaults, with evaluations after as many tokens as PyTorch's."""
    config = TrainingConfig(threads=arguments.threads, seed=seed)
    symbols = arguments.evaluate_every * arguments.batch_size * arguments.sequence_length
    return replace(config, evaluate_every=symbols // (config.batch_size * config.sequence_length))


def unspool_run(
    split: ours.Split, arguments: argparse.Namespace, seed: int, hidden_size: int
) -> list[ours.Point]:
    """Train unspool until the last goal."""
    return ours.train(
        split,
        network=NetworkConfig(hidden_size=hidden_size),
        training=defaults(arguments, seed),
        enough=lambda point: point.loss < min(arguments.goals),
    )


def torch_run(
    split: ours.Split,
    arguments: argparse.Namespace,
    seed: int,
    hidden_size: int,
    how: Callable[[argparse.Namespace, int], TrainingConfig],
) -> list[ours.Point]:
    """Train PyTorch until the last goal.

    Args:
        split: The text.
        arguments: The flags.
        seed: The seed of the weights and of the windows.
        hidden_size: The units of the LSTM.
        how: Function that returns how it trains.
    """
    import torch

    from unspool._benchmarking.torch_peer import TorchNetwork, TorchTrainer

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(seed)
    config = how(arguments, seed)
    eos_id, vocab_size = split.tokenizer.eos_id, split.tokenizer.vocab_size
    lanes = Lanes(
        split.training,
        batch_size=config.batch_size,
        sequence_length=config.sequence_length,
        seed=seed,
        eos_id=eos_id,
        document=True,
    )
    network = TorchNetwork("lstm", vocab_size=vocab_size, hidden_size=hidden_size)
    network.exclude(0)
    trainer = TorchTrainer(
        network,
        learning_rate=config.learning_rate,
        weight_decay=config.weight_decay,
        betas=(config.beta1, config.beta2),
        epsilon=config.epsilon,
    )
    total, schedule = int(config.epochs * lanes.windows_per_epoch), SCHEDULES[config.schedule]
    points: list[ours.Point] = []
    began, processor = time.perf_counter(), time.process_time()
    for step in range(1, total + 1):
        epoch, position = divmod(step - 1, lanes.windows_per_epoch)
        if position == 0:
            windows, trainer.state = lanes.windows(epoch), None
        window = next(windows)
        rate = config.learning_rate * schedule(
            progress_at(step, total), config.warmup_fraction, config.floor_fraction
        )
        ids, targets = (torch.from_numpy(part).long() for part in (window.ids, window.targets))
        trainer.step(ids, targets, learning_rate=rate)
        if step % int(config.evaluate_every) == 0 or step == total:
            loss = windows_loss(network, document_lanes(split.validation, eos_id))
            seconds, used = time.perf_counter() - began, time.process_time() - processor
            points.append(ours.Point(step, epoch + 1, seconds, loss, 0.0, used))
            if loss < min(arguments.goals):
                break
    harness.say(f"PyTorch LSTM({hidden_size}), seed {seed}: {time.perf_counter() - began:.1f} s")
    return points


def windows_loss(network: Any, windows: Iterable[Window]) -> float:
    """Return the nats per counted target of consecutive windows; a target of 0 is not counted."""
    import torch
    from torch.nn import functional

    state = None
    total, count = 0.0, 0
    with torch.inference_mode():
        for window in windows:
            ids, targets = (torch.from_numpy(part).long() for part in (window.ids, window.targets))
            logits, state = network(ids, state)
            nats = functional.cross_entropy(
                logits.flatten(0, 1), targets.flatten(), ignore_index=0, reduction="sum"
            )
            total, count = total + nats.item(), count + int((targets != 0).sum())
    return total / count


def transformer_run(split: ours.Split, arguments: argparse.Namespace, seed: int) -> list[ours.Point]:
    """Train the transformer until the last goal, or to the end of its recipe."""
    import torch

    from transformer_peer import train

    torch.set_num_threads(arguments.threads)
    points = train(
        split.training,
        split.validation,
        vocab_size=split.tokenizer.vocab_size,
        seed=seed,
        enough=lambda point: point.loss < min(arguments.goals),
    )
    harness.say(f"transformer, seed {seed}: {points[-1].seconds:.1f} s, {points[-1].loss:.3f} at the end")
    return points


def time_to(goal: float, points: list[ours.Point], *, clock: str) -> float:
    """Return the seconds of a clock until a loss below the goal; infinite if it was never reached."""
    return next((getattr(point, clock) for point in points if point.loss < goal), float("inf"))


def measure(arguments: argparse.Namespace) -> dict[str, list[list[ours.Point]]]:
    """Let all take turns: unspool at its own size and at PyTorch's, and the peers."""
    split = read_split(arguments.data)
    contenders: dict[str, Callable[..., list[ours.Point]]] = {
        f"unspool LSTM({size})": partial(unspool_run, hidden_size=size)
        for size in (NetworkConfig().hidden_size, arguments.hidden_size)
    }
    if harness.installed("torch"):
        usual = NetworkConfig().hidden_size
        contenders[f"PyTorch LSTM({usual}), trained as unspool does"] = partial(
            torch_run, hidden_size=usual, how=defaults
        )
        contenders[f"PyTorch LSTM({arguments.hidden_size})"] = partial(
            torch_run, hidden_size=arguments.hidden_size, how=recipe
        )
        contenders["transformer in PyTorch"] = transformer_run
    else:
        harness.absent("PyTorch", "torch")
    contenders = {name: run for name, run in contenders.items() if name.split()[0] not in arguments.without}
    runs: dict[str, list[list[ours.Point]]] = {name: [] for name in contenders}
    for seed in range(arguments.rounds):
        for name, run in contenders.items():
            time.sleep(harness.SETTLE_SECONDS)
            runs[name].append(run(split, arguments, seed))
    return runs


def rows(runs: dict[str, list[list[ours.Point]]], goals: list[float]) -> list[list[str]]:
    """Return table rows of the time to each goal, then the processor time."""
    times = [
        [
            harness.Spread.of([time_to(goal, run, clock=clock) for run in runs[name]])
            for clock in ("seconds", "processor_seconds")
            for goal in goals
        ]
        for name in runs
    ]
    return [[name, *map(str, row)] for name, row in zip(runs, times, strict=True)]


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, default=harness.data("tinyshakespeare.txt"))
    parser.add_argument("--goals", type=float, nargs="+", default=[1.88, 1.70])
    parser.add_argument("--hidden-size", type=int, default=256)
    parser.add_argument("--batch-size", type=int, default=32)
    parser.add_argument("--sequence-length", type=int, default=64)
    parser.add_argument("--learning-rate", type=float, default=4e-3)
    parser.add_argument(
        "--without",
        nargs="+",
        choices=("PyTorch", "transformer"),
        default=[],
        help="leave these out",
    )
    parser.add_argument("--epochs", type=int, default=10, help="where a run ends that reaches no goal")
    parser.add_argument("--evaluate-every", type=int, default=50, help="steps between two evaluations")
    names = list(shakespeare_recipes.RECIPES)
    parser.add_argument(
        "--recipe", nargs="+", choices=names, metavar="NAME", help=f"train by these alone: {names}"
    )
    parser.add_argument(
        "--set",
        nargs="+",
        action="extend",
        type=shakespeare_recipes.setting,
        default=[],
        metavar="NAME=VALUE",
        help="change fields of a recipe's network or training",
    )
    arguments = parser.parse_args()
    if arguments.set and not arguments.recipe:
        parser.error("argument --set: changes a recipe, so name one with --recipe")
    if arguments.without and arguments.recipe:
        parser.error("argument --without: with --recipe there is no contender but unspool")
    if arguments.recipe:
        try:
            recipes = shakespeare_recipes.changed(arguments.recipe, dict(arguments.set))
        except ConfigError as error:
            parser.error(f"argument --set: {error}")
        shakespeare_recipes.report(read_split(arguments.data), recipes, arguments)
        return
    runs = measure(arguments)
    terms = (
        f"Seconds until a validation loss in nats per character, median (low to high) of {arguments.rounds} "
    )
    terms += f"runs; PyTorch: batch {arguments.batch_size} x {arguments.sequence_length}, "
    terms += f"AdamW {arguments.learning_rate:g}"
    header = ["", *(f"{goal:.2f}{of}" for of in ("", ", processor") for goal in arguments.goals)]
    settings = {**vars(arguments), "data": arguments.data.name}
    document = {
        "benchmark": "shakespeare",
        "machine": harness.describe(threads=arguments.threads),
        "settings": settings,
        "results": runs,
    }
    table = harness.table(header, rows(runs, arguments.goals))
    harness.finish(document, [terms, "", table], as_json=arguments.json)


if __name__ == "__main__":
    main()
