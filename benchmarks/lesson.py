"""The well-known lesson, as Keras runs it, next to unspool's defaults: held-out bits per character by time.

Keras learns by the lesson's recipe, and as someone who knows Keras would train the same LSTM. All learn the
same titles and are measured on the same held-out titles; they take turns, one epoch of each Keras and one
whole run of unspool. Keras's clocks stop while it is measured, unspool's does not.
"""

import argparse
import csv
import random
import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

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


def keras_on(threads: int) -> Any:
    """Return the peers in Keras, a module; None if TensorFlow is not installed."""
    if not (harness.installed("tensorflow-cpu") or harness.installed("tensorflow")):
        harness.absent("Keras", "tensorflow")
        return None
    import tensorflow as tf

    import keras_peer

    tf.config.threading.set_intra_op_parallelism_threads(threads)
    return keras_peer


def measure(arguments: argparse.Namespace) -> dict[str, object]:
    """Let all take turns, an epoch of each Keras against a whole run of unspool."""
    training, held_out = titles(harness.required(arguments.data))
    keras, peers = keras_on(arguments.threads), {}
    if keras is not None:
        peers["Keras, used well"] = keras.UsedWell(training, held_out)
        peers["Keras, the lesson"] = keras.Lesson(training, held_out)
    epochs: dict[str, list[dict[str, float]]] = {name: [] for name in peers}
    runs: list[list[object]] = []
    for turn in range(arguments.epochs):
        for name, peer in peers.items():
            used = time.process_time()
            taken = harness.seconds(peer.epoch)
            used = time.process_time() - used
            bits = peer.bits_per_character()
            epochs[name].append({"seconds": taken, "processor_seconds": used, "bits_per_character": bits})
            harness.say(f"{name}, epoch {turn + 1}: {taken:.1f} s, {bits:.3f}")
        runs.append(unspool_run(training, held_out, seed=turn, threads=arguments.threads))
    return {"training": len(training), "held_out": len(held_out), "keras": epochs, "unspool": runs}


def rows(results: dict[str, object]) -> list[list[str]]:
    """Return all as table rows by time: Keras's epochs, then the median of unspool's runs."""
    laid: list[list[str]] = []
    for name, epochs in results["keras"].items():
        clock = used = 0.0
        for number, epoch in enumerate(epochs, start=1):
            clock, used = clock + epoch["seconds"], used + epoch["processor_seconds"]
            bits = f"{epoch['bits_per_character']:.3f}"
            laid.append([name, str(number), f"{clock:.1f}", f"{used:.1f}", bits])
    if not results["keras"]:
        laid.append(["Keras", "absent", "", "", ""])
    runs = results["unspool"]
    for points in zip(*runs, strict=True):
        seconds = harness.Spread.of([point.seconds for point in points])
        bits = harness.Spread.of([point.bits_per_character for point in points])
        spread = f"{bits.median:.3f} ({bits.low:.3f} to {bits.high:.3f})"
        used = harness.Spread.of([point.processor_seconds for point in points])
        laid.append(["unspool", str(points[0].epoch), str(seconds), str(used), spread])
    return laid


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=None)
    parser.add_argument("--data", type=Path, default=harness.data("ag_news_test.csv"))
    parser.add_argument("--epochs", type=int, default=3, help="epochs of Keras, and runs of unspool")
    arguments = parser.parse_args()
    results = measure(arguments)
    sizes = f"{results['training']:,} titles to learn, {results['held_out']} held out"
    header = ["", "epoch", "seconds", "of processors", "held-out bits per character"]
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
