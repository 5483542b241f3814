"""What was stopped, killed or lost: kept, said, and gone on with by the same call."""

import json
import os
import signal
from pathlib import Path

import pytest

import unspool
from unspool._sweeping import sweep as sweeping
from unspool._sweeping.pool import LocalPool
from unspool._sweeping.results import Run
from unspool._sweeping.trial import Job

from .scripted import LosingPool, ScriptedPool, run

pytestmark = pytest.mark.usefixtures("tables")


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
