"""A whole sweep in one call: read the corpus once, train under equal budgets, write down what came of it."""

import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from unspool.configuration import check, is_whole, to_dict, to_plain
from unspool.errors import ArtifactError, ConfigError, UnspoolError
from unspool.network.conditions import steered_by
from unspool.network.config import NetworkConfig
from unspool.storage import atomic_write
from unspool.sweeping.ledger import Ledger, import_optuna
from unspool.sweeping.picture import draw_sweep
from unspool.sweeping.pool import Answer, LocalPool, Pool
from unspool.sweeping.ray_pool import RayPool, import_ray
from unspool.sweeping.results import SETTLED, Run, Sweep, outcomes
from unspool.sweeping.schedule import Name, name_of, next_task, planned
from unspool.sweeping.space import PARAMETERS, configured
from unspool.sweeping.sweep_config import SweepConfig, extremes
from unspool.sweeping.trial import Diverged, Job, SweepCorpus, TrialReport
from unspool.sweeping.verdict import judge
from unspool.text.encoding.corpus import encode_corpus
from unspool.text.encoding.encoded_corpus import EncodedCorpus
from unspool.text.encoding.recipe import EncodingRecipe
from unspool.text.records import Record, Records
from unspool.text.tokenizers.registry import Tokenizer
from unspool.training.config import TrainingConfig
from unspool.training.folder.sole_writer import sole_writer
from unspool.training.interrupts import stop_on_interrupt

RESULT, PICTURE = "sweep.json", "sweep.svg"
ATTEMPTS = 3  # a training that fails as often is given up until the sweep is started again
PATIENCE = 0.2  # seconds after which Ctrl-C is heard
# Of the training configuration, what a sweep decides itself.
DECIDED = ("minutes", "patience", "evaluate_every", "learning_rate", "batch_size")


@dataclass(frozen=True)
class SweepPlan:
    """Tell what is about to be tried.

    Args:
        folder: The sweep's folder.
        description: What is read, for people.
        characters: Characters to learn from.
        held_out_characters: Characters that every training is measured with.
        vocab_size: Symbols of the tokenizer.
        config: The sweep.
        workers: Trainings side by side.
        threads: Threads of each.
        settled: Trainings that an earlier call has done.
        planned: Trainings that are left, at most.
    """

    folder: Path
    description: str
    characters: int
    held_out_characters: int
    vocab_size: int
    config: SweepConfig
    workers: int
    threads: int
    settled: int
    planned: int


Texts = Records | Iterable[str | Record | Mapping[str, str]]
OnSweepStart = Callable[[SweepPlan], None]
OnRun = Callable[[Run, int], None]


def sweep(
    records: Texts,
    *,
    out: str | Path,
    config: SweepConfig | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    validation: Texts | None = None,
    workers: int = 1,
    storage: str | None = None,
    ray: str | None = None,
    on_start: OnSweepStart | None = None,
    on_run: OnRun | None = None,
) -> Sweep:
    """Find out which network suits a text, under an equal budget for each, and how much of it is noise.

    The same call goes on with a sweep that was stopped: what is settled stays, what was running begins anew,
    and a longer list of values or more seeds are added to what is there. Of a training the lowest of its
    evaluations counts, as a training keeps its best model.

    Args:
        records: From `read_records`, or texts in memory; read once.
        out: The sweep's folder: sweep.db, sweep.json and sweep.svg.
        config: What to try and how long; None for the defaults.
        network: What the sweep does not vary of the network; None for the defaults.
        training: What it does not vary of the training; its seed is the first of the seeds, its threads those
            of each training. Its epochs are not used.
        tokenizer: A name in `TOKENIZERS`, or one that exists.
        max_vocab_size: Most symbols of a new tokenizer; None for no limit.
        validation: Texts to measure with in place of a part of `records`.
        workers: Trainings side by side, ≥ 1. The processors are divided among them where `training` says
            nothing of threads; on a cluster each has one then.
        storage: URL of a database in place of the SQLite file; the study in it has the folder's name.
        ray: Address of a Ray cluster to train on in place of this machine.
        on_start: Gets the plan before the first training.
        on_run: Gets each training that ends, whatever its end, and how many are left at most.

    Returns:
        What was found out, also written to the folder.

    Raises:
        InputError: If something given cannot be used.
        KeyboardInterrupt: If it was stopped; the same call goes on.
    """
    config, network, training = (
        config or SweepConfig(),
        network or NetworkConfig(),
        training or TrainingConfig(),
    )
    _check(config, network, training, workers)
    import_optuna()  # before a long corpus is read
    if ray is not None:
        import_ray()
    texts = _as_records(records)
    if texts.pairs:
        raise ConfigError("a sweep does not train on pairs", hint="leave the sources out")
    recipe = EncodingRecipe(
        tokenizer=tokenizer,
        max_vocab_size=max_vocab_size,
        normalization=texts.normalization,
        validation_fraction=training.validation_fraction,
        document=texts.document,
        contexts="learn" if texts.steers else None,
    )
    encoded = encode_corpus(texts, recipe, None if validation is None else _as_records(validation))
    corpus = _corpus(encoded, texts)
    threads = training.threads or (1 if ray else threads_each(workers))
    training = replace(training, threads=threads)
    network = steered_by(network, encoded.schema, document=texts.document)
    network = replace(network, vocab_size=encoded.tokenizer.vocab_size)
    folder = Path(out)
    with sole_writer(folder):
        identity = _identity(config, network, training, corpus, workers=workers, ray=ray)
        ledger = Ledger(folder, storage, config, identity, training.seed)
        conductor = _Conductor(ledger, config, network, training, on_run)
        if on_start is not None:
            on_start(_plan(folder, texts, encoded, conductor, workers=workers, threads=threads))
        try:
            if planned(config, conductor.runs):
                with closing(_pool(workers, corpus, ray, threads)) as pool, stop_on_interrupt() as stop:
                    conductor.conduct(pool, stop)
        finally:
            result = conclude(folder, texts.description, config, conductor.runs, conductor.given_up)
    return result


def conclude(
    folder: Path, description: str, config: SweepConfig, runs: list[Run], given_up: Mapping[Name, Run]
) -> Sweep:
    """Say what the trainings so far tell, and write it down: sweep.json and sweep.svg.

    Args:
        folder: The sweep's folder.
        description: What was read, for people.
        config: The sweep.
        runs: All trainings.
        given_up: Those that failed too often.

    Raises:
        ArtifactError: If it cannot be written down, a full disk for one; what was written before is whole.
    """
    found = outcomes(runs)
    verdict = judge(found, seeds=config.seeds)
    result = Sweep(
        folder=folder,
        description=description,
        outcomes=tuple(found),
        best=verdict.best,
        verdict=verdict.sentence,
        complete=not planned(config, runs, given_up) and not given_up,
        failed=tuple(given_up.values()),
    )
    document = {**result.to_dict(), "sweep": to_plain(config)}
    text = json.dumps(document, ensure_ascii=False, indent=1, allow_nan=False) + "\n"
    try:
        atomic_write(folder / RESULT, text)
        atomic_write(folder / PICTURE, draw_sweep(result))
    except OSError as error:
        hint = "free some disk space and repeat the call: finished trainings are kept"
        got = error.strerror or str(error)
        raise ArtifactError(f"cannot write to {folder}", got=got, hint=hint) from error
    return result


class _Conductor:
    """Keep every worker busy, and the book up to date."""

    def __init__(
        self,
        ledger: Ledger,
        config: SweepConfig,
        network: NetworkConfig,
        training: TrainingConfig,
        on_run: OnRun | None,
    ) -> None:
        self.ledger, self.config = ledger, config
        self.network, self.training = network, training
        self.on_run = on_run
        self.runs = ledger.runs()
        self.given_up: dict[Name, Run] = {}
        self._failures: Counter[Name] = Counter()
        self._running: dict[int, int] = {}  # a training's number -> its place in runs

    def conduct(self, pool: Pool, stop: Callable[[], bool]) -> None:
        """Train until nothing is left.

        Raises:
            KeyboardInterrupt: If it is stopped; what was running is marked as failed.
        """
        try:
            while self.begin(pool):
                for number, answer in pool.wait(PATIENCE):
                    self.take(number, answer, pool)
                if stop():
                    raise KeyboardInterrupt
        finally:
            for number in list(self._running):
                self.end(number, "failed", "the sweep was stopped")

    def begin(self, pool: Pool) -> bool:
        """Give every free worker something to do; tell whether anything is running."""
        while pool.free and (task := next_task(self.config, self.runs, self.given_up)) is not None:
            run = self.ledger.start(task, self.runs)
            self._running[run.number] = len(self.runs)
            self.runs.append(run)
            pool.begin(self.job(run))
        return bool(self._running)

    def job(self, run: Run) -> Job:
        """Describe a training to who runs it."""
        network, training = configured(self.network, self.training, run.configuration)
        return Job(
            number=run.number,
            network=network,
            training=replace(training, seed=self.training.seed + run.seed),
            minutes=self.config.minutes_per_trial,
            symbols=self.config.symbols_per_trial,
            evaluations=self.config.evaluations,
        )

    def take(self, number: int, answer: Answer, pool: Pool) -> None:
        """Enter what a training told, and tell it what to do.

        Raises:
            UnspoolError: If it told of bad input.
        """
        if isinstance(answer, TrialReport):
            self.enter(number, answer)
            worse = self.ledger.report(self.runs[self._running[number]], answer.part)
            if answer.done or worse:
                pool.drop(number)
                self.end(number, "complete" if answer.done else "pruned")
            else:
                pool.go_on(number)
        elif isinstance(answer, Diverged):
            pool.drop(number)
            self.end(number, "diverged", answer.message)
        elif isinstance(answer, UnspoolError):
            raise answer
        else:
            self.end(number, "failed", f"{type(answer).__name__}: {answer}")

    def enter(self, number: int, report: TrialReport) -> None:
        """Add an evaluation to its training."""
        place = self._running[number]
        told = asdict(report)
        bits = told.pop("bits_per_character")
        for name in ("part", "done"):
            told.pop(name)
        self.runs[place] = replace(
            self.runs[place], curve=(*self.runs[place].curve, (report.seconds, bits)), **told
        )

    def end(self, number: int, state: str, message: str | None = None) -> None:
        """Enter a training's end."""
        place = self._running.pop(number)
        run = self.runs[place] = replace(self.runs[place], state=state, message=message)
        self.ledger.end(run)
        if state == "failed":
            self._failures[name_of(run)] += 1
            if self._failures[name_of(run)] >= ATTEMPTS:
                self.given_up[name_of(run)] = run
        if self.on_run is not None:
            self.on_run(run, planned(self.config, self.runs, self.given_up))


def threads_each(workers: int) -> int:
    """Divide this process's processors among trainings side by side."""
    return max(1, len(os.sched_getaffinity(0)) // workers)


def _check(config: SweepConfig, network: NetworkConfig, training: TrainingConfig, workers: int) -> None:
    check("config", config, "a SweepConfig, or None", isinstance(config, SweepConfig))
    check("network", network, "a NetworkConfig, or None", isinstance(network, NetworkConfig))
    check("training", training, "a TrainingConfig, or None", isinstance(training, TrainingConfig))
    check("workers", workers, "a whole number ≥ 1", is_whole(workers, least=1))
    given = {**to_dict(network), **to_dict(training)}
    usual = {**to_dict(NetworkConfig()), **to_dict(TrainingConfig())}
    for name in (*DECIDED, *PARAMETERS):
        if given[name] != usual[name]:
            hint = "set it in the SweepConfig" if name in PARAMETERS else "leave it out"
            raise ConfigError(
                name, expected="left out: the sweep chooses it", got=repr(given[name]), hint=hint
            )
    for configuration in extremes(config):  # a network may fit one value and not another
        configured(network, training, configuration)


def _as_records(texts: Texts) -> Records:
    return texts if isinstance(texts, Records) else Records.of(texts)


def _corpus(encoded: EncodedCorpus, texts: Records) -> SweepCorpus:
    if not len(encoded.validation.ids):
        raise ConfigError(
            "no text is held out, and a sweep needs some to compare with",
            hint="set validation_fraction, give validation, or use more text",
        )
    return SweepCorpus(encoded.training, encoded.validation, encoded.tokenizer.eos_id, texts.document)


def _identity(
    config: SweepConfig,
    network: NetworkConfig,
    training: TrainingConfig,
    corpus: SweepCorpus,
    *,
    workers: int,
    ray: str | None,
) -> dict[str, Any]:
    """Gather what makes two trainings comparable; the rest may change when a sweep goes on."""
    timed = config.symbols_per_trial is None
    free = (*DECIDED, *PARAMETERS, "epochs", "checkpoint_seconds", "threads")
    kept = {name: v for name, v in {**to_dict(network), **to_dict(training)}.items() if name not in free}
    speed = {"workers": workers, "threads": training.threads, "on a cluster": ray is not None}
    return {
        **kept,
        **(speed if timed else {}),  # what is read in a given time depends on them
        "minutes_per_trial": config.minutes_per_trial,
        "symbols_per_trial": config.symbols_per_trial,
        "evaluations": config.evaluations,
        "corpus": [corpus.training.fingerprint(), corpus.validation.fingerprint(), corpus.document],
        "sampled": None if config.trials is None else to_plain(config.space),
    }


def _pool(workers: int, corpus: SweepCorpus, ray: str | None, threads: int) -> Pool:
    return LocalPool(workers, corpus) if ray is None else RayPool(ray, workers, corpus, threads=threads)


def _plan(
    folder: Path,
    texts: Records,
    encoded: EncodedCorpus,
    conductor: _Conductor,
    *,
    workers: int,
    threads: int,
) -> SweepPlan:
    return SweepPlan(
        folder=folder,
        description=texts.description,
        characters=encoded.training.characters,
        held_out_characters=encoded.validation.characters,
        vocab_size=encoded.tokenizer.vocab_size,
        config=conductor.config,
        workers=workers,
        threads=threads,
        settled=sum(run.state in SETTLED for run in conductor.runs),
        planned=planned(conductor.config, conductor.runs),
    )
