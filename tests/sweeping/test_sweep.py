"""A sweep as a whole: complete, resumable, pruned, and honest about what failed."""

import dataclasses
import errno
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

import unspool
from tests.json_keys import keys
from unspool._errors import ArtifactError, ConfigError
from unspool._extras import install_command
from unspool._sweeping import sweep as sweeping
from unspool._sweeping.pool import LocalPool, LostError
from unspool._sweeping.results import Run
from unspool._sweeping.trial import Job, TrialReport
from unspool.sweeping import Range

from .test_trial import TEXTS

QUICK = {"symbols_per_trial": 1000, "evaluations": 3, "learning_rate": [0.02], "pruner": None}
TABLES: list[Path] = []
SHORT = unspool.TrainingConfig(sequence_length=16, threads=1)


@pytest.fixture(scope="module", autouse=True)
def tables(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """Make the empty tables of a database once: it takes a second, and every test needs them."""
    import optuna

    path = tmp_path_factory.mktemp("tables") / "sweep.db"
    optuna.storages.RDBStorage(f"sqlite:///{path}")
    TABLES.append(path)
    yield
    TABLES.clear()


def run(out: Path, *, ended: list[Run] | None = None, **changes: Any) -> unspool.Sweep:
    options = {name: changes.pop(name) for name in ("workers", "training", "storage") if name in changes}
    config = unspool.SweepConfig(**{**QUICK, "hidden_size": [4, 8], "seeds": 2, "batch_size": [4], **changes})
    kept = [] if ended is None else ended
    out.mkdir(exist_ok=True)
    if not (out / "sweep.db").exists() and "storage" not in options:
        shutil.copy(TABLES[0], out / "sweep.db")
    return unspool.sweep(
        TEXTS, out=out, config=config, on_run=lambda run, left: kept.append(run),
        **{"training": SHORT, **options},
    )  # fmt: skip


def names(runs: list[Run]) -> list[tuple[object, ...]]:
    return sorted((*run.configuration.values(), run.seed) for run in runs)


class ScriptedPool:
    """Run nothing: every training reaches what its hidden size says, in three evaluations."""

    def __init__(self, size: int, corpus: object) -> None:
        self._jobs: dict[int, Job] = {}
        self._due: list[tuple[int, int]] = []

    @property
    def free(self) -> int:
        return 1 - len(self._jobs)

    def begin(self, job: Job) -> None:
        self._jobs[job.number] = job
        self._due = [(job.number, 1)]

    def go_on(self, number: int) -> None:
        self._due = [(number, self._last + 1)]

    def drop(self, number: int) -> None:
        del self._jobs[number]

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        ((number, part),) = self._due
        self._last = part
        bits = (
            float(self._jobs[number].network.hidden_size) - part / 10 + self._jobs[number].training.seed / 100
        )
        return [(number, TrialReport(part=part, done=part == 3, bits_per_character=bits, parameters=1,
                                steps=part,
                                characters=part, seconds=float(part), evaluation_seconds=0.0))]  # fmt: skip

    def close(self) -> None:
        pass


class FailingPool(ScriptedPool):
    """Lose every training of the larger network."""

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        ((number, _),) = self._due
        if self._jobs[number].network.hidden_size == 8:
            self.drop(number)
            return [(number, LostError("its process was killed"))]
        return super().wait(seconds)


def test_a_grid_is_complete_and_goes_on_without_repeating(tmp_path: Path) -> None:
    ended: list[Run] = []
    found = run(tmp_path / "s", ended=ended, workers=2)
    assert len(ended) == len(set(names(ended))) == 8
    assert found.complete
    assert [len(outcome.complete) for outcome in found.outcomes] == [2] * 4
    assert found.best is not None
    assert "not clearly better" in found.verdict or "Best for this text" in found.verdict
    stored = json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))
    assert stored["verdict"] == found.verdict
    assert stored["configurations"][0]["runs"][0]["curve"]
    assert (tmp_path / "s" / "sweep.svg").read_text("utf-8").startswith("<svg")
    again: list[Run] = []
    assert run(tmp_path / "s", ended=again, workers=2).to_dict() == found.to_dict()
    assert again == []
    larger = run(tmp_path / "s", ended=again, hidden_size=[4, 8, 12], workers=1)
    assert names(again) == [(cell, 12, 1, 0.02, 0.0, 4, seed) for cell in ("gru", "lstm") for seed in (0, 1)]
    assert len(larger.outcomes) == 6


def test_the_keys_of_the_document_are_those_that_users_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", FailingPool)
    run(tmp_path / "s", cell=["gru"], seeds=1)
    tried = {"cell", "hidden_size", "num_layers", "learning_rate", "dropout", "batch_size"}
    training = {"number", "configuration", "seed", "state", "drawn", "message", "curve", "seconds",
                "characters", "parameters", "steps", "evaluation_seconds", "bits_per_character"}  # fmt: skip
    assert keys(json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))) == {
        "sweep": {field.name for field in dataclasses.fields(unspool.SweepConfig)},
        "": {"sweep", "folder", "description", "verdict", "complete", "best", "configurations",
             "failed", "running"},
        "best": tried,
        "configurations[]": {"configuration", "state", "parameters", "bits_per_character", "spread",
                             "seconds", "characters_per_second", "runs"},
        "configurations[].configuration": tried,
        "configurations[].runs[]": training,
        "configurations[].runs[].configuration": tried,
        "failed[]": training,
        "failed[].configuration": tried,
    }  # fmt: skip


def test_a_full_disk_is_one_clear_error_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("unspool._sweeping.sweep.atomic_write", full)
        with pytest.raises(ArtifactError, match="No space left on device; free some disk space and repeat"):
            run(tmp_path / "s", workers=2)
    ended: list[Run] = []
    assert run(tmp_path / "s", ended=ended, workers=2).complete
    assert ended == []


def test_the_sampler_draws_within_lists_and_ranges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    space = {"cell": ["gru"], "hidden_size": Range(4, 9), "learning_rate": Range(0.001, 0.1)}
    ended: list[Run] = []
    run(tmp_path / "s", ended=ended, trials=3, finalists=1, **space)
    assert len(ended) == 4
    drawn = [each.configuration for each in ended if each.drawn]
    assert len({tuple(each.values()) for each in drawn}) == 3
    assert all(4 <= each["hidden_size"] <= 9 and 0.001 <= each["learning_rate"] <= 0.1 for each in drawn)
    more: list[Run] = []
    run(tmp_path / "s", ended=more, trials=4, finalists=1, **space)
    assert more[0].drawn
    assert more[0].configuration not in drawn
    with pytest.raises(ConfigError, match="sampled"):
        run(tmp_path / "s", trials=4, finalists=1, **{**space, "hidden_size": [4, 5]})


@pytest.mark.parametrize("pruner", ["median", "halving"])
def test_what_is_hopeless_ends_early_and_is_not_repeated(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, pruner: str
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    ended: list[Run] = []
    sizes = [2, 3, 4, 5, 9, 1]
    found = run(tmp_path / "s", ended=ended, cell=["gru"], hidden_size=sizes, pruner=pruner, seeds=2)
    states = {each.configuration["hidden_size"]: each.state for each in ended if each.seed == 0}
    assert states[1] == "complete"
    assert states[9] == "pruned"
    pruned = [each for each in ended if each.state == "pruned"]
    assert all(len(each.curve) < 3 for each in pruned)
    assert {each.seed for each in pruned} == {0}
    survivors = sorted(size for size, state in states.items() if state == "complete")
    assert sorted(each.configuration["hidden_size"] for each in ended if each.seed == 1) == survivors
    assert found.best is not None
    assert found.best.configuration["hidden_size"] == 1
    assert found.outcomes[-1].state == "pruned"


def test_a_killed_worker_is_replaced_and_its_training_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begin, left = LocalPool.begin, [1]

    def deadly(self: LocalPool, job: Job) -> None:
        begin(self, job)
        if left:
            left.clear()
            os.kill(self._busy[job.number]._process.pid, signal.SIGKILL)

    monkeypatch.setattr(LocalPool, "begin", deadly)
    ended: list[Run] = []
    found = run(tmp_path / "s", ended=ended, cell=["gru"], hidden_size=[4], seeds=1)
    assert [each.state for each in ended] == ["failed", "complete"]
    assert "killed by signal 9" in str(ended[0].message)
    assert ended[1].configuration == ended[0].configuration
    assert found.complete
    assert found.failed == ()


class LosingPool(ScriptedPool):
    """Lose every training of four units."""

    def wait(self, seconds: float) -> list[tuple[int, Any]]:
        ((number, _),) = self._due
        if self._jobs[number].network.hidden_size == 4:
            self.drop(number)
            return [(number, LostError("its process was killed"))]
        return super().wait(seconds)


def test_a_training_that_always_fails_is_given_up_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", LosingPool)
    ended: list[Run] = []
    found = run(tmp_path / "s", ended=ended, cell=["gru"], seeds=1)
    assert [each.state for each in ended] == [*["failed"] * sweeping.ATTEMPTS, "complete"]
    assert not found.complete
    (lost,) = found.failed
    assert lost.configuration["hidden_size"] == 4
    assert [outcome.configuration["hidden_size"] for outcome in found.outcomes] == [8]
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    assert run(tmp_path / "s", cell=["gru"], seeds=1).complete


class InterruptedPool(ScriptedPool):
    """Press Ctrl-C when the third training begins."""

    begun = 0

    def begin(self, job: Job) -> None:
        super().begin(job)
        self.begun += 1
        if self.begun == 3:
            os.kill(os.getpid(), signal.SIGINT)


def test_ctrl_c_keeps_what_is_finished_and_the_same_call_goes_on(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", InterruptedPool)
    first: list[Run] = []
    space = {"cell": ["gru"], "hidden_size": [4, 6, 8], "seeds": 1}
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "s", ended=first, **space)
    assert [each.state for each in first] == ["complete", "complete", "failed"]
    stored = json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))
    assert not stored["complete"]
    assert len(stored["configurations"]) == 2
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    rest: list[Run] = []
    found = run(tmp_path / "s", ended=rest, **space)
    assert [each.configuration for each in rest] == [first[2].configuration]
    assert found.complete


def test_what_a_killed_sweep_was_running_is_begun_anew(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import optuna

    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1)
    study = optuna.load_study(study_name="s", storage=f"sqlite:///{tmp_path / 's' / 'sweep.db'}")
    study.ask()  # and then the machine goes down
    study.enqueue_trial({})  # or just before that
    ended: list[Run] = []
    run(tmp_path / "s", ended=ended, cell=["gru"], hidden_size=[4, 8], seeds=1)
    assert [each.configuration["hidden_size"] for each in ended] == [8]
    assert [trial.state.name for trial in study.trials] == ["COMPLETE", "FAIL", "FAIL", "COMPLETE"]


def test_a_diverged_training_is_not_tried_again(tmp_path: Path) -> None:
    wild = unspool.TrainingConfig(sequence_length=16, threads=1, optimizer="sgd", clip_norm=None)
    ended: list[Run] = []
    found = run(tmp_path / "s", ended=ended, cell=["gru"], hidden_size=[4], learning_rate=[3e38, 0.02],
                training=wild)  # fmt: skip
    assert [(each.state, each.seed) for each in ended] == [("diverged", 0), ("complete", 0), ("complete", 1)]
    assert found.outcomes[-1].state == "diverged"
    assert found.complete


@pytest.mark.parametrize(
    ("options", "named"),
    [
        ({"training": unspool.TrainingConfig(patience=2)}, "patience"),
        ({"training": unspool.TrainingConfig(learning_rate=0.5)}, "learning_rate"),
        ({"training": unspool.TrainingConfig(validation_fraction=None)}, "held out"),
        ({"network": unspool.NetworkConfig(hidden_size=3)}, "hidden_size"),
        ({"workers": 0}, "workers"),
        ({"config": {"seeds": 1}}, "config"),
    ],
)
def test_what_the_sweep_decides_cannot_be_set_beside_it(
    tmp_path: Path, options: dict[str, Any], named: str
) -> None:
    with pytest.raises(ConfigError, match=named):
        unspool.sweep(TEXTS, out=tmp_path / "s", **options)


def test_results_that_cannot_be_compared_are_not_mixed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1)
    with pytest.raises(ConfigError, match="symbols_per_trial"):
        run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1, symbols_per_trial=2000)
    with pytest.raises(ConfigError, match="corpus"):
        unspool.sweep(
            TEXTS[:-20], out=tmp_path / "s", training=SHORT,
            config=unspool.SweepConfig(**QUICK, cell=["gru"], hidden_size=[4], batch_size=[4]),
        )  # fmt: skip


def test_any_database_will_do_and_a_bad_one_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    url = f"sqlite:///{shutil.copy(TABLES[0], tmp_path / 'elsewhere.db')}"
    run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1, storage=url)
    assert (tmp_path / "elsewhere.db").read_bytes() != TABLES[0].read_bytes()
    assert not (tmp_path / "s" / "sweep.db").exists()
    for bad in ("no database", f"sqlite:///{tmp_path}/no/such/folder.db", "nosuch://host/x"):
        with pytest.raises(ArtifactError, match="database"):
            run(tmp_path / "t", cell=["gru"], hidden_size=[4], seeds=1, storage=bad)


def test_optuna_is_asked_for_by_name(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "optuna", None)
    with pytest.raises(ConfigError, match=re.escape(install_command("sweep"))):
        run(tmp_path / "s")


def test_a_python_without_sqlite_is_told(tmp_path: Path) -> None:
    program = (
        "import sys\n"
        "sys.modules['_sqlite3'] = None\n"
        "import unspool\n"
        "for options in ({'workers': 10**12}, {}):\n"
        "    try:\n"
        "        unspool.sweep(['a cat'], out='s', **options)\n"
        "    except unspool.ConfigError as error:\n"
        "        print(error)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    first, second = done.stdout.splitlines()
    assert first.startswith("workers must be a whole number from 1 to 1024")
    assert second.startswith("a sweep needs SQLite, and this Python cannot load it: got ")
    assert second.endswith("use a Python that was built with it")
    assert list(tmp_path.iterdir()) == []


def test_it_runs_beside_the_main_thread(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", ScriptedPool)
    found: list[unspool.Sweep] = []
    thread = threading.Thread(
        target=lambda: found.append(run(tmp_path / "s", cell=["gru"], hidden_size=[4], seeds=1))
    )
    thread.start()
    thread.join(60)
    assert found[0].complete


def test_processors_are_divided(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: set(range(8)))
    assert [sweeping.threads_each(workers) for workers in (1, 2, 3, 16)] == [8, 4, 2, 1]


def test_a_network_that_fits_one_of_the_sizes_alone_is_refused_at_the_start(tmp_path: Path) -> None:
    config = unspool.SweepConfig(hidden_size=[8, 16])
    network = unspool.NetworkConfig(hidden_size=128, embedding_size=128, tied_output=True)
    with pytest.raises(ConfigError, match=r"embedding_size must be hidden_size \(8\)"):
        unspool.sweep(TEXTS, out=tmp_path / "sweep", config=config, network=network)
    assert not (tmp_path / "sweep").exists()
