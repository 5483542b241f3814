"""Small models of each kind, trained by the public `unspool.train` when they are first asked for."""

import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import unspool

from . import corpora

TINY: dict[str, Any] = {"batch_size": 8, "sequence_length": 24, "epochs": 5, "learning_rate": 0.03}
CANARIES = {"count": 2, "repeats": 3, "format": "pin {digits:3}"}


def threads() -> int:
    """Return how many threads this process is told to use: results are the same for every number."""
    return int(os.environ["GOLDEN_THREADS"])


def network(**options: Any) -> dict[str, Any]:
    """Return what `train` is told of a network of a tiny size."""
    return {"network": unspool.NetworkConfig(**({"hidden_size": 16} | options))}


def training(**options: Any) -> dict[str, Any]:
    """Return what `train` is told of a short training."""
    return {"training": unspool.TrainingConfig(**(TINY | {"threads": threads()} | options))}


def records(name: str, **options: Any) -> unspool.Records:
    """Describe a corpus that stands in the working folder."""
    return unspool.read_records(f"./{name}", reuse=False, **options)


def plain(**options: Any) -> dict[str, Any]:
    """Return the arguments for headlines, a text per line."""
    return {"records": records("headlines.txt"), **network(), **training(), **options}


def document(**options: Any) -> dict[str, Any]:
    """Return the arguments for one long text."""
    return {"records": records("poem.txt", document=True), **network(cell="gru"), **training(), **options}


def steered(**options: Any) -> dict[str, Any]:
    """Return the arguments for a table whose columns steer the text."""
    table = records("news.csv", text="title", context=["label", "score", "length"])
    return {"records": table, **network(cell="gru"), **training(), **options}


def paired(**options: Any) -> dict[str, Any]:
    """Return the arguments for pairs."""
    found = records("dates.tsv", source_text=0, text=1)
    return {"records": found, **network(cell="gru"), **training(epochs=6, schedule="constant"), **options}


def by_vectors() -> dict[str, Any]:
    """Return the arguments for texts that start from a vector."""
    return {"records": corpora.vectors(), **network(cell="lstm", hidden_size=8), **training()}


KINDS: dict[str, Callable[[], dict[str, Any]]] = {
    "lstm": lambda: plain(novelty_index=True),
    "gru": lambda: plain(**network(cell="gru")),
    "gru-before": lambda: plain(**network(cell="gru", reset_after=False)),
    "rnn": lambda: plain(**network(cell="rnn", hidden_size=24)),
    "deep": lambda: plain(**network(num_layers=3, residual=True, hidden_size=12)),
    "tied": lambda: plain(
        **network(cell="gru", num_layers=2, hidden_size=12, embedding_size=12, tied_output=True),
    ),
    "embedded": lambda: plain(
        **network(embedding_size=6), **training(optimizer="adam", schedule="one-cycle")
    ),
    "dropped": lambda: plain(
        **network(num_layers=2, dropout=0.2, input_dropout=0.1, recurrent_dropout=0.1), **training(seed=7)
    ),
    "sgd": lambda: plain(**training(optimizer="sgd", momentum=0.9, learning_rate=0.3, clip_norm=None)),
    "rmsprop": lambda: plain(**training(optimizer="rmsprop", schedule="constant", validation_fraction=None)),
    "averaged": lambda: plain(
        **training(ema=0.9, evaluate_every=7, patience=2, epochs=20, learning_rate=0.2)
    ),
    "bf16": lambda: plain(**training(precision="bf16")),
    "word": lambda: plain(tokenizer="word"),
    "word-cut": lambda: plain(tokenizer="word", max_vocab_size=24, **network(cell="gru")),
    "char-cut": lambda: plain(max_vocab_size=30, **network(cell="rnn")),
    "validated": lambda: plain(validation=records("others.txt"), sample_prompts=["Oil "]),
    "canaries": lambda: plain(canaries=unspool.Canaries(**CANARIES)),
    "document": document,
    "windows": lambda: document(**training(state_reset=1.0)),
    "word-document": lambda: document(tokenizer="word"),
    "steered": steered,
    "steered-deep": lambda: steered(
        **network(num_layers=2, residual=True), **training(context_dropout=0.0, batch_size=5)
    ),
    "vector": by_vectors,
    "pairs": paired,
    "pairs-lstm": lambda: paired(**network(num_layers=2, embedding_size=8), tokenizer="char"),
    "continued": lambda: {
        "records": records("others.txt"), "init_from": trained("lstm"), **training(learning_rate=0.005)
    },
}  # fmt: skip


def trained(name: str) -> Path:
    """Train a model of a kind into the folder of its name, if it is not there yet."""
    folder = Path(name)
    if not folder.exists():
        arguments = KINDS[name]()
        unspool.train(arguments.pop("records"), out=folder, **arguments)
    return folder


def loaded(name: str) -> unspool.Generator:
    """Read a model of a kind."""
    model = unspool.load(trained(name), threads=threads())
    model.generation_config.clear()  # a case says itself what its texts are drawn with
    return model


def stopped(name: str, folder: Path, *, step: int) -> None:
    """Train a model of a kind, and stop it as Ctrl-C does after a step."""

    def stop(record: Any) -> None:
        if record.kind == "step" and record.step == step:
            signal.raise_signal(signal.SIGINT)

    arguments = KINDS[name]()
    try:
        unspool.train(arguments.pop("records"), out=folder, on_record=stop, **arguments)
    except KeyboardInterrupt:
        return
    raise AssertionError(f"the training of {name} was not stopped")


def resumed(name: str, folder: Path) -> None:
    """Go on with a training that was stopped."""
    unspool.train(KINDS[name]()["records"], out=folder, resume=True)
