"""Parts of a sweep by hand: what the database is told, how a budget is spent, what the picture shows."""

import math
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from tests.pictures.labels import check_labels, words
from unspool._engines import make_engine
from unspool._errors import ArtifactError, DivergenceError
from unspool._evaluation.streams import evaluate_stream
from unspool._network.cells import CELLS
from unspool._network.parameters import count_parameters
from unspool._pictures.colours import BLUE, GREY, ORANGE
from unspool._sweeping import ledger as module
from unspool._sweeping import ray_pool
from unspool._sweeping import trial as trials
from unspool._sweeping.ledger import Ledger, _is_whole, _run, distributions
from unspool._sweeping.picture import MARKS, _better, _mark, _tip, draw_sweep
from unspool._sweeping.results import Sweep, SweepOutcome, outcomes
from unspool._sweeping.schedule import Task, next_task, planned
from unspool._sweeping.sweep_config import SweepConfig
from unspool._sweeping.trial import NEVER, BudgetClock, SweepCorpus, budgeted, run_trial
from unspool._sweeping.verdict import NetworkComparison, _looks_larger, _times, judge
from unspool._training.checkpoints import RunProgress
from unspool.sweeping import Range

from .runs import SMALL, ended, made
from .test_trial import Ticking, corpus, job, reports
from .test_verdict import several

__all__ = ["corpus"]  # the fixture


class Distributions(SimpleNamespace):
    """Stand for optuna.distributions: each tells how it was made."""

    def __init__(self) -> None:
        names = ("IntDistribution", "FloatDistribution", "CategoricalDistribution")
        super().__init__(**{n: lambda *given, n=n, **options: (n, *given, options) for n in names})


def told(config: SweepConfig) -> dict[str, Any]:
    return distributions(SimpleNamespace(distributions=Distributions()), config)


def test_a_grid_is_a_range_that_may_grow_and_what_is_drawn_is_a_list() -> None:
    space: dict[str, Any] = {
        "cell": ["gru"],
        "hidden_size": [8, 4],
        "learning_rate": [0.02],
        "dropout": [0, 0.5],
    }
    grid = told(SweepConfig(**space))
    assert grid["cell"] == (
        "CategoricalDistribution",
        tuple(CELLS),
        {},
    )  # others may be added when it goes on
    assert grid["hidden_size"] == ("IntDistribution", 4, 8, {"log": True})
    assert grid["num_layers"] == ("IntDistribution", 1, 1, {"log": False})
    assert grid["learning_rate"] == ("FloatDistribution", 0.02, 0.02, {"log": True})
    assert grid["dropout"] == ("FloatDistribution", 0.0, 0.5, {"log": False})
    drawn = told(SweepConfig(**{**space, "batch_size": Range(2, 9)}, trials=3))
    assert drawn["cell"] == ("CategoricalDistribution", ("gru",), {})
    assert drawn["hidden_size"] == ("CategoricalDistribution", (8, 4), {})
    assert drawn["batch_size"] == ("IntDistribution", 2, 9, {"log": True})


def trial(number: int, attrs: dict[str, Any], *, finished: bool = False) -> Any:
    state = SimpleNamespace(is_finished=lambda: finished)
    return SimpleNamespace(number=number, params=made(), user_attrs=attrs, state=state)


def test_a_run_is_read_back_as_it_was_written() -> None:
    role = {module.ROLE: {"seed": 2, "drawn": True}}
    facts = {"state": "pruned", "curve": [[0.5, 3.0], [1.0, 2.0]], "steps": 7, "seed": 2, "drawn": True}
    run = _run(trial(4, {**role, module.FACTS: facts}, finished=True))
    assert (run.number, run.seed, run.drawn, run.state, run.steps) == (4, 2, True, "pruned", 7)
    assert run.curve == ((0.5, 3.0), (1.0, 2.0))
    assert run.configuration == made()
    assert [_run(trial(1, role, finished=over)).state for over in (True, False)] == ["failed", "running"]
    assert _run(trial(1, role)).curve == ()
    assert _is_whole(made())
    assert not _is_whole({"cell": "gru"})


class Study:
    """Note what a study is told."""

    def __init__(self) -> None:
        self.said: list[Any] = []
        self.user_attrs: dict[str, Any] = {}

    def tell(self, number: Any, value: Any = None, *, state: Any = None) -> None:
        self.said.append((value, state))


@pytest.mark.parametrize(
    ("state", "said"),
    [("complete", (2.0, None)), ("failed", (None, "FAIL")), ("pruned", (None, "PRUNED")),
     ("diverged", (None, "PRUNED"))],
)  # fmt: skip
def test_an_end_is_told_with_all_that_is_known(state: str, said: Any) -> None:
    pytest.importorskip("optuna")
    ledger, study = Ledger.__new__(Ledger), Study()
    states = SimpleNamespace(FAIL="FAIL", PRUNED="PRUNED")
    optuna = module.import_optuna()
    ledger._optuna = SimpleNamespace(trial=SimpleNamespace(TrialState=states), logging=optuna.logging,
                                     exceptions=optuna.exceptions)  # fmt: skip
    kept: dict[str, Any] = {}
    held: Any = SimpleNamespace(set_user_attr=kept.__setitem__)
    ledger._study, ledger._trials = study, {0: held}  # type: ignore[assignment]
    run = replace(ended(2.0), state=state, message="why")
    ledger.end(run)
    assert study.said == [said]
    assert ledger._trials == {}
    facts = kept[module.FACTS]
    assert (facts["state"], facts["message"], facts["curve"]) == (state, "why", run.curve)
    assert set(facts) == {"seed", "state", "drawn", "curve", "parameters", "steps", "characters", "seconds",
                          "evaluation_seconds", "message"}  # fmt: skip
    before = optuna.logging.get_verbosity()
    ledger._place = "a place"
    with pytest.raises(ArtifactError) as caught, ledger.guarded():
        raise ImportError("no driver\nat all")
    assert str(caught.value) == "a place: expected a database that can be used, got no driver"
    assert optuna.logging.get_verbosity() == before
    with ledger.guarded():
        assert optuna.logging.get_verbosity() == optuna.logging.ERROR
    with pytest.raises(ArtifactError, match=r"got ImportError$"), ledger.guarded():
        raise ImportError("\n")


def test_a_report_prunes_the_first_seed_alone() -> None:
    pytest.importorskip("optuna")
    ledger = Ledger.__new__(Ledger)
    ledger._optuna = module.import_optuna()
    told_of: list[Any] = []
    bad: Any = SimpleNamespace(report=lambda *given: told_of.append(given), should_prune=lambda: True)
    ledger._trials = {0: bad}
    assert ledger.report(ended(2.0), 3) is True
    assert ledger.report(ended(2.0, seed=1), 4) is False
    assert told_of == [(2.0, 3), (2.0, 4)]


def test_a_budget_is_minutes_or_symbols_and_nothing_else_ends_a_trial() -> None:
    config = replace(job().training, epochs=3, patience=2, checkpoint_seconds=1.0)
    for minutes, symbols, left in ((2.0, None, 2.0), (None, 120, 2.0), (9.0, 60, 1.0)):
        spent = budgeted(job(training=config, minutes=minutes, symbols=symbols))
        assert (spent.minutes, spent.epochs, spent.patience) == (left, None, None)
        assert (spent.evaluate_every, spent.checkpoint_seconds) == (NEVER, NEVER)
        assert (spent.batch_size, spent.threads) == (config.batch_size, config.threads)


def test_a_report_has_the_facts_of_its_training(corpus: SweepCorpus) -> None:
    asked = job(evaluations=2)
    found = reports(run_trial(asked, corpus, clock=Ticking()))
    assert [report.part for report in found] == [1, 2]
    assert {report.parameters for report in found} == {count_parameters(asked.network)}
    assert found[0].seconds < found[1].seconds
    assert 0 < found[0].evaluation_seconds < found[1].evaluation_seconds
    assert 0 < found[0].characters < found[1].characters <= corpus.training.characters * 20
    assert found[0].steps == pytest.approx(found[1].steps / 2, abs=1)


@pytest.mark.parametrize("document", [False, True])
def test_what_is_measured_is_what_is_held_out(
    corpus: SweepCorpus, monkeypatch: pytest.MonkeyPatch, document: bool
) -> None:
    texts = replace(corpus, document=document)
    trained = job(evaluations=1)
    seen: list[Any] = []
    (report,) = reports(run_trial(trained, texts))
    made_of = trials._Trial(job(evaluations=2), texts, Ticking())
    seen.append(made_of.measure())
    expected = evaluate_stream(
        make_engine("cpu", trained.network, threads=1), made_of.start.model, corpus.validation,
        eos_id=corpus.eos_id, document=document,
    )  # fmt: skip
    assert seen == [expected.bits_per_character]
    assert report.done
    monkeypatch.setattr(
        trials, "evaluate_stream", lambda *_, **__: replace(expected, bits_per_character=math.inf)
    )
    with pytest.raises(DivergenceError) as caught:
        made_of.measure()
    assert str(caught.value) == "the held-out text has no finite loss at step 0"


def test_a_clock_begins_when_it_is_first_read() -> None:
    time = [5.0]
    clock = BudgetClock(RunProgress(), by_symbols=False, clock=lambda: time[0])
    assert clock() == 0.0
    time[0] = 8.0
    assert clock() == clock.seconds == 3.0
    with clock.paused():
        time[0] = 18.0
    assert (clock.paused_seconds, clock.seconds) == (10.0, 3.0)

    def fail() -> None:
        time[0] = 20.0
        raise ValueError("x")

    with pytest.raises(ValueError, match="x"), clock.paused():
        fail()
    assert clock.seconds == 3.0  # what was paused counts, however it ended


def test_what_is_left_is_counted_while_it_runs() -> None:
    runs = [ended(2.0, hidden_size=4), ended(2.0, hidden_size=8, state="running")]
    assert planned(SMALL, runs) == 1 + 2 + 4  # one runs, two wait, and four have another seed
    finals = replace(SMALL, finalists=2, seeds=3)
    assert planned(finals, runs) == 1 + 2 + 2 * 2
    drawing = SweepConfig(trials=3, seeds=2)
    drawn = [replace(ended(2.0), drawn=True)]
    assert planned(drawing, drawn) == 2 + 3
    assert next_task(drawing, drawn) == Task(None, 0, drawn=True)
    busy = [replace(ended(2.0), drawn=True, state="running")] * 1
    assert next_task(replace(drawing, trials=1), busy) is None
    repeats = [ended(2.0, cell=cell, hidden_size=size) for cell in ("lstm", "gru") for size in (4, 8)]
    going = [*repeats, ended(2.0, hidden_size=4, seed=1, state="running")]
    assert planned(SMALL, going) == 1 + 3
    task = next_task(SMALL, going)
    assert task is not None
    assert (task.configuration, task.seed) == (repeats[1].configuration, 1)


@pytest.mark.parametrize(
    ("difference", "noise", "words_of", "larger"),
    [(0.5, None, "noise unknown", True), (0.5, 0.0, "with no noise between seeds", True),
     (0.5, 0.25, "2.0 times the noise between seeds", False),
     (0.51, 0.25, "2.0 times the noise between seeds", True)],
)  # fmt: skip
def test_a_difference_is_told_in_noise(
    difference: float, noise: float | None, words_of: str, larger: bool
) -> None:
    rival = outcomes([ended(2.0)])[0]
    found = NetworkComparison(rival, difference, noise, None)
    assert (_times(found), _looks_larger(found)) == (words_of, larger)


def test_many_that_are_alike_are_counted() -> None:
    alike = [
        run for size in (4, 8, 16, 32, 64) for run in several([2.0 + size / 1e5, 2.1, 2.2], hidden_size=size)
    ]
    found = judge(outcomes(alike), seeds=3).sentence
    assert found.startswith(
        "Lowest: lstm, 4 units with 2.1000 ± 0.1000 bits per character over 3 seeds, but not "
    )
    assert found.count("units (+") == 3
    assert found.endswith(" and 1 more.")
    one = judge(outcomes([*several([2.0]), *several([2.5], cell="gru")]), seeds=1).sentence
    assert one == (
        "Lowest: lstm, 8 units with 2.0000 bits per character over 1 seed, 0.5000 less than the next, gru, 8 "
        "units. More seeds are needed to know how much is noise."
    )
    assert judge([], seeds=1).sentence == (
        "No training went on to the end of its budget, so nothing can be said."
    )
    alone = judge(outcomes(several([2.0, 2.1])), seeds=2).sentence
    assert alone.endswith("bits per character over 2 seeds. There is nothing to compare it with.")


def sweep_of(*runs: Any, verdict: str = "A verdict.") -> Sweep:
    found = outcomes(runs)
    best = judge(found, seeds=2).best
    return Sweep(folder=Path("x"), description="names.txt", outcomes=tuple(found), best=best, verdict=verdict,
                 complete=True)  # fmt: skip


def test_the_picture_says_what_it_shows() -> None:
    shown = check_labels(draw_sweep(sweep_of(ended(2.0), ended(3.0, cell="gru"))))
    texts = ["".join(element.itertext()) for element in shown.iter()]
    assert "Bits per character against time and against parameters. A verdict." in texts
    assert {"Sweep of names.txt", "seconds of learning", "bits per character", "parameters"} <= set(
        words(shown)
    )
    assert "stopped early" not in words(shown)
    assert "best: lstm, 8 units (drawn strong)" in words(shown)
    assert not any("drawn strong" in said for said in words(check_labels(draw_sweep(sweep_of()))))


def test_each_cell_has_its_mark_and_each_outcome_its_tip() -> None:
    assert {"rnn": ("diamond", MARKS["rnn"][1]), "lstm": ("circle", BLUE), "gru": ("square", ORANGE)} == MARKS
    (best,) = outcomes([ended(2.0), ended(2.5, seed=1)])
    (pruned,) = outcomes([ended(2.0, cell="mgu", state="pruned")])
    assert _mark(best) == ("circle", BLUE)
    assert _mark(pruned) == ("square", GREY)
    assert _tip(best, ["learning_rate"]) == "lstm, 8 units, learning rate 0.02: 2.2500"
    assert _tip(pruned, []) == "mgu, 8 units: pruned"
    assert isinstance(best, SweepOutcome)


def test_the_worst_tenth_is_above_the_picture() -> None:
    values = [*range(1, 11), 1000.0]
    scale = _better([float(value) for value in values])
    one_tenth_off = _better([float(value) for value in range(1, 11)])
    assert vars(scale) == vars(one_tenth_off)  # of eleven, ten are shown
    assert vars(_better([1.0, 2.0, math.inf])) == vars(_better([1.0, 2.0]))


def test_an_actor_has_its_processors_and_is_killed_at_the_end(monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[Any] = []
    ray = SimpleNamespace(
        is_initialized=lambda: False, init=lambda **options: calls.append(options), put=lambda value: value,
        remote=lambda kind: SimpleNamespace(options=lambda **options: calls.append(options)),
        kill=lambda actor: calls.append(("kill", actor)), shutdown=lambda: calls.append("shutdown"),
    )  # fmt: skip
    monkeypatch.setattr(ray_pool, "import_ray", lambda: ray)
    texts: Any = "texts"
    pool = ray_pool.RayPool("auto", 3, texts, threads=2)
    assert calls == [{"address": "auto", "log_to_driver": False, "logging_level": "ERROR"}, {"num_cpus": 2}]
    assert (pool.free, pool.wait(1.0)) == (3, [])
    pool._idle, pool._busy = ["idle"], {7: "busy"}
    calls.clear()
    pool.close()
    assert calls == [("kill", "idle"), ("kill", "busy"), "shutdown"]
    assert (pool._idle, pool._busy, pool._pending, pool.free) == ([], {}, {}, 3)
    ray.is_initialized = lambda: True
    calls.clear()
    ray_pool.RayPool("auto", 3, texts, threads=2).close()
    assert calls == [{"num_cpus": 2}]  # a cluster that others joined stays
