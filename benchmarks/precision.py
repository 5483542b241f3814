"""Does a network learn the same in bf16? Held-out bits per character in both precisions, beside other seeds.

The trainings differ in the precision or in the seed alone. What another seed changes in float32 is the noise
that bf16 is held against. Where the processor has no bf16, ``UNSPOOL_EMULATE_BF16=1`` computes it slowly.
"""

import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import harness
import unspool
from unspool._kernels.precision import EMULATE, used_precision
from unspool._network.config import NetworkConfig
from unspool._pictures.canvas import Canvas, Point
from unspool._pictures.colours import BLUE, ORANGE
from unspool._pictures.panel import Panel
from unspool._pictures.scale import Scale
from unspool._text.records import Records
from unspool._training.config import TrainingConfig
from unspool._training.folder.loss_curve import ThinnedCurve
from unspool._training.records import EvaluationRecord, StepRecord, TrainingRecord

RUNS = (("float32", 0), ("bf16", 0), ("float32", 1), ("bf16", 1))
CORPORA = ("titles", "shakespeare")


def corpus(name: str) -> Records:
    """Read a public text."""
    file = harness.required(harness.data("ag_news_test.csv" if name == "titles" else "tinyshakespeare.txt"))
    if name == "titles":
        return unspool.read_records(file, text="1", header=False)
    return unspool.read_records(file, document=True)


class Watch:
    """The records of a training: its evaluations and its curve.

    Attributes:
        held_out: Bits per character at each evaluation, by step.
        curve: Bits per character of the steps.
    """

    def __init__(self) -> None:
        self.held_out: list[Point] = []
        self.curve = ThinnedCurve(points=24)  # so few that the noise of single steps is gone

    def __call__(self, record: TrainingRecord) -> None:
        """Store a record."""
        if isinstance(record, StepRecord):
            self.curve.add(record.step, record.bits_per_character)
        elif isinstance(record, EvaluationRecord) and record.bits_per_character is not None:
            self.held_out.append((record.step, record.bits_per_character))


def trained(name: str, precision: str, seed: int, *, hidden_size: int, epochs: int, threads: int) -> Watch:
    """Train once and return the curve."""
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


def differences(first: Sequence[Point], second: Sequence[Point]) -> list[Point]:
    """Return how much higher each point of the second curve is than that of the first."""
    return [(x, after - before) for (x, before), (_, after) in zip(first, second, strict=True)]


def draw(title: str, plain: Watch, rounded: Watch) -> str:
    """Return the difference in bits per character between bf16 and float32 as an SVG document.

    Args:
        title: The title above the picture.
        plain: A training in float32.
        rounded: The same training in bf16.
    """
    # The last point of a thinned curve is the mean of fewer steps than the others.
    training = differences(plain.curve.points()[:-1], rounded.curve.points()[:-1])
    held_out = differences(plain.held_out, rounded.held_out)
    canvas = Canvas(title, description="Bits per character in bf16 less those in float32, over the steps.")
    canvas.legend([("line", BLUE, "training"), ("circle", ORANGE, "held out")])
    across = Scale.over((x for x, _ in (*training, *held_out)), zero=True, whole=True)
    up = Scale.over((y for _, y in (*training, *held_out)), zero=True, margin=0.08)
    panel = Panel(canvas, across, up, names=("step", "bits per character, bf16 less float32"))
    panel.span((across.low, 0), (across.high, 0), kind="rule")
    panel.curve(training, BLUE)
    for point in held_out:
        panel.mark("circle", point, ORANGE, size=5, tip=f"step {point[0]:,.0f}: {point[1]:+.4f}")
    return canvas.svg()


def main() -> None:
    """Train in both precisions, print the table and draw the difference of the first seed."""
    parser = harness.options(__doc__ or "", threads=1, rounds=None)
    parser.add_argument("--corpus", choices=CORPORA, default="titles", help="what is learnt")
    parser.add_argument("--hidden-size", type=int, default=128, help="units of the LSTM")
    parser.add_argument("--epochs", type=int, default=3, help="passes over the text")
    parser.add_argument("--runs", type=int, default=3, choices=(2, 3, 4), help="trainings")
    parser.add_argument("--svg", type=Path, help="file to draw the difference at seed 0 into")
    arguments = parser.parse_args()
    if used_precision("bf16") == "float32":
        parser.error(f"no bf16 on this processor; set {EMULATE}=1 to emulate it")
    sizes = {name: getattr(arguments, name) for name in ("hidden_size", "epochs", "threads")}
    runs = {run: trained(arguments.corpus, *run, **sizes) for run in RUNS[: arguments.runs]}
    if arguments.svg is not None:
        title = f"What bf16 costs on {arguments.corpus}: LSTM {arguments.hidden_size}, seed 0"
        arguments.svg.write_text(draw(title, runs["float32", 0], runs["bf16", 0]), "utf-8")
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
