"""The well-known lesson, as Keras runs it, next to unspool's defaults: held-out bits per character by time.

Both learn the same titles and are measured on the same held-out titles; they take turns, one epoch of Keras
and one whole run of unspool. Keras's clock stops while it is measured, unspool's does not.
"""

import argparse
import csv
import random
import time
from collections.abc import Sequence
from pathlib import Path

import harness

HELD_OUT = 760


def titles(path: Path) -> tuple[list[str], list[str]]:
    """Read the titles and hold out 760 of them, by a shuffle that is the same everywhere."""
    with path.open(encoding="utf-8", newline="") as lines:
        read_titles = [row[1] for row in csv.reader(lines)]
    order = list(range(len(read_titles)))
    random.Random(0).shuffle(order)
    held_out = set(order[:HELD_OUT])
    training = [title for number, title in enumerate(read_titles) if number not in held_out]
    return training, [read_titles[number] for number in sorted(held_out)]


def unspool_run(training: Sequence[str], held_out: Sequence[str], *, seed: int, threads: int) -> list[object]:
    """Encode the titles and train on them with unspool's defaults."""
    import ours
    from unspool._network.config import NetworkConfig
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe
    from unspool._text.records import Record
    from unspool._training.config import TrainingConfig

    began = time.perf_counter()
    corpus = encode_corpus(map(Record, training), EncodingRecipe(), map(Record, held_out))
    split = ours.Split(corpus.tokenizer, corpus.training, corpus.validation, document=False)
    config = TrainingConfig(seed=seed, threads=threads)
    return list(ours.train(split, network=NetworkConfig(), training=config, began=began))


def keras_lesson(training: Sequence[str], held_out: Sequence[str], *, threads: int) -> object | None:
    """Prepare the lesson, or return None if TensorFlow is not installed."""
    if not (harness.installed("tensorflow-cpu") or harness.installed("tensorflow")):
        harness.absent("Keras", "tensorflow")
        return None
    import tensorflow as tf

    from keras_peer import Lesson

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    return Lesson(training, held_out)


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Let both take turns, an epoch of Keras against a whole run of unspool."""
    training, held_out = titles(harness.required(arguments.data))
    lesson = keras_lesson(training, held_out, threads=arguments.threads)
    peer: list[dict[str, float]] = []
    runs: list[list[object]] = []
    for turn in range(arguments.epochs):
        if lesson is not None:
            taken = harness.seconds(lesson.epoch)
            peer.append({"seconds": taken, "bits_per_character": lesson.bits_per_character()})
            harness.say(f"Keras, epoch {turn + 1}: {taken:.1f} s, {peer[-1]['bits_per_character']:.3f}")
        runs.append(unspool_run(training, held_out, seed=turn, threads=arguments.threads))
    return {"training": len(training), "held_out": len(held_out), "keras": peer, "unspool": runs}


def rows(results: dict[str, object]) -> list[list[str]]:
    """Return both as table rows by time: Keras's epochs, then the median of unspool's runs."""
    laid: list[list[str]] = []
    clock = 0.0
    for number, epoch in enumerate(results["keras"], start=1):
        clock += epoch["seconds"]
        laid.append(["Keras", str(number), f"{clock:.1f}", f"{epoch['bits_per_character']:.3f}"])
    if not results["keras"]:
        laid.append(["Keras", "absent", "", ""])
    runs = results["unspool"]
    for points in zip(*runs, strict=True):
        seconds = harness.Spread.of([point.seconds for point in points])
        bits = harness.Spread.of([point.bits_per_character for point in points])
        spread = f"{bits.median:.3f} ({bits.low:.3f} to {bits.high:.3f})"
        laid.append(["unspool", str(points[0].epoch), str(seconds), spread])
    return laid


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=None)
    parser.add_argument("--data", type=Path, default=harness.data("ag_news_test.csv"))
    parser.add_argument("--epochs", type=int, default=3, help="epochs of Keras, and runs of unspool")
    arguments = parser.parse_args()
    results = measure(arguments)
    sizes = f"{results['training']:,} titles to learn, {results['held_out']} held out"
    header = ["", "epoch", "seconds", "held-out bits per character"]
    document = {
        "benchmark": "lesson",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"data": arguments.data.name, "epochs": arguments.epochs},
        "results": results,
    }
    harness.finish(
        document,
        [f"{sizes}; wall time since the start", "", harness.table(header, rows(results))],
        as_json=arguments.json,
    )


if __name__ == "__main__":
    main()
