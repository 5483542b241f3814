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
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import harness
import unspool
from unspool.network.config import NetworkConfig
from unspool.planning.budget import EVALUATING
from unspool.planning.choosing import LONGEST_MEASURING, MEASURING, TrainingPlan, plan_training
from unspool.planning.rule import BATCH_SIZE, SEQUENCE_LENGTH, SIZES
from unspool.planning.speeds import measure_speeds
from unspool.sweeping.trial import Diverged, Job, Report, SweepCorpus, run_trial
from unspool.text.held_out import encode_in_parts
from unspool.text.records import Records
from unspool.training.config import TrainingConfig

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
OF_TRAINING = ("batch_size", "sequence_length", "learning_rate", "seed")
OF_NETWORK = ("cell", "hidden_size", "num_layers", "dropout")


class Machine:
    """Know the speed of every network, each measured once, all of them before the contest."""

    def __init__(self, vocab_size: int, threads: int) -> None:
        clock = time.process_time if threads == 1 else time.perf_counter
        training = TrainingConfig(batch_size=BATCH_SIZE, sequence_length=SEQUENCE_LENGTH, threads=threads)
        names = [("lstm", size, 1) for size in CHOICES]
        names += itertools.product(SPACE["cell"], SPACE["hidden_size"], SPACE["num_layers"])
        rounds: list[dict[Any, float]] = [{} for _ in range(TIMED_ROUNDS)]
        for found in rounds:
            for name in names:
                network = NetworkConfig(
                    cell=name[0], hidden_size=name[1], num_layers=name[2], vocab_size=vocab_size
                )
                (found[name],) = measure_speeds([network], training, TIMING_SECONDS, clock=clock)
        self._known = {name: max(found[name] for found in rounds) for name in names}

    def speeds(
        self, networks: Sequence[NetworkConfig], training: TrainingConfig, seconds: float
    ) -> list[float]:
        """Give the speeds of networks, that of any dropout and any window alike; a `Measure`."""
        del training, seconds
        names = [(each.cell, each.hidden_size, each.num_layers) for each in networks]
        return list(itertools.takewhile(bool, (self._known.get(name, 0.0) for name in names)))


class Contest:
    """Train on a corpus, each time with the same budget, and write down how it went."""

    def __init__(self, records: Records, arguments: argparse.Namespace) -> None:
        self.records, self.arguments = records, arguments
        self.fixed = {"threads": arguments.threads}
        encoded = encode_in_parts(records, None, fraction=0.1, tokenizer="char")
        self.vocab_size = encoded.tokenizer.vocab_size
        self.machine = Machine(self.vocab_size, arguments.threads)
        self.corpus = SweepCorpus(
            encoded.training, encoded.validation, encoded.tokenizer.eos_id, records.document
        )
        log: Path | None = arguments.log
        lines = log.read_text("utf-8").splitlines() if log and log.exists() else []
        self.done = [json.loads(line) for line in lines]

    def train(self, name: str, network: NetworkConfig, training: TrainingConfig, seconds: float) -> float:
        """Train for so many seconds of this machine when it is quiet; give the best bits per character."""
        trained = {
            "name": name,
            "minutes": self.arguments.minutes,
            **{value: getattr(network, value) for value in OF_NETWORK},
            **{value: getattr(training, value) for value in OF_TRAINING},
        }
        for line in self.done:
            if trained.items() <= line.items():
                return float(line["bits_per_character"])
        network = replace(network, vocab_size=self.vocab_size)
        (speed,) = self.machine.speeds([network], training, 0)
        job = Job(
            number=0, network=network, training=training, minutes=None, symbols=int(speed * seconds),
            evaluations=EVALUATIONS,
        )  # fmt: skip
        bits = min(self._measured(job))
        line = {**trained, "symbols": job.symbols, "bits_per_character": bits}
        harness.say(json.dumps(line))
        if self.arguments.log:
            with self.arguments.log.open("a", encoding="utf-8") as file:
                file.write(json.dumps(line) + "\n")
        self.done.append(line)
        return bits

    def _measured(self, job: Job) -> Iterator[float]:
        for event in run_trial(job, self.corpus):
            if isinstance(event, Report):
                yield event.bits_per_character
            elif isinstance(event, Diverged):
                yield 99.0

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
        """Train what was chosen, with several seeds, for what the command would leave of the minutes."""
        timing = min(LONGEST_MEASURING, MEASURING * 60 * self.arguments.minutes)
        seconds = 60 * (plan.training.minutes or 0) * (1 - EVALUATING) - timing
        return [
            self.train(f"choice, seed {seed}", plan.network, replace(plan.training, seed=seed), seconds)
            for seed in range(self.arguments.seeds)
        ]

    def sweep(self) -> list[float]:
        """Let Optuna try so many configurations."""
        import optuna

        optuna.logging.set_verbosity(optuna.logging.WARNING)
        study = optuna.create_study(sampler=optuna.samplers.TPESampler(seed=0, n_startup_trials=8))
        study.optimize(self._trial, n_trials=self.arguments.trials)
        return sorted(trial.value for trial in study.trials if trial.value is not None)

    def _trial(self, trial: Any) -> float:
        values = {name: trial.suggest_categorical(name, choices) for name, choices in SPACE.items()}
        rate = trial.suggest_float("learning_rate", *LEARNING_RATES, log=True)
        network = NetworkConfig(**{name: values.pop(name) for name in OF_NETWORK})
        training = TrainingConfig(**values, **self.fixed, learning_rate=rate)
        return self.train(f"trial {trial.number}", network, training, 60 * self.arguments.minutes)


def main() -> None:
    """Measure and report."""
    parser = harness.options(__doc__, threads=1, rounds=None)
    parser.add_argument("corpus", nargs="?", default=str(harness.data("ag_news_test.csv")))
    parser.add_argument("--text", type=int, nargs="+", help="columns of a table, by number")
    parser.add_argument("--document", action="store_true", help="read one document")
    parser.add_argument("--minutes", type=float, default=0.25)
    parser.add_argument("--trials", type=int, default=20, help="configurations of the sweep")
    parser.add_argument("--seeds", type=int, default=2, help="trainings of the choice")
    parser.add_argument("--log", type=Path, help="a file of JSON lines to go on with")
    arguments = parser.parse_args()
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
