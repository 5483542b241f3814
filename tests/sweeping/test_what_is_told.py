"""What a sweep is told reaches what does it: the texts, the budget, the seeds, the workers, the result."""

import json
import shutil
from dataclasses import fields, replace
from pathlib import Path
from typing import Any, ClassVar

import pytest

import unspool
from unspool._configuration import to_plain
from unspool._errors import ConfigError
from unspool._network.config import NetworkConfig
from unspool._sweeping import sweep as sweeping
from unspool._sweeping.pool import LocalPool
from unspool._sweeping.results import Run
from unspool._sweeping.sweep import SweepPlan, _identity
from unspool._sweeping.sweep_config import SweepConfig
from unspool._sweeping.trial import Job, SweepCorpus
from unspool._training.config import TrainingConfig
from unspool.sweeping import Range

from .scripted import TABLES, LosingPool, ScriptedPool
from .test_trial import TEXTS, corpus

__all__ = ["corpus"]  # a fixture
pytestmark = pytest.mark.usefixtures("tables")
SMALL: dict[str, Any] = {"cell": ["gru"], "hidden_size": [4, 8], "learning_rate": [0.02], "batch_size": [4]}
BUDGET: dict[str, Any] = {"symbols_per_trial": 1000, "evaluations": 3, "pruner": None, "seeds": 2}


class NotingPool(ScriptedPool):
    """Note the jobs, and whether it was closed."""

    jobs: ClassVar[list[Job]] = []
    made: ClassVar[list[tuple[int, Any]]] = []
    closed = 0

    def __init__(self, size: int, texts: object) -> None:
        super().__init__(size, texts)
        NotingPool.made.append((size, texts))

    def begin(self, job: Job) -> None:
        NotingPool.jobs.append(job)
        super().begin(job)

    def close(self) -> None:
        NotingPool.closed += 1


@pytest.fixture(autouse=True)
def _scripted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", NotingPool)
    for name, value in (("jobs", []), ("made", []), ("closed", 0)):
        monkeypatch.setattr(NotingPool, name, value)


def sweep(out: Path, texts: Any = TEXTS, **options: Any) -> unspool.Sweep:
    out.mkdir(exist_ok=True)
    if not (out / "sweep.db").exists():
        shutil.copy(TABLES[0], out / "sweep.db")
    return unspool.sweep(texts, out=out, **{"config": SweepConfig(**SMALL, **BUDGET), **options})


def test_each_training_has_its_budget_its_seed_and_its_share_of_the_processors(tmp_path: Path) -> None:
    left: list[tuple[int, int]] = []
    plans: list[SweepPlan] = []
    found = sweep(
        tmp_path / "s", training=TrainingConfig(sequence_length=16, threads=3, seed=5), workers=2,
        network=NetworkConfig(input_dropout=0.25), validation=["oil wins"],
        on_run=lambda run, rest: left.append((run.number, rest)), on_start=plans.append,
    )  # fmt: skip
    assert [(job.network.hidden_size, job.training.seed) for job in NotingPool.jobs] == [
        (4, 5), (8, 5), (4, 6), (8, 6)
    ]  # fmt: skip
    assert {job.number for job in NotingPool.jobs} == {0, 1, 2, 3}
    for job in NotingPool.jobs:
        assert (job.minutes, job.symbols, job.evaluations) == (None, 1000, 3)
        assert (job.training.threads, job.training.sequence_length, job.training.batch_size) == (3, 16, 4)
        assert (job.network.input_dropout, job.network.cell, job.training.learning_rate) == (
            0.25,
            "gru",
            0.02,
        )
    ((size, texts),) = NotingPool.made
    assert size == 2
    assert NotingPool.closed == 1
    characters = sum(map(len, TEXTS))
    assert (texts.training.characters, texts.validation.characters) == (characters, 8)
    assert {job.network.vocab_size for job in NotingPool.jobs} == {texts.eos_id + 1}
    assert texts.document is False
    assert left == [(0, 3), (1, 2), (2, 1), (3, 0)]
    (plan,) = plans
    assert plan == SweepPlan(
        folder=tmp_path / "s", description=f"{len(TEXTS)} texts in memory", characters=characters,
        held_out_characters=8, vocab_size=texts.eos_id + 1, config=SweepConfig(**SMALL, **BUDGET), workers=2,
        threads=3, settled=0, planned=4,
    )  # fmt: skip
    again: list[SweepPlan] = []
    options: Any = {"training": TrainingConfig(sequence_length=16, threads=1, seed=5), "workers": 2}
    more = SweepConfig(**SMALL, **{**BUDGET, "seeds": 3})
    sweep(tmp_path / "s", network=NetworkConfig(input_dropout=0.25), validation=["oil wins"], config=more,
          on_start=again.append, **options)  # fmt: skip
    assert (again[0].settled, again[0].planned, again[0].threads) == (4, 2, 1)
    written = (tmp_path / "s" / "sweep.json").read_text("utf-8")
    assert written.endswith("\n}\n")
    assert written.startswith('{\n "folder": "s",\n "description"')
    assert json.loads(written)["sweep"] == to_plain(more)
    assert found.folder == tmp_path / "s"
    assert found.description == plan.description


def test_what_fails_is_counted_among_what_is_left(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", LosingPool)
    told: list[tuple[str, int]] = []
    found = sweep(
        tmp_path / "s", training=TrainingConfig(sequence_length=16),
        on_run=lambda run, rest: told.append((run.state, rest)),
    )  # fmt: skip
    assert told == [("failed", 4), ("failed", 4), ("failed", 2), ("complete", 1), ("complete", 0)]
    assert [run.message for run in found.failed] == ["LostError: its process was killed"]
    assert not found.complete
    assert json.loads((tmp_path / "s" / "sweep.json").read_text("utf-8"))["complete"] is False


def test_threads_are_shared_and_on_a_cluster_each_has_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sweeping, "available_processors", lambda: 8)
    sweep(tmp_path / "s", workers=2)
    assert {job.training.threads for job in NotingPool.jobs} == {4}
    asked: list[Any] = []

    class Cluster(NotingPool):
        def __init__(self, address: str, size: int, texts: object, *, threads: int) -> None:
            super().__init__(size, texts)
            asked.append((address, size, threads))

    monkeypatch.setattr(sweeping, "RayPool", Cluster)
    monkeypatch.setattr(sweeping, "import_ray", lambda: None)
    NotingPool.jobs.clear()
    sweep(tmp_path / "r", workers=2, ray="auto")
    sweep(tmp_path / "q", workers=3, ray="host:1", training=TrainingConfig(threads=5))
    assert asked == [("auto", 2, 1), ("host:1", 3, 5)]
    assert [job.training.threads for job in NotingPool.jobs] == [1] * 4 + [5] * 4


def test_texts_become_ids_as_it_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class StopError(Exception):
        pass

    heard: list[Any] = []

    def listen(*arguments: Any) -> None:
        heard.append(arguments)
        raise StopError

    monkeypatch.setattr(sweeping, "encode_corpus", listen)
    texts = unspool.Records.of(TEXTS, document=True, normalization="NFKC")
    labelled = [{"text": "a cat", "label": "x"}]
    options: Any = {"tokenizer": "word", "max_vocab_size": 50, "validation": ["a dog"]}
    for records, told in (
        (texts, options),
        (labelled, {"training": TrainingConfig(validation_fraction=0.5)}),
    ):
        with pytest.raises(StopError):
            unspool.sweep(records, out=tmp_path / "s", **told)
    (read, recipe, held_out), (_, usual, none) = heard
    assert read is texts
    assert (recipe.tokenizer, recipe.max_vocab_size, recipe.normalization) == ("word", 50, "NFKC")
    assert (recipe.document, recipe.validation_fraction) == (True, TrainingConfig().validation_fraction)
    assert [record.text for record in held_out] == ["a dog"]
    assert (usual.tokenizer, usual.max_vocab_size, usual.normalization) == ("char", None, "NFC")
    assert (usual.document, usual.validation_fraction, usual.contexts) == (False, 0.5, "learn")
    assert none is None
    with pytest.raises(unspool.CorpusError, match=r"^validation: "):
        unspool.sweep(TEXTS, out=tmp_path / "s", validation="no such file")
    assert not (tmp_path / "s").exists()


@pytest.mark.parametrize(("package", "options"), [("optuna", {}), ("ray", {"ray": "auto"})])
def test_a_package_that_is_missed_is_said_before_the_texts_are_read(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, package: str, options: dict[str, Any]
) -> None:
    monkeypatch.setitem(__import__("sys").modules, package, None)
    monkeypatch.setattr(sweeping, "as_records", lambda *_, **__: pytest.fail("the texts are read"))
    with pytest.raises(ConfigError, match=f"needs the package {package}, which is not installed"):
        unspool.sweep(TEXTS, out=tmp_path / "s", **options)


MINUTES = SweepConfig(minutes_per_trial=2.0, seeds=2)
SYMBOLS = SweepConfig(symbols_per_trial=1000, seeds=2)


def identity(corpus: SweepCorpus, config: SweepConfig = MINUTES, **changes: Any) -> dict[str, Any]:
    told: dict[str, Any] = {"network": NetworkConfig(), "training": TrainingConfig(), "corpus": corpus,
                            "workers": 1, "ray": None}  # fmt: skip
    return _identity(config, **(told | changes))


def test_what_makes_trainings_comparable_is_kept(corpus: SweepCorpus) -> None:
    kept = identity(corpus)
    of_configurations = {field.name for kind in (NetworkConfig, TrainingConfig) for field in fields(kind)}
    free = {"minutes", "patience", "evaluate_every", "learning_rate", "batch_size", "cell", "hidden_size",
            "num_layers", "dropout", "epochs", "checkpoint_seconds"}  # fmt: skip
    own = {"minutes_per_trial", "symbols_per_trial", "evaluations", "corpus", "sampled"}
    assert set(kept) == of_configurations - free | own | {"workers", "threads", "on a cluster"}
    assert set(identity(corpus, SYMBOLS)) == of_configurations - free - {"threads"} | own
    assert (kept["minutes_per_trial"], kept["symbols_per_trial"], kept["evaluations"]) == (2.0, None, 8)
    assert (kept["sampled"], kept["workers"], kept["on a cluster"]) == (None, 1, False)
    held = [corpus.training.fingerprint(), corpus.validation.fingerprint(), False]
    assert kept["corpus"] == held
    assert len(set(held[:2])) == 2


@pytest.mark.parametrize(
    ("config", "changes", "differs"),
    [
        (replace(MINUTES, minutes_per_trial=3.0), {}, "minutes_per_trial"),
        (replace(MINUTES, evaluations=9), {}, "evaluations"),
        (replace(MINUTES, seeds=9, finalists=1, pruner=None, hidden_size=[7]), {}, None),
        (replace(MINUTES, trials=4), {}, "sampled"),
        (MINUTES, {"workers": 2}, "workers"),
        (MINUTES, {"ray": "auto"}, "on a cluster"),
        (MINUTES, {"training": TrainingConfig(threads=2)}, "threads"),
        (MINUTES, {"training": TrainingConfig(sequence_length=7)}, "sequence_length"),
        (MINUTES, {"training": TrainingConfig(epochs=7, checkpoint_seconds=1.0)}, None),
        (MINUTES, {"network": NetworkConfig(embedding_size=7)}, "embedding_size"),
    ],
)
def test_what_would_not_be_comparable_differs(
    corpus: SweepCorpus, config: SweepConfig, changes: dict[str, Any], differs: str | None
) -> None:
    one, other = identity(corpus), identity(corpus, config, **changes)
    assert [name for name in one if one[name] != other[name]] == ([] if differs is None else [differs])
    drawn = replace(SYMBOLS, trials=2, hidden_size=Range(8, 16))
    assert identity(corpus, drawn)["sampled"]["hidden_size"] == {"low": 8, "high": 16}
    assert identity(corpus, SYMBOLS, workers=2, ray="auto") == identity(corpus, SYMBOLS)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"config": 3}, "config must be a SweepConfig, or None; got 3"),
        ({"network": 3}, "network must be a NetworkConfig, or None; got 3"),
        ({"training": 3}, "training must be a TrainingConfig, or None; got 3"),
        ({"workers": 0}, "workers must be a whole number from 1 to 1024; got 0"),
        ({"workers": 1025}, "workers must be a whole number from 1 to 1024; got 1025"),
        (
            {"network": NetworkConfig(hidden_size=3)},
            "hidden_size must be left out: the sweep chooses it; got 3; set it in the SweepConfig",
        ),
        (
            {"training": TrainingConfig(patience=3)},
            "patience must be left out: the sweep chooses it; got 3; leave it out",
        ),
        ({"texts": [("a", "b")]}, "a sweep does not train on pairs; leave the sources out"),
        (
            {"training": TrainingConfig(validation_fraction=None)},
            "no text is held out, and a sweep needs some to compare with; set validation_fraction, give "
            "validation, or use more text",
        ),
    ],
)
def test_what_a_sweep_refuses_is_said_whole(tmp_path: Path, options: dict[str, Any], message: str) -> None:
    texts = options.get("texts", TEXTS)
    with pytest.raises(ConfigError) as caught:
        unspool.sweep(texts, out=tmp_path / "s", **{k: v for k, v in options.items() if k != "texts"})
    assert str(caught.value) == message
    assert not (tmp_path / "s").exists()


def test_the_pool_of_this_machine_has_the_workers(
    monkeypatch: pytest.MonkeyPatch, corpus: SweepCorpus
) -> None:
    monkeypatch.setattr(sweeping, "LocalPool", LocalPool)
    pool = sweeping._pool(3, corpus, None, 2)
    assert isinstance(pool, LocalPool)
    assert pool.free == 3
    pool.close()


def test_an_earlier_value_and_this_one_are_said(tmp_path: Path) -> None:
    sweep(tmp_path / "s")
    with pytest.raises(ConfigError) as caught:
        sweep(tmp_path / "s", config=SweepConfig(**SMALL, **{**BUDGET, "evaluations": 4}))
    assert str(caught.value) == (
        f"evaluations of the sweep in {tmp_path / 's'}: expected 3, got 4; continue with the same values, or "
        "choose another folder"
    )


def test_a_run_keeps_its_facts_over_a_pause(tmp_path: Path) -> None:
    runs: list[Run] = []
    sweep(tmp_path / "s", on_run=lambda run, _: runs.append(run))
    stored = sweep(tmp_path / "s", config=SweepConfig(**SMALL, **{**BUDGET, "seeds": 3}))
    kept = {run.number: run for outcome in stored.outcomes for run in outcome.runs}
    assert [kept[run.number] for run in runs] == runs
    assert {run.seed for run in kept.values()} == {0, 1, 2}
    assert all(len(run.curve) == 3 and run.steps == run.characters == 3 for run in kept.values())
    assert all((run.seconds, run.parameters, run.message) == (3.0, 1, None) for run in kept.values())
