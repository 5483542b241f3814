"""Bits per character of held-out text: unspool, with counts and without, beside what else predicts text.

Every contender learns the same nine tenths of a text and is judged by the rest. Those that train have the
same number of **processor seconds**, on one thread, so that a busy machine falsifies nothing. Nobody chooses
anything by the text that judges: the last state counts, PPMd's order is the one that packs the learnt text
best, and the weights of unspool's mixture are fitted to one half of the held-out text and judged by the
other, both ways round.
"""

import argparse
import math
import time
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from itertools import permutations

import harness
import ours
import quality_texts
from unspool._engines import make_engine
from unspool._engines.counting import CountingEngine
from unspool._engines.protocol import Engine, Parameters
from unspool._evaluation.mixing import count_training
from unspool._evaluation.streams import evaluate_stream
from unspool._kernels.counts import count
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._running.counting import USUAL_ORDER
from unspool._text.streams.stream import TokenStream
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask, fresh_start

PPMD_ORDERS = (4, 6, 8, 12, 16)
PPMD_MEMORY = 1 << 28
SPEED_STEPS = 50  # of the transformer, to learn how many the seconds allow
EVALUATION_BATCHES = 200  # as many as the whole held-out text of Shakespeare has symbols, nearly twice

Contender = Callable[[ours.Split, argparse.Namespace], dict[str, float]]


def ppmd(split: ours.Split, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure PPMd: what the held-out text adds to the packed learnt text."""
    import pyppmd

    del arguments
    learnt, both = (
        b"".join(text.encode() + b"\0" for part in parts for text in quality_texts.decoded(part, split))
        for parts in ([split.training], [split.training, split.validation])
    )

    def packed(text: bytes, order: int) -> int:
        encoder = pyppmd.Ppmd7Encoder(order, PPMD_MEMORY)
        return len(encoder.encode(text)) + len(encoder.flush())

    sizes = {order: packed(learnt, order) for order in PPMD_ORDERS}
    order = min(sizes, key=lambda each: sizes[each])
    harness.say(f"PPMd: order {order}")
    return {"PPMd": 8 * (packed(both, order) - sizes[order]) / split.validation.characters}


def kneser_ney(split: ours.Split, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure an n-gram: unspool's own table alone, with everything that occurred once."""
    vocab_size = split.tokenizer.vocab_size
    table = count(
        split.training.ids, vocab_size=vocab_size, order=USUAL_ORDER, end_id=split.tokenizer.eos_id,
        least=1, most_bytes=1 << 32,
    )  # fmt: skip
    assert table is not None
    network = NetworkConfig(hidden_size=1, vocab_size=vocab_size)
    engine = CountingEngine(make_engine("cpu", network, threads=arguments.threads), table)
    return {"n-gram": measured(engine, initialize(network, 0), split, split.validation)}


def measured(engine: Engine, parameters: Parameters, split: ours.Split, stream: TokenStream) -> float:
    """Return the bits per character of a stream."""
    eos_id, document = split.tokenizer.eos_id, split.document
    return evaluate_stream(engine, parameters, stream, eos_id=eos_id, document=document).bits_per_character


def unspool_both(split: ours.Split, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure unspool at its defaults, and the same network with counts."""
    config = TrainingConfig(
        epochs=None, minutes=arguments.seconds / 60, evaluate_every=10**9, threads=arguments.threads,
        max_validation_symbols=1000,
    )  # fmt: skip
    network = replace(NetworkConfig(), vocab_size=split.tokenizer.vocab_size)
    engine = make_engine("cpu", network, threads=arguments.threads)
    task = TrainingTask(
        engine=engine, training=split.training, validation=split.validation, config=config,
        eos_id=split.tokenizer.eos_id, document=split.document,
    )  # fmt: skip
    sink = MemorySink()
    for _ in train_loop(task, fresh_start(task, initialize(network, 0)), sink=sink, clock=time.process_time):
        pass
    assert sink.checkpoint is not None
    parameters = sink.checkpoint.model
    return {
        "unspool": measured(engine, parameters, split, split.validation),
        "unspool --counts": with_counts(engine, parameters, split),
    }


def with_counts(engine: Engine, parameters: Parameters, split: ours.Split) -> float:
    """Return the bits of a network with counts, whose weights each half fits for the other."""
    nats = characters = 0.0
    for fitted, judged in permutations(quality_texts.halves(split.validation, document=split.document)):
        began = time.process_time()
        counted = count_training(
            engine, parameters, split.training, fitted, eos_id=split.tokenizer.eos_id,
            document=split.document, order=USUAL_ORDER,
        )  # fmt: skip
        harness.say(f"counted and fitted in {time.process_time() - began:.1f} processor seconds")
        nats += judged.characters * measured(CountingEngine(engine, counted.table), parameters, split, judged)
        characters += judged.characters
    return nats / characters


def torch_lstm(split: ours.Split, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure PyTorch's LSTM, of unspool's size and by unspool's recipe; a large alphabet is embedded."""
    import torch

    import torch_training
    from unspool._benchmarking.torch_peer import TorchNetwork

    torch.set_num_threads(arguments.threads)
    torch.manual_seed(0)
    vocab_size, hidden_size = split.tokenizer.vocab_size, NetworkConfig().hidden_size
    embedding = None if vocab_size <= 256 else hidden_size
    network = TorchNetwork("lstm", vocab_size=vocab_size, hidden_size=hidden_size, embedding=embedding)
    network.exclude(0)
    share = lambda seconds, steps: seconds / arguments.seconds  # noqa: E731
    torch_training.train(network, split, config=TrainingConfig(), share=share)
    return {"PyTorch LSTM": torch_training.bits(network, split.validation, eos_id=split.tokenizer.eos_id)}


def transformer(split: ours.Split, arguments: argparse.Namespace) -> dict[str, float]:
    """Measure nanoGPT's recipe for a CPU, cut to the steps that the seconds allow."""
    import torch

    from transformer_peer import Recipe, train

    torch.set_num_threads(arguments.threads)
    run = partial(
        train, split.training, split.validation, vocab_size=split.tokenizer.vocab_size, seed=0,
        enough=lambda point: False,
    )  # fmt: skip
    began = time.process_time()
    run(recipe=Recipe(steps=SPEED_STEPS, warmup=1, evaluation_batches=1, evaluate_every=10**9))
    steps = int(SPEED_STEPS * arguments.seconds / (time.process_time() - began))
    harness.say(f"transformer: {steps} steps")
    points = run(recipe=Recipe(steps=steps, evaluation_batches=EVALUATION_BATCHES, evaluate_every=10**9))
    return {"transformer": points[-1].bits_per_character}


CONTENDERS: dict[str, tuple[Contender, str]] = {
    "PPMd": (ppmd, "pyppmd"),
    "n-gram": (kneser_ney, "unspool"),
    "LSTM": (torch_lstm, "torch"),
    "unspool": (unspool_both, "unspool"),
    "transformer": (transformer, "torch"),
}
COLUMNS = ("PPMd", "n-gram", "PyTorch LSTM", "transformer", "unspool", "unspool --counts")
ONLY_ON = {"transformer": "Shakespeare"}


def row(split: ours.Split, name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Let all contenders learn a text."""
    figures: dict[str, float] = {}
    for contender, (measure, package) in CONTENDERS.items():
        if contender not in arguments.only or ONLY_ON.get(contender, name) != name:
            continue
        if not harness.installed(package):
            harness.absent(contender, package)
            continue
        figures |= measure(split, arguments)
        harness.say(f"{name}: {figures}")
    return figures


def table(splits: dict[str, ours.Split], results: dict[str, dict[str, float]]) -> str:
    """Return the results as a table, without contenders that took no part."""
    columns = [name for name in COLUMNS if any(name in figures for figures in results.values())]
    rows: list[list[str]] = []
    for name, figures in results.items():
        parts = (splits[name].training, splits[name].validation)
        sizes = [f"{part.characters:,}" for part in parts]
        units = {name: (sizes, 1.0)}
        if name == "Shakespeare":
            units["… in nats"] = (["", ""], math.log(2))
        for label, (first, factor) in units.items():
            numbers = [f"{factor * figures[each]:.3f}" if each in figures else "" for each in columns]
            rows.append([label, *first, *numbers])
    return harness.table(["text", "learnt", "judged", *columns], rows)


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    known = quality_texts.texts()
    parser.add_argument("--seconds", type=float, default=60, help="processor seconds of each training")
    parser.add_argument("--texts", nargs="+", choices=list(known), default=list(known), metavar="TEXT")
    all_of = list(CONTENDERS)
    parser.add_argument("--only", nargs="+", choices=all_of, default=all_of, help="these contenders alone")
    arguments = parser.parse_args()
    splits = {name: split for name in arguments.texts if (split := known[name].split()) is not None}
    results = {name: row(split, name, arguments) for name, split in splits.items()}
    document = {
        "benchmark": "scoreboard",
        "machine": harness.describe(threads=arguments.threads),
        "settings": vars(arguments),
        "results": results,
    }
    terms = f"Bits per character of held-out text; {arguments.seconds:g} processor seconds for each training"
    harness.finish(document, [terms, "", table(splits, results)], as_json=arguments.json)


if __name__ == "__main__":
    main()
