"""What longer texts cost and gain: titles, descriptions, sentences, documents and fixed windows of AG News.

Every contender trains the same network by the same recipe on as many characters, from its own reading of the
same texts, and is measured on the same held-out texts. Bits are those of all symbols, ends of texts among
them, over the characters of the held-out titles or descriptions: where sentences or a title stand apart, the
end of the one takes the place of the space between, so that all figures of a column are of the same text.
"""

import argparse
import csv
import math
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from itertools import cycle
from pathlib import Path

import numpy as np

import harness
from unspool._engines import make_engine
from unspool._engines.protocol import Engine
from unspool._evaluation.forward import stream_losses, token_losses
from unspool._evaluation.streams import BATCH_SYMBOLS, document_lanes
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import is_held_out
from unspool._text.reading.sentences import split_sentences
from unspool._text.records import Record
from unspool._text.streams.batches import padded_batches
from unspool._text.streams.lanes import Window
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask, fresh_start

WINDOW = 256
STEP = 512  # tokens of a step in every contender: lanes × window, as in the defaults
COLUMNS = ("titles", "descriptions, each alone", "state carried on", f"windows of {WINDOW}")

Row = tuple[str, str]  # a title and its description
Texts = Callable[[Row], list[str]]


@dataclass(frozen=True)
class Contender:
    """A way to read the rows and to train on them.

    Args:
        texts: A function from a row to the texts that are learned from it.
        document: Whether they are one long text.
        window: Tokens of a lane in a step.
        state_reset: The `state_reset` of `TrainingConfig`.
    """

    texts: Texts
    document: bool = False
    window: int = 32
    state_reset: float = 0.05


def sentences(row: Row) -> list[str]:
    """Return the sentences of a description."""
    return [record.text for record in split_sentences(iter([Record(row[1])]), language="en")]


CONTENDERS = {
    "titles": Contender(lambda row: [row[0]]),
    "title + description": Contender(lambda row: [f"{row[0]} {row[1]}"]),
    "descriptions": Contender(lambda row: [row[1]]),
    "sentences of descriptions": Contender(sentences),
    "document, state carried on": Contender(lambda row: [row[1]], document=True),
    "fixed windows of 32": Contender(lambda row: [row[1]], document=True, state_reset=1.0),
    f"document, steps of {WINDOW}": Contender(lambda row: [row[1]], document=True, window=WINDOW),
    f"fixed windows of {WINDOW}": Contender(
        lambda row: [row[1]], document=True, window=WINDOW, state_reset=1.0
    ),
}


def read_rows(path: Path) -> tuple[list[Row], list[Row]]:
    """Read titles and descriptions, and hold out a tenth of the rows."""
    with path.open(encoding="utf-8", newline="") as lines:
        rows = [(" ".join(row[1].split()), " ".join(row[2].split())) for row in csv.reader(lines)]
    sides: tuple[list[Row], list[Row]] = ([], [])
    for row in rows:
        sides[is_held_out(" ".join(row), fraction=0.1)].append(row)
    return sides


def repeated(rows: Sequence[Row], texts: Texts, characters: int) -> Iterator[Record]:
    """Yield the texts of the rows again and again, up to a number of characters."""
    for row in cycle(rows):
        for text in texts(row):
            yield Record(text)
            characters -= len(text)
            if characters <= 0:
                return


def encode(records: Iterator[Record], tokenizer: Tokenizer) -> TokenStream:
    """Return the texts encoded in one stream."""
    return encode_corpus(records, EncodingRecipe(tokenizer=tokenizer)).training


def train(
    contender: Contender, stream: TokenStream, tokenizer: Tokenizer, *, seed: int, threads: int
) -> "Trained":
    """Train on a stream, read once; the measured time is that of the steps."""
    config = TrainingConfig(
        epochs=1, batch_size=STEP // contender.window, sequence_length=contender.window,
        state_reset=contender.state_reset, validation_fraction=None, threads=threads, seed=seed,
    )  # fmt: skip
    network = NetworkConfig(vocab_size=tokenizer.vocab_size)
    engine = make_engine(config.engine, network, threads=threads)
    empty = TokenStream(stream.ids[:0], stream.starts[:0], 0)
    task = TrainingTask(
        engine=engine, training=stream, validation=empty, eos_id=tokenizer.eos_id,
        document=contender.document, config=config,
    )  # fmt: skip
    start, sink = fresh_start(task, initialize(network, seed)), MemorySink()
    began = time.perf_counter()
    for _ in train_loop(task, start, sink=sink):
        pass
    return Trained(engine, sink.parameters, tokenizer, time.perf_counter() - began)


@dataclass(frozen=True)
class Trained:
    """A trained network, with the duration of its training."""

    engine: Engine
    parameters: dict[str, np.ndarray]
    tokenizer: Tokenizer
    seconds: float

    def alone(self, stream: TokenStream) -> np.ndarray:
        """Return the nats of each token, with every text read by itself."""
        sizes = np.diff(stream.starts, append=len(stream.ids))
        eos_id = self.tokenizer.eos_id
        batches = padded_batches(stream.ids, sizes, max_symbols=BATCH_SYMBOLS, first_id=eos_id)
        return stream_losses(self.engine, self.parameters, batches, count=len(stream.ids))

    def carried(self, stream: TokenStream) -> float:
        """Return the nats of all tokens, with the state carried on from text to text."""
        windows = document_lanes(stream, self.tokenizer.eos_id)
        return sum(float(nats.sum()) for nats in token_losses(self.engine, self.parameters, windows))

    def windowed(self, stream: TokenStream) -> float:
        """Return the nats of all tokens, with each window read without the text before it."""
        count = -(-len(stream.ids) // WINDOW)
        targets = np.zeros(count * WINDOW, np.int32)
        targets[: len(stream.ids)] = stream.ids
        ids = np.concatenate([[self.tokenizer.eos_id], targets[:-1]]).astype(np.int32)
        shaped = [np.ascontiguousarray(part.reshape(count, WINDOW).T) for part in (ids, targets)]  # (T, B)
        window = Window(ids=shaped[0], targets=shaped[1])
        return sum(float(nats.sum()) for nats in token_losses(self.engine, self.parameters, [window]))


def measure(name: str, trained: Trained, held_out: Sequence[Row]) -> dict[str, float]:
    """Return the held-out bits per character for the columns that the contender has."""
    contender = CONTENDERS[name]
    records = (Record(text) for row in held_out for text in contender.texts(row))
    stream = encode(records, trained.tokenizer)
    characters = [sum(len(row[part]) for row in held_out) for part in (0, 1)]
    losses = trained.alone(stream).astype(np.float64)
    nats = {"seconds": trained.seconds}
    if name == "titles":
        nats["titles"] = losses.sum() / characters[0]
    elif name.startswith("title"):
        ends = stream.starts + [len(row[0]) + 1 for row in held_out]  # with the space after it
        in_title = np.cumsum(losses)[ends - 1] - (np.cumsum(losses) - losses)[stream.starts]
        nats["titles"] = in_title.sum() / characters[0]
        nats[COLUMNS[1]] = (losses.sum() - in_title.sum()) / characters[1]
    else:
        nats[COLUMNS[1]] = losses.sum() / characters[1]
    if contender.document:
        nats[COLUMNS[2]] = trained.carried(stream) / characters[1]
        nats[COLUMNS[3]] = trained.windowed(stream) / characters[1]
    return {key: value / math.log(2) if key != "seconds" else value for key, value in nats.items()}


def compete(arguments: argparse.Namespace) -> dict[str, list[dict[str, float]]]:
    """Let all contenders take turns, a seed in each round."""
    training, held_out = read_rows(harness.required(arguments.data))
    everything = (Record(" ".join(row)) for row in (*training, *held_out))
    tokenizer = encode_corpus(everything, EncodingRecipe()).tokenizer
    streams = {
        name: encode(repeated(training, contender.texts, arguments.characters), tokenizer)
        for name, contender in CONTENDERS.items()
    }
    results: dict[str, list[dict[str, float]]] = {name: [] for name in CONTENDERS}
    for seed in range(arguments.rounds):
        for name, contender in CONTENDERS.items():
            trained = train(contender, streams[name], tokenizer, seed=seed, threads=arguments.threads)
            results[name].append(measure(name, trained, held_out))
            line = ", ".join(f"{column} {value:.3f}" for column, value in results[name][-1].items())
            harness.say(f"{name}, seed {seed}: {line}")
    return results


def spread(runs: Sequence[dict[str, float]], column: str) -> str:
    """Return the median of a column with the lowest and the highest run."""
    if column not in runs[0]:
        return ""
    bits = harness.Spread.of([run[column] for run in runs])
    digits = 1 if column == "seconds" else 3
    return f"{bits.median:.{digits}f} ({bits.low:.{digits}f} to {bits.high:.{digits}f})"


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, rounds=3)
    parser.add_argument("--data", type=Path, default=harness.data("ag_news_test.csv"))
    parser.add_argument("--characters", type=int, default=3_000_000, help="characters that each trains on")
    arguments = parser.parse_args()
    results = compete(arguments)
    header = ["trained on", *COLUMNS, "seconds"]
    rows = [[name, *(spread(runs, column) for column in header[1:])] for name, runs in results.items()]
    document = {
        "benchmark": "longer_texts",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"data": arguments.data.name, "characters": arguments.characters},
        "results": results,
    }
    terms = f"Held-out bits per character after {arguments.characters:,} characters of training, median"
    terms += f" (low to high) of {arguments.rounds} seeds"
    harness.finish(document, [terms, "", harness.table(header, rows)], as_json=arguments.json)


if __name__ == "__main__":
    main()
