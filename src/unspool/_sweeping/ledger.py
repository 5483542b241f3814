"""The ledger of a sweep: an Optuna study with every training, so that no result is lost."""

import contextlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from unspool._errors import ArtifactError, ConfigError, spelled
from unspool._extras import install_command
from unspool._network.cells import CELLS
from unspool._sweeping.results import Run
from unspool._sweeping.schedule import Task, free_seed
from unspool._sweeping.space import PARAMETERS, Configuration, Range, Values
from unspool._sweeping.sweep_config import SweepConfig

if TYPE_CHECKING:
    import sqlite3

    import optuna
    from optuna.distributions import BaseDistribution

FILE = "sweep.db"
STARTUP_TRIALS = 4  # trainings that the median needs before it can end another one
IDENTITY, ROLE, FACTS = "unspool_identity", "unspool_role", "unspool_facts"


def import_optuna() -> Any:
    """Import Optuna.

    Raises:
        ConfigError: If it is not installed, or Python lacks the SQLite that it uses.
    """
    try:
        import optuna  # noqa: PLC0415 - an extra, and slow to import
    except ImportError as error:
        if error.name == "_sqlite3":
            what = "a sweep needs SQLite, and this Python cannot load it"
            raise ConfigError(what, got=str(error), hint="use a Python that was built with it") from None
        if error.name != "optuna":
            raise
        what = "a sweep needs the package optuna, which is not installed"
        raise ConfigError(what, hint=install_command("sweep")) from None
    return optuna


class Ledger:
    """The ledger of all trainings of a sweep.

    Args:
        folder: The folder of the sweep; its name is the name of the study.
        storage: URL of a database in the form of SQLAlchemy; None for a SQLite file in the folder.
        config: The configuration of the sweep.
        identity: The values that must be equal for comparable results, in JSON types.
        seed: Seed of the sampler.

    Raises:
        ConfigError: If Optuna is not installed, or the study has another identity.
        ArtifactError: If the database cannot be used.
    """

    def __init__(
        self, folder: Path, storage: str | None, config: SweepConfig, identity: Mapping[str, Any], seed: int
    ) -> None:
        self._optuna = import_optuna()
        self._distributions = distributions(self._optuna, config)
        self._place = "the database of --storage" if storage else str(folder / FILE)
        with self.guarded():
            self._study = self._open(folder, storage)
            self._recognize(dict(identity), folder)
            self._close_stale()
            drawn = len(self._study.get_trials(deepcopy=False))
        self._study.sampler = self._optuna.samplers.TPESampler(seed=(seed + drawn) % 2**32)
        self._study.pruner = _pruner(self._optuna, config)
        self._trials: dict[int, optuna.Trial] = {}

    @contextlib.contextmanager
    def guarded(self) -> Iterator[None]:
        """Convert errors of the database to an error that names it, and suppress the messages of Optuna.

        Raises:
            ArtifactError: If the database cannot be used.
        """
        from sqlalchemy.exc import SQLAlchemyError  # noqa: PLC0415 - comes with optuna

        logging = self._optuna.logging
        before = logging.get_verbosity()
        logging.set_verbosity(logging.ERROR)
        try:
            yield
        except (SQLAlchemyError, ImportError, self._optuna.exceptions.StorageInternalError) as error:
            cause = error.__cause__ or error
            got = str(cause).splitlines()[0] or type(cause).__name__
            raise ArtifactError(self._place, expected="a database that can be used", got=got) from error
        finally:
            logging.set_verbosity(before)

    def _open(self, folder: Path, url: str | None) -> "optuna.Study":
        storage = url if url is not None else self._file(folder.resolve() / FILE)
        study: optuna.Study = self._optuna.create_study(
            study_name=spelled(folder.resolve().name),
            storage=storage,
            direction="minimize",
            load_if_exists=True,
        )
        return study

    def _file(self, path: Path) -> Any:
        """Open a SQLite file with a write-ahead log, which writes less; a power cut loses little."""
        import sqlite3  # noqa: PLC0415 - some Pythons lack it

        def connect() -> "sqlite3.Connection":
            connection = sqlite3.connect(path, timeout=60, check_same_thread=False)
            connection.execute("PRAGMA journal_mode=WAL")
            connection.execute("PRAGMA synchronous=NORMAL")
            return connection

        return self._optuna.storages.RDBStorage(f"sqlite:///{FILE}", engine_kwargs={"creator": connect})

    def _recognize(self, identity: dict[str, Any], folder: Path) -> None:
        """Check that the stored results are comparable with new ones."""
        stored = self._study.user_attrs.get(IDENTITY)
        if stored is None:
            self._study.set_user_attr(IDENTITY, identity)
            return
        current = json.loads(json.dumps(identity))
        for name in current:
            if current[name] != stored.get(name):
                raise ConfigError(
                    f"{name} of the sweep in {folder}",
                    expected=json.dumps(stored.get(name), ensure_ascii=False),
                    got=json.dumps(current[name], ensure_ascii=False),
                    hint="continue with the same values, or choose another folder",
                )

    def _close_stale(self) -> None:
        """Mark the trainings as failed that ran, or were about to, when an earlier sweep was killed."""
        state = self._optuna.trial.TrialState
        for _ in self._study.get_trials(deepcopy=False, states=(state.WAITING,)):
            self._study.ask()  # a waiting one runs now: Optuna ends no other
        for trial in self._study.get_trials(deepcopy=False, states=(state.RUNNING,)):
            self._study.tell(trial.number, state=state.FAIL)

    def runs(self) -> list[Run]:
        """Read all trainings."""
        with self.guarded():
            trials = self._study.get_trials(deepcopy=False)
        return [_run(trial) for trial in trials if ROLE in trial.user_attrs and _is_whole(trial.params)]

    def start(self, task: Task, runs: list[Run]) -> Run:
        """Add a training that begins; if the task has no configuration, the sampler draws one.

        Args:
            task: The task.
            runs: All trainings so far.
        """
        with self.guarded():
            if task.configuration is not None:
                self._study.enqueue_trial(task.configuration)
            trial = self._study.ask(self._distributions)
            configuration = {name: trial.params[name] for name in PARAMETERS}
            seed = task.seed if task.configuration is not None else free_seed(runs, configuration)
            trial.set_user_attr(ROLE, {"seed": seed, "drawn": task.drawn})
        self._trials[trial.number] = trial
        return Run(number=trial.number, configuration=configuration, seed=seed, state="running",
                   drawn=task.drawn)  # fmt: skip

    def report(self, run: Run, part: int) -> bool:
        """Add the last evaluation of a training; return whether the training should end now.

        Args:
            run: The training.
            part: Number of the evaluation, from 1.
        """
        trial = self._trials[run.number]
        with self.guarded():
            trial.report(run.curve[-1][1], part)
            return run.seed == 0 and bool(trial.should_prune())

    def end(self, run: Run) -> None:
        """Store the end of a training."""
        state = self._optuna.trial.TrialState
        facts = {
            name: value for name, value in asdict(run).items() if name not in ("configuration", "number")
        }
        trial = self._trials.pop(run.number)
        with self.guarded():
            trial.set_user_attr(FACTS, facts)
            if run.state == "complete":
                self._study.tell(trial, run.bits_per_character)
            else:
                self._study.tell(trial, state=state.FAIL if run.state == "failed" else state.PRUNED)


def distributions(optuna: Any, config: SweepConfig) -> dict[str, "BaseDistribution"]:
    """Return the space as distributions of Optuna.

    In a grid, the distribution of a number is a range around its list, so that the list may grow when the
    sweep continues. The sampler draws from the list itself.
    """
    return {
        name: _span(optuna, name, values)
        if isinstance(values, Range) or (config.trials is None and PARAMETERS[name].kind is not str)
        else optuna.distributions.CategoricalDistribution(
            tuple(CELLS) if config.trials is None and name == "cell" else values
        )
        for name, values in config.space.items()
    }


def _span(optuna: Any, name: str, values: Values) -> "BaseDistribution":
    low, high = (values.low, values.high) if isinstance(values, Range) else (min(values), max(values))
    parameter = PARAMETERS[name]
    kinds = {int: optuna.distributions.IntDistribution, float: optuna.distributions.FloatDistribution}
    return kinds[parameter.kind](low, high, log=parameter.logarithmic)


def _pruner(optuna: Any, config: SweepConfig) -> Any:
    if config.pruner == "median":
        warmup = config.evaluations // 3  # early on, a small network always leads
        return optuna.pruners.MedianPruner(n_startup_trials=STARTUP_TRIALS, n_warmup_steps=warmup)
    if config.pruner == "halving":
        least = max(1, config.evaluations // 4)
        return optuna.pruners.SuccessiveHalvingPruner(min_resource=least, reduction_factor=2)
    return optuna.pruners.NopPruner()


def _is_whole(params: Mapping[str, Any]) -> bool:
    return all(name in params for name in PARAMETERS)


def _run(trial: "optuna.trial.FrozenTrial") -> Run:
    configuration: Configuration = {name: trial.params[name] for name in PARAMETERS}
    facts: dict[str, Any] = dict(trial.user_attrs.get(FACTS) or {})
    role = trial.user_attrs[ROLE]
    state = facts.pop("state", "failed" if trial.state.is_finished() else "running")
    facts["curve"] = tuple((seconds, bits) for seconds, bits in facts.get("curve", ()))
    return Run(number=trial.number, configuration=configuration, state=state, **{**role, **facts})
