"""Does a network learn the same in bf16? Held-out bits per character in both precisions, beside other seeds.

The trainings differ in the precision or in the seed alone. What another seed changes in float32 is the noise
that bf16 is held against. Where the processor has no bf16, ``UNSPOOL_EMULATE_BF16=1`` computes it slowly.
"""

import os
import tempfile
from pathlib import Path

import harness
import unspool
from unspool.kernels.precision import EMULATE, used_precision
from unspool.network.config import NetworkConfig
from unspool.text.records import Records
from unspool.training.config import TrainingConfig
from unspool.training.folder.loss_curve import Point, ThinnedCurve, draw
from unspool.training.records import EvaluationRecord, StepRecord, TrainingRecord

RUNS = (("float32", 0), ("bf16", 0), ("float32", 1), ("bf16", 1))
CORPORA = ("titles", "shakespeare")


def corpus(name: str) -> Records:
    """Read a public text."""
    file = harness.required(harness.data("ag_news_test.csv" if name == "titles" else "tinyshakespeare.txt"))
    if name == "titles":
        return unspool.read_records(file, text="1", header=False)
    return unspool.read_records(file, document=True)


class Watch:
    """Note what a training tells.

    Attributes:
        held_out: Bits per character at each evaluation, by step.
        curve: Those of the steps.
    """

    def __init__(self) -> None:
        self.held_out: list[Point] = []
        self.curve = ThinnedCurve()

    def __call__(self, record: TrainingRecord) -> None:
        """Take a record."""
        if isinstance(record, StepRecord):
            self.curve.add(record.step, record.bits_per_character)
        elif isinstance(record, EvaluationRecord) and record.bits_per_character is not None:
            self.held_out.append((record.step, record.bits_per_character))


def trained(name: str, precision: str, seed: int, *, hidden_size: int, epochs: int, threads: int) -> Watch:
    """Train once and note the curve."""
    watch = Watch()
    recipe = TrainingConfig(epochs=epochs, seed=seed, threads=threads, precision=precision)
    harness.say(f"{name}: {used_precision(precision)}, seed {seed}")
    with tempfile.TemporaryDirectory() as folder:
        unspool.train(
            corpus(name),
            out=Path(folder) / "run",
            network=NetworkConfig(hidden_size=hidden_size),
            training=recipe,
            on_record=watch,
            on_start=lambda _: None,
        )
    return watch


def main() -> None:
    """Train in both precisions, print the table and draw the curves of the first seed."""
    parser = harness.options(__doc__ or "", threads=1, rounds=None)
    parser.add_argument("--corpus", choices=CORPORA, default="titles", help="what is learnt")
    parser.add_argument("--hidden-size", type=int, default=128, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the text")
    parser.add_argument("--runs", type=int, default=3, choices=(2, 3, 4), help="trainings")
    parser.add_argument("--svg", type=Path, help="file to draw the training curves of seed 0 into")
    arguments = parser.parse_args()
    if used_precision("bf16") == "float32":
        parser.error(f"no bf16 on this processor; set {EMULATE}=1 to emulate it")
    sizes = {name: getattr(arguments, name) for name in ("hidden_size", "epochs", "threads")}
    runs = {run: trained(arguments.corpus, *run, **sizes) for run in RUNS[: arguments.runs]}
    if arguments.svg is not None:
        curves = [runs[precision, 0].curve.points() for precision in ("float32", "bf16")]
        title = f"{arguments.corpus}: LSTM {arguments.hidden_size}, seed 0, in training"
        arguments.svg.write_text(draw(title, *curves, names=("float32", "bf16")), "utf-8")
    steps = [f"step {step:,.0f}" for step, _ in runs["float32", 0].held_out]
    rows = [
        [used_precision(precision), str(seed), *(f"{bits:.4f}" for _, bits in watch.held_out)]
        for (precision, seed), watch in runs.items()
    ]
    document: dict[str, object] = {
        "machine": harness.describe(threads=arguments.threads, precision=used_precision("bf16")),
        "corpus": arguments.corpus,
        "emulated": os.environ.get(EMULATE) == "1",
        **sizes,
        "held_out": {f"{precision} {seed}": watch.held_out for (precision, seed), watch in runs.items()},
    }
    lines = [harness.table(["products", "seed", *steps], rows)]
    harness.finish(document, lines, as_json=arguments.json)


if __name__ == "__main__":
    main()
