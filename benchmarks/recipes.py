"""What recipes are worth: averaged weights, deeper and residual networks, tied outputs, kinds of dropout.

Every contender trains on the same texts as often as the others, and is measured at the end on the same
held-out ones. An average of the weights changes nothing of a training: one gives the figures of several.
"""

import argparse
import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import harness
from unspool._engines import make_engine
from unspool._evaluation.streams import evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import count_parameters, initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.sources import read_records
from unspool._training.averaging import update_average
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.records import StepRecord
from unspool._training.task import TrainingTask, fresh_start

DECAYS = (0.99, 0.998, 0.9995)


@dataclass(frozen=True)
class Contender:
    """The differences of a training from the defaults.

    Args:
        network: Values of fields of `NetworkConfig`.
        training: Values of fields of `TrainingConfig`.
    """

    network: Mapping[str, object] = field(default_factory=dict)
    training: Mapping[str, object] = field(default_factory=dict)


CONTENDERS = {
    "cosine": Contender(),
    "constant": Contender(training={"schedule": "constant"}),
    "2 layers": Contender({"num_layers": 2}),
    "2 layers, residual": Contender({"num_layers": 2, "residual": True}),
    "4 layers": Contender({"num_layers": 4}),
    "4 layers, residual": Contender({"num_layers": 4, "residual": True}),
    "embedding of 128": Contender({"embedding_size": 128}),
    "embedding of 128, tied output": Contender({"embedding_size": 128, "tied_output": True}),
    "dropout 0.1": Contender({"dropout": 0.1}),
    "recurrent dropout 0.1": Contender({"recurrent_dropout": 0.1}),
    "input dropout 0.02": Contender({"input_dropout": 0.02}),
}


def corpus(name: str, folder: Path) -> tuple[EncodedCorpus, bool]:
    """Read a corpus and hold out a tenth; also return whether it is a document."""
    records = (
        read_records(harness.required(folder / "ag_news_test.csv"), text=1)
        if name == "titles"
        else read_records(harness.required(folder / "tinyshakespeare.txt"), document=True)
    )
    recipe = EncodingRecipe(validation_fraction=0.1, document=records.document)
    return encode_corpus(records, recipe), records.document


def run(
    name: str, encoded: EncodedCorpus, document: bool, arguments: argparse.Namespace, seed: int
) -> dict[str, float]:
    """Train once; return the held-out bits per character of the last weights and of each average."""
    contender = CONTENDERS[name]
    config = TrainingConfig(
        **{"epochs": arguments.epochs, "threads": arguments.threads, "seed": seed, **contender.training}
    )
    network = NetworkConfig(**{"vocab_size": encoded.tokenizer.vocab_size, **contender.network})
    engine = make_engine(config.engine, network, threads=config.threads)
    task = TrainingTask(
        engine=engine, training=encoded.training, validation=encoded.validation,
        eos_id=encoded.tokenizer.eos_id, document=document, config=config,
    )  # fmt: skip
    start = fresh_start(task, initialize(network, seed))
    averages = {decay: {key: a.copy() for key, a in start.parameters.items()} for decay in DECAYS}
    began, averaging_seconds = time.perf_counter(), 0.0
    for record in train_loop(task, start, sink=MemorySink()):
        if isinstance(record, StepRecord):
            before = time.perf_counter()
            for decay, average in averages.items():
                update_average(average, start.parameters, decay=decay, step=record.step)
            averaging_seconds += time.perf_counter() - before
    results = {
        "seconds": time.perf_counter() - began - averaging_seconds,
        "averaging": averaging_seconds / len(DECAYS),
        "parameters": count_parameters(network),
    }
    for key, parameters in {"last": start.parameters, **averages}.items():
        measured = evaluate_stream(engine, parameters, task.validation, eos_id=task.eos_id, document=document)
        results[str(key)] = measured.bits_per_character
    return results


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=2)
    parser.add_argument("--data", type=Path, default=harness.data(""), help="folder of the two texts")
    parser.add_argument(
        "--corpus", choices=["titles", "shakespeare"], default="titles", help="what is learnt"
    )
    parser.add_argument("--epochs", type=int, default=5, help="passes over it")
    parser.add_argument(
        "--only", nargs="+", choices=list(CONTENDERS), default=list(CONTENDERS), metavar="NAME"
    )
    arguments = parser.parse_args()
    encoded, document = corpus(arguments.corpus, arguments.data)
    results: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.only}
    for seed in range(arguments.rounds):
        for name in arguments.only:
            results[name].append(run(name, encoded, document, arguments, seed))
            line = ", ".join(f"{key} {value:.4g}" for key, value in results[name][-1].items())
            harness.say(f"{name}, seed {seed}: {line}")
    report(arguments, results)


def report(arguments: argparse.Namespace, results: dict[str, list[dict[str, float]]]) -> None:
    """Print a row for each contender: the median over the seeds, and the range."""
    keys = ["last", *map(str, DECAYS)]
    header = [
        "",
        "parameters",
        "last weights",
        *(f"average, {decay}" for decay in DECAYS),
        "seconds",
        "averaging",
    ]
    rows = []
    for name, runs in results.items():
        spreads = [harness.Spread.of([each[key] for each in runs]) for key in keys]
        cells = [f"{bits.median:.3f} ({bits.low:.3f} to {bits.high:.3f})" for bits in spreads]
        times = [
            f"{harness.Spread.of([each[key] for each in runs]).median:.1f}"
            for key in ("seconds", "averaging")
        ]
        rows.append([name, f"{runs[0]['parameters']:,.0f}", *cells, *times])
    document = {
        "benchmark": "recipes",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"corpus": arguments.corpus, "epochs": arguments.epochs},
        "results": results,
    }
    terms = (
        f"Held-out bits per character of {arguments.corpus} after {arguments.epochs} epochs, median (low to"
    )
    terms += f" high) of {arguments.rounds} seeds"
    harness.finish(document, [terms, "", harness.table(header, rows)], as_json=arguments.json)


if __name__ == "__main__":
    main()
