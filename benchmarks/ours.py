"""unspool's part of the benchmarks that train to the end: a run and its evaluations."""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace

import harness
from unspool._engines import make_engine
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.config import TrainingConfig
from unspool._training.loop import train_loop
from unspool._training.records import EvaluationRecord
from unspool._training.task import TrainingTask, fresh_start


@dataclass(frozen=True)
class Point:
    """One evaluation on held-out text during a run.

    Args:
        step: Steps made.
        epoch: Number of epochs begun.
        seconds: Wall time since the run began, with evaluations.
        loss: Loss in nats per token.
        bits_per_character: Bits per character, with the end of every text.
        processor_seconds: Processor time of all threads since the run began.
    """

    step: int
    epoch: int
    seconds: float
    loss: float
    bits_per_character: float
    processor_seconds: float


@dataclass(frozen=True)
class Split:
    """A corpus as both sides of a benchmark read it.

    Args:
        tokenizer: The tokenizer of the whole corpus.
        training: The token stream to learn from.
        validation: The held-out token stream.
        document: Whether it is one long text.
    """

    tokenizer: Tokenizer
    training: TokenStream
    validation: TokenStream
    document: bool


def train(
    split: Split,
    *,
    network: NetworkConfig,
    training: TrainingConfig,
    enough: Callable[[Point], bool] = lambda point: False,
    began: float | None = None,
) -> list[Point]:
    """Train as `unspool train` does, but without files, and return every evaluation.

    Args:
        split: The corpus.
        network: The network; its vocab_size is set from the tokenizer.
        training: The training configuration.
        enough: A function that ends the run at the first evaluation for which it returns True.
        began: The start of the clock, by `time.perf_counter`; None for now.
    """
    start_time = time.perf_counter() if began is None else began
    processor = time.process_time()
    config = replace(network, vocab_size=split.tokenizer.vocab_size)
    points: list[Point] = []

    def run() -> None:
        task = TrainingTask(
            engine=make_engine(training.engine, config, threads=training.threads),
            training=split.training,
            validation=split.validation,
            eos_id=split.tokenizer.eos_id,
            document=split.document,
            config=training,
        )
        start = fresh_start(task, initialize(config, training.seed))
        stop = lambda: bool(points) and enough(points[-1])  # noqa: E731
        for record in train_loop(task, start, sink=MemorySink(), stop_requested=stop):
            if isinstance(record, EvaluationRecord) and record.loss is not None:
                bits = record.bits_per_character or 0.0
                seconds = time.perf_counter() - start_time
                used = time.process_time() - processor
                points.append(Point(record.step, record.epoch, seconds, record.loss, bits, used))

    run()
    harness.say(f"unspool, seed {training.seed}: {time.perf_counter() - start_time:.1f} s")
    return points
