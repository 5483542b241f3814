"""How good is the choice of `train --minutes M`? The choice next to the best of a sweep with the same budget.

The choice is made as the command makes it. Then Optuna's TPE tries configurations one after the other, each
as long as the whole budget, from a space around what is sensible for it. On one thread speeds are measured in
processor time, and a training then reads as many symbols as its speed allows in the budget: so it does not
matter how busy the machine is. The choice pays for its looking, timing and measuring out of its budget, the
sweep's trainings do not.
"""

import argparse
import itertools
import json
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import harness
import unspool
from unspool._network.config import NetworkConfig
from unspool._planning.budget import EVALUATING
from unspool._planning.choosing import LONGEST_MEASURING, MEASURING, TrainingPlan, plan_training
from unspool._planning.rule import BATCH_SIZES, SEQUENCE_LENGTH, SIZES
from unspool._planning.speeds import measure_speeds
from unspool._sweeping.trial import Job, SweepCorpus, TrialReport, run_trial
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records
from unspool._training.config import TrainingConfig

EVALUATIONS = 4
TIMED_ROUNDS, TIMING_SECONDS = 3, 0.15  # for the speed of each network
CHOICES = tuple(size for size in SIZES if size <= 512)
SPACE: dict[str, Sequence[Any]] = {
    "cell": ("lstm", "gru"),
    "hidden_size": (64, 96, 128, 192, 256),
    "num_layers": (1, 2),
    "dropout": (0.0, 0.1, 0.2, 0.3, 0.4),
    "batch_size": (8, 16, 32),
    "sequence_length": (16, 32, 64),
}
LEARNING_RATES = (0.005, 0.06)
DIVERGED = 99.0  # bits per character
Stop = Callable[[float, int], None] | None
OF_TRAINING = ("batch_size", "sequence_length", "learning_rate", "seed")
OF_NETWORK = ("cell", "hidden_size", "num_layers", "dropout")


def shape(network: NetworkConfig) -> str:
    """Return a name for the values that decide the speed of a network on one text."""
    return f"{network.cell} {network.num_layers} x {network.hidden_size}"


def timed(vocab_size: int, threads: int) -> dict[str, float]:
    """Return the speed of every network by its shape, the best of a few rounds."""
    clock = time.process_time if threads == 1 else time.perf_counter
    training = TrainingConfig(batch_size=BATCH_SIZES[0], sequence_length=SEQUENCE_LENGTH, threads=threads)
    shapes = {("lstm", size, 1) for size in CHOICES}
    shapes |= set(itertools.product(SPACE["cell"], SPACE["hidden_size"], SPACE["num_layers"]))
    networks = [
        NetworkConfig(cell=cell, hidden_size=size, num_layers=layers, vocab_size=vocab_size)
        for cell, size, layers in sorted(shapes)
    ]
    rounds = [
        [measure_speeds([each], training, TIMING_SECONDS, clock=clock)[0] for each in networks]
        for _ in range(TIMED_ROUNDS)
    ]
    return {shape(each): max(speeds) for each, *speeds in zip(networks, *rounds, strict=True)}


class Machine:
    """The known speed of every network, for any dropout and any window."""

    def __init__(self, known: dict[str, float]) -> None:
        self.known = known

    def speeds(
        self, networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float
    ) -> list[float]:
        """Return the speeds of networks, up to the first unknown one; this is a `Measure`."""
        del training, seconds
        return list(itertools.takewhile(bool, (self.known.get(shape(each), 0.0) for each in networks)))


class Contest:
    """Trainings on one corpus, all with the same budget, with a log."""

    def __init__(self, records: Records, arguments: argparse.Namespace) -> None:
        self.records, self.arguments = records, arguments
        self.fixed = {"threads": arguments.threads}
        encoded = encode_corpus(records, EncodingRecipe(validation_fraction=0.1, document=records.document))
        self.vocab_size = encoded.tokenizer.vocab_size
        self.corpus = SweepCorpus(
            encoded.training, encoded.validation, encoded.tokenizer.eos_id, records.document
        )
        log: Path | None = arguments.log
        lines = log.read_text("utf-8").splitlines() if log and log.exists() else []
        self.done: list[dict[str, Any]] = [json.loads(line) for line in lines]
        known = [line["speeds"] for line in self.done if "speeds" in line]
        self.machine = Machine(known[0] if known else timed(self.vocab_size, arguments.threads))
        if not known:
            self._write({"speeds": self.machine.known})

    def train(
        self, name: str, network: NetworkConfig, training: TrainingConfig, seconds: float, stop: Stop = None
    ) -> float:
        """Train for this many seconds of an undisturbed machine; return the best bits per character.

        Args:
            name: The name of the training in the log.
            network: The network to train.
            training: The training configuration.
            seconds: The length of the training.
            stop: A function that gets each evaluation with its number, and raises an exception to give up.
        """
        trained = {
            "name": name,
            "minutes": self.arguments.minutes,
            **{value: getattr(network, value) for value in OF_NETWORK},
            **{value: getattr(training, value) for value in OF_TRAINING},
        }
        known = [line for line in self.done if trained.items() <= line.items()]
        (speed,) = self.machine.speeds([network], training, 0)
        symbols = int(speed * seconds)
        curve: list[float] = []
        try:
            for bits in known[0]["curve"] if known else self._measured(network, training, symbols):
                curve.append(bits)
                if stop is not None:
                    stop(bits, len(curve))
        finally:
            if not known:
                self._write({**trained, "symbols": symbols, "curve": curve})
        return min(curve)

    def _measured(self, network: NetworkConfig, training: TrainingConfig, symbols: int) -> Iterator[float]:
        network = replace(network, vocab_size=self.vocab_size)
        job = Job(
            number=0, network=network, training=training, minutes=None, symbols=symbols,
            evaluations=EVALUATIONS,
        )  # fmt: skip
        for event in run_trial(job, self.corpus):
            yield event.bits_per_character if isinstance(event, TrialReport) else DIVERGED

    def _write(self, line: dict[str, Any]) -> None:
        harness.say(json.dumps(line))
        self.done.append(line)
        if self.arguments.log:
            with self.arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")

    def choose(self) -> TrainingPlan:
        """Choose as the command does, with the speeds of the contest."""
        return plan_training(
            self.records,
            minutes=self.arguments.minutes,
            training=self.fixed,
            measure=self.machine.speeds,
            clock=time.process_time,
        )

    def chosen(self, plan: TrainingPlan) -> list[float]:
        """Train the chosen network with several seeds, for the time that the command would leave."""
        timing = min(LONGEST_MEASURING, MEASURING * 60 * self.arguments.minutes)
        seconds = 60 * (plan.training.minutes or 0) * (1 - EVALUATING) - timing
        return [
            self.train(f"choice, seed {seed}", plan.network, replace(plan.training, seed=seed), seconds)
            for seed in range(self.arguments.seeds)
        ]

    def sweep(self) -> list[float]:
        """Let Optuna try configurations; those worse than the median half-way are given up."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(
            sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=8),
            pruner=optuna.pruners.MedianPruner(n_startup_trials=4),
        )
        study.optimize(self._trial, n_trials=self.arguments.trials)
        return sorted(min(trial.intermediate_values.values()) for trial in study.trials)

    def _trial(self, trial: Any) -> float:
        import optuna

        def stop(bits: float, part: int) -> None:
            trial.report(bits, part)
            if part < EVALUATIONS and trial.should_prune():
                raise optuna.TrialPruned

        values = {name: trial.suggest_categorical(name, choices) for name, choices in SPACE.items()}
        rate = trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)
        network = NetworkConfig(**{name: values.pop(name) for name in OF_NETWORK})
        training = TrainingConfig(**values, **self.fixed, learning_rate=rate)
        return self.train(f"trial {trial.number}", network, training, 60 * self.arguments.minutes, stop)


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    titles = harness.data("ag_news_test.csv")
    parser.add_argument("corpus", nargs="?", default=str(titles), help="a file or a corpus by its name")
    parser.add_argument("--text", type=int, nargs="+", help="columns of a table, by number")
    parser.add_argument("--document", action="store_true", help="read one document")
    parser.add_argument("--minutes", type=float, default=0.25)
    parser.add_argument("--trials", type=int, default=20, help="configurations of the sweep")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of the choice")
    parser.add_argument("--log", type=Path, help="a file of JSON lines to go on with")
    arguments = parser.parse_args()
    if arguments.corpus == str(titles):
        harness.required(titles)
    records = unspool.read_records(arguments.corpus, text=arguments.text, document=arguments.document)
    contest = Contest(records, arguments)
    plan = contest.choose()
    harness.say("\n".join(plan.reasons))
    chosen = harness.Spread.of(contest.chosen(plan))
    swept = contest.sweep()
    gap = chosen.median / swept[0] - 1
    rows = [
        ["the choice", f"{chosen.median:.3f} ({chosen.low:.3f} to {chosen.high:.3f})"],
        [f"best of {len(swept)} configurations", f"{swept[0]:.3f}"],
        ["median of them", f"{swept[len(swept) // 2]:.3f}"],
        ["gap to the best", f"{gap:+.1%}"],
    ]
    name = Path(arguments.corpus).name
    document = {
        "benchmark": "minutes",
        "machine": harness.describe(threads=arguments.threads),
        "settings": {"corpus": name, "minutes": arguments.minutes},
        "results": {"choice": chosen, "sweep": swept, "gap": gap},
    }
    terms = f"Held-out bits per character of {name} after {arguments.minutes:g} minutes"
    table = harness.table(["", "bits per character"], rows)
    harness.finish(document, [terms, "", table], as_json=arguments.json)


if __name__ == "__main__":
    main()
