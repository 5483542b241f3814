"""Held-out bits per character of tokenizers, each with the same seconds of one processor, on the same texts.

The seconds are processor time of the training alone, so that it does not matter how busy the machine is; the
schedule of the learning rate follows them. All networks have the same layers.
"""

import argparse
import time
from pathlib import Path

import harness
from unspool._engines import make_engine
from unspool._evaluation.streams import evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.reading.sources import read_records
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask, fresh_start

CONTENDERS = ["char", "word", "word:8000", "bpe:512", "bpe:1024", "bpe:2048", "bpe:4096"]


def run(name: str, arguments: argparse.Namespace, seed: int) -> dict[str, float]:
    """Train once; return the held-out bits per character, and what was read."""
    records = (
        read_records(harness.required(arguments.data / "ag_news_test.csv"), text=1)
        if arguments.corpus == "titles"
        else read_records(harness.required(arguments.data / "tinyshakespeare.txt"), document=True)
    )
    kind, _, size = name.partition(":")
    recipe = EncodingRecipe(
        tokenizer=kind,
        max_vocab_size=int(size) if size else None,
        validation_fraction=0.1,
        document=records.document,
    )
    encoded = encode_corpus(records, recipe)
    config = TrainingConfig(
        epochs=None, minutes=arguments.seconds / 60, threads=1, seed=seed, evaluate_every=10**6
    )
    network = NetworkConfig(vocab_size=encoded.tokenizer.vocab_size, hidden_size=arguments.hidden_size)
    engine = make_engine(config.engine, network, threads=1)
    task = TrainingTask(
        engine=engine, training=encoded.training, validation=encoded.validation,
        eos_id=encoded.tokenizer.eos_id, document=records.document, config=config,
    )  # fmt: skip
    start, began = fresh_start(task, initialize(network, seed)), time.process_time()
    for _ in train_loop(task, start, sink=MemorySink(), clock=time.process_time):
        pass
    used = time.process_time() - began
    measured = evaluate_stream(
        engine, start.parameters, task.validation, eos_id=task.eos_id, document=records.document
    )
    return {
        "bits per character": measured.bits_per_character or 0.0,
        "symbols": encoded.tokenizer.vocab_size,
        "characters a symbol": encoded.training.characters / len(encoded.training.ids),
        "epochs": start.progress.epoch,
        "processor seconds": used,
    }


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=1)
    parser.add_argument("--data", type=Path, default=harness.data(""), help="folder of the two texts")
    parser.add_argument(
        "--corpus", choices=["titles", "shakespeare"], default="titles", help="what is learnt"
    )
    parser.add_argument("--seconds", type=float, default=30, help="processor time of each training")
    parser.add_argument("--hidden-size", type=int, default=128, help="units of the LSTM")
    parser.add_argument(
        "--only", nargs="+", default=CONTENDERS, metavar="NAME", help="such as char, bpe:1024"
    )
    arguments = parser.parse_args()
    results: dict[str, list[dict[str, float]]] = {name: [] for name in arguments.only}
    for seed in range(arguments.rounds):
        for name, runs in results.items():
            runs.append(run(name, arguments, seed))
            harness.say(f"{name}, seed {seed}: " + ", ".join(f"{k} {v:.4g}" for k, v in runs[-1].items()))
    keys = list(results[arguments.only[0]][0])
    rows = [
        [name, *(f"{sorted(each[key] for each in runs)[len(runs) // 2]:.4g}" for key in keys)]
        for name, runs in results.items()
    ]
    lines = harness.table(["", *keys], rows).splitlines()
    document = harness.describe(threads=1) | {"corpus": arguments.corpus, "results": results}
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
