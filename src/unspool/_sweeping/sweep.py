"""A whole sweep in one call: it reads the corpus once, trains with equal budgets, and writes the result."""

import math
import time
from collections import Counter
from collections.abc import Callable, Mapping
from contextlib import closing, suppress
from dataclasses import asdict, dataclass, replace
from functools import partial
from pathlib import Path
from typing import Any

from unspool._configuration import check, to_dict, to_plain, whole_range
from unspool._errors import ArtifactError, ConfigError, UnspoolError
from unspool._json_files import json_text
from unspool._network.conditions import steered_by
from unspool._network.config import NetworkConfig
from unspool._storage import atomic_write, path_of
from unspool._sweeping.ledger import Ledger, import_optuna
from unspool._sweeping.picture import draw_sweep
from unspool._sweeping.pool import Answer, LocalPool, Pool
from unspool._sweeping.ray_pool import RayPool, import_ray
from unspool._sweeping.results import SETTLED, Run, Sweep, outcomes, run_to_dict
from unspool._sweeping.schedule import Name, name_of, next_task, planned
from unspool._sweeping.space import PARAMETERS, configured
from unspool._sweeping.sweep_config import SweepConfig, extremes
from unspool._sweeping.trial import Diverged, Job, SweepCorpus, TrialReport
from unspool._sweeping.verdict import judge
from unspool._system import available_processors
from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.opening import Readable, as_records
from unspool._text.records import Records
from unspool._text.tokenizers.registry import Tokenizer
from unspool._training.config import TrainingConfig
from unspool._training.folder.corpus_places import shared_description
from unspool._training.folder.sole_writer import sole_writer
from unspool._training.interrupts import stop_on_interrupt

RESULT, PICTURE = "sweep.json", "sweep.svg"
ATTEMPTS = 3  # a training that fails so often is given up until the sweep is started again
WORKERS = whole_range(1, 1024)
PATIENCE = 0.05  # seconds between two checks for Ctrl-C
LIVE_SECONDS = 1.0  # between two states of sweep.json while trainings run
# The values of the training configuration that the sweep decides.
DECIDED = ("minutes", "patience", "evaluate_every", "learning_rate", "batch_size")


@dataclass(frozen=True)
class SweepPlan:
    """The plan of a sweep, before its first training.

    Args:
        folder: The folder of the sweep.
        description: A short description of the texts, for people.
        characters: Number of characters to learn from.
        held_out_characters: Number of characters of the held-out text.
        vocab_size: Number of ids of the tokenizer.
        config: The configuration of the sweep.
        workers: Number of parallel trainings.
        threads: Number of threads of each training.
        settled: Number of trainings that an earlier call has done.
        planned: Greatest number of trainings that are left.
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


OnSweepStart = Callable[[SweepPlan], None]
OnRun = Callable[[Run, int], None]


def sweep(
    records: Readable,
    *,
    out: str | Path,
    config: SweepConfig | None = None,
    network: NetworkConfig | None = None,
    training: TrainingConfig | None = None,
    tokenizer: str | Tokenizer = "char",
    max_vocab_size: int | None = None,
    validation: Readable | None = None,
    workers: int = 1,
    storage: str | None = None,
    ray: str | None = None,
    on_start: OnSweepStart | None = None,
    on_run: OnRun | None = None,
) -> Sweep:
    """Find the best network for a text, with an equal budget for each, and how much of its lead is noise.

    The same call resumes a sweep that was stopped: finished trainings stay, interrupted ones begin again, and
    new values or seeds are added. The best evaluation of a training counts, since a training keeps its best
    model.

    Args:
        records: Texts, as `train` takes them; they are read once.
        out: The folder of the sweep, for sweep.db, sweep.json and sweep.svg.
        config: The configuration of the sweep; None for the defaults.
        network: The values of the network that the sweep does not vary; None for the defaults.
        training: The values of the training that the sweep does not vary; None for the defaults. Its seed is
            the first of the seeds, and its threads are those of each training. Its epochs are not used.
        tokenizer: A name in `TOKENIZERS`, or an existing tokenizer.
        max_vocab_size: Greatest number of ids of a new tokenizer; None for no limit.
        validation: Held-out texts in place of a part of `records`; None for a part of `records`.
        workers: Number of parallel trainings, ≥ 1. If `training` has no threads, they share the processors,
            and on a cluster each has one processor.
        storage: URL of a database in place of the SQLite file; the study has the name of the folder.
        ray: Address of a Ray cluster, which trains in place of this machine.
        on_start: Function that is called with the plan before the first training.
        on_run: Function that is called with each training that ended, and the greatest number of trainings
            that are left.

    Returns:
        The result, which is also written to the folder.

    Raises:
        InputError: If an argument cannot be used.
        KeyboardInterrupt: If the sweep was stopped; the same call resumes it.

    Example:
        >>> import tempfile, unspool
        >>> texts = [f"{a} {b}" for a in "abcdef" for b in "uvwxyz"]
        >>> space = {"cell": ["gru"], "hidden_size": [4, 8], "learning_rate": [0.01]}
        >>> config = unspool.SweepConfig(**space, symbols_per_trial=500, seeds=1, evaluations=1)
        >>> with tempfile.TemporaryDirectory() as folder:
        ...     result = unspool.sweep(texts, out=f"{folder}/sweep", config=config)
        >>> len(result.outcomes)
        2
    """
    config, network, training = (
        config or SweepConfig(),
        network or NetworkConfig(),
        training or TrainingConfig(),
    )
    _check(config, network, training, workers)
    folder = path_of("out", out)
    import_optuna()  # before a long corpus is read
    if ray is not None:
        import_ray()
    texts = as_records(records)
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
    held_out = None if validation is None else as_records(validation, what="validation")
    encoded = encode_corpus(texts, recipe, held_out)
    corpus = _corpus(encoded, texts)
    threads = training.threads or (1 if ray else threads_each(workers))
    training = replace(training, threads=threads)
    network = steered_by(network, encoded.schema, document=texts.document)
    network = replace(network, vocab_size=encoded.tokenizer.vocab_size)
    with sole_writer(folder):
        identity = _identity(config, network, training, corpus, workers=workers, ray=ray)
        ledger = Ledger(folder, storage, config, identity, training.seed)
        description = shared_description(texts)
        live = partial(keep_up, folder, description, config)
        conductor = _Conductor(ledger, config, network, training, on_run, live=live)
        if on_start is not None:
            on_start(_plan(folder, texts, encoded, conductor, workers=workers, threads=threads))
        try:
            if planned(config, conductor.runs):
                with closing(_pool(workers, corpus, ray, threads)) as pool, stop_on_interrupt() as stop:
                    conductor.conduct(pool, stop)
        finally:
            result = conclude(folder, description, config, conductor.runs, conductor.given_up)
    return result


def conclude(
    folder: Path, description: str, config: SweepConfig, runs: list[Run], given_up: Mapping[Name, Run]
) -> Sweep:
    """Return the result of the trainings so far, and write it to sweep.json and sweep.svg.

    Args:
        folder: The folder of the sweep.
        description: A short description of the texts, for people.
        config: The configuration of the sweep.
        runs: All trainings.
        given_up: The trainings that failed too often.

    Raises:
        ArtifactError: If the result cannot be written, for example on a full disk; an earlier result stays.
    """
    result = _result(folder, description, config, runs, given_up)
    _write(folder, {RESULT: _document(result, config, runs), PICTURE: draw_sweep(result)})
    return result


def keep_up(
    folder: Path, description: str, config: SweepConfig, runs: list[Run], given_up: Mapping[Name, Run]
) -> None:
    """Write the trainings so far to sweep.json, also those that run, for whoever watches; see `conclude`."""
    _write(folder, {RESULT: _document(_result(folder, description, config, runs, given_up), config, runs)})


def _result(
    folder: Path, description: str, config: SweepConfig, runs: list[Run], given_up: Mapping[Name, Run]
) -> Sweep:
    results = outcomes(runs)
    verdict = judge(results, seeds=config.seeds)
    return Sweep(
        folder=folder,
        description=description,
        outcomes=tuple(results),
        best=verdict.best,
        verdict=verdict.sentence,
        complete=not planned(config, runs, given_up) and not given_up,
        failed=tuple(given_up.values()),
    )


def _document(result: Sweep, config: SweepConfig, runs: list[Run]) -> str:
    running = [run_to_dict(run) for run in runs if run.state == "running"]
    named = {"folder": result.folder.resolve().name, "running": running, "sweep": to_plain(config)}
    return json_text({**result.to_dict(), **named}, indent=1) + "\n"


def _write(folder: Path, files: Mapping[str, str]) -> None:
    try:
        for name, content in files.items():
            atomic_write(folder / name, content)
    except OSError as error:
        hint = "free some disk space and repeat the call: finished trainings are kept"
        got = error.strerror or str(error)
        raise ArtifactError(f"cannot write to {folder}", got=got, hint=hint) from error


class _Conductor:
    """The conductor of a sweep: it keeps all workers busy and the ledger up to date."""

    def __init__(
        self,
        ledger: Ledger,
        config: SweepConfig,
        network: NetworkConfig,
        training: TrainingConfig,
        on_run: OnRun | None,
        *,
        live: Callable[[list[Run], Mapping[Name, Run]], None],
    ) -> None:
        self.ledger, self.config = ledger, config
        self.network, self.training = network, training
        self.on_run, self._live = on_run, live
        self._has_news, self._told = False, -math.inf  # since when the files tell of it
        self.runs = ledger.runs()
        self.given_up: dict[Name, Run] = {}
        self._failures: Counter[Name] = Counter()
        self._running: dict[int, int] = {}  # number of a training -> its index in runs

    def conduct(self, pool: Pool, stop: Callable[[], bool]) -> None:
        """Run all trainings.

        Args:
            pool: The workers.
            stop: Function that returns whether to stop.

        Raises:
            KeyboardInterrupt: If it is stopped; the running trainings are marked as failed.
        """
        try:
            while self.begin(pool):
                self.tell()
                for number, answer in pool.wait(PATIENCE):
                    self.take(number, answer, pool)
                if stop():
                    raise KeyboardInterrupt
        finally:
            for number in list(self._running):
                self.end(number, "failed", "the sweep was stopped")

    def begin(self, pool: Pool) -> bool:
        """Begin a training on every free worker; return whether any training is running."""
        while pool.free and (task := next_task(self.config, self.runs, self.given_up)) is not None:
            run = self.ledger.start(task, self.runs)
            self._running[run.number] = len(self.runs)
            self.runs.append(run)
            self._has_news = True
            pool.begin(self.job(run))
        return bool(self._running)

    def tell(self) -> None:
        """Write what is new, now and then."""
        if self._has_news and time.monotonic() - self._told >= LIVE_SECONDS:
            with suppress(ArtifactError):  # of a full disk, which is said at the end
                self._live(self.runs, self.given_up)
            self._has_news, self._told = False, time.monotonic()

    def job(self, run: Run) -> Job:
        """Return the job of a training for a worker."""
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
        """Store an event of a training, and let it continue or end.

        Args:
            number: Number of the training.
            answer: The event or the error.
            pool: The workers.

        Raises:
            UnspoolError: If the event is an error about the input.
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
        self._has_news = True
        place = self._running[number]
        values = asdict(report)
        bits = values.pop("bits_per_character")
        for name in ("part", "done"):
            values.pop(name)
        self.runs[place] = replace(
            self.runs[place], curve=(*self.runs[place].curve, (report.seconds, bits)), **values
        )

    def end(self, number: int, state: str, message: str | None = None) -> None:
        """Store the end of a training."""
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
    """Return the number of processors for each of several parallel trainings."""
    return max(1, available_processors() // workers)


def _check(config: SweepConfig, network: NetworkConfig, training: TrainingConfig, workers: int) -> None:
    check("config", config, "a SweepConfig, or None", isinstance(config, SweepConfig))
    check("network", network, "a NetworkConfig, or None", isinstance(network, NetworkConfig))
    check("training", training, "a TrainingConfig, or None", isinstance(training, TrainingConfig))
    check("workers", workers, WORKERS.words, WORKERS.holds(workers))
    values = {**to_dict(network), **to_dict(training)}
    usual = {**to_dict(NetworkConfig()), **to_dict(TrainingConfig())}
    for name in (*DECIDED, *PARAMETERS):
        if values[name] != usual[name]:
            hint = "set it in the SweepConfig" if name in PARAMETERS else "leave it out"
            raise ConfigError(
                name, expected="left out: the sweep chooses it", got=repr(values[name]), hint=hint
            )
    for configuration in extremes(config):  # a network may fit with one value and not with another
        configured(network, training, configuration)


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
    """Return the values that must be equal for comparable trainings; the others may change."""
    timed = config.symbols_per_trial is None
    free = (*DECIDED, *PARAMETERS, "epochs", "checkpoint_seconds", "threads")
    fixed = {name: v for name, v in {**to_dict(network), **to_dict(training)}.items() if name not in free}
    speed = {"workers": workers, "threads": training.threads, "on a cluster": ray is not None}
    return {
        **fixed,
        **(speed if timed else {}),  # the amount of text that is read in a given time depends on them
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
