"""The files of a run, each beside what it must say: lines, places, options, pictures."""

import errno
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from tests.pictures.labels import check_labels, words
from unspool._errors import ArtifactError, ConfigError, CorpusError
from unspool._text.records import Records
from unspool._training.config import TrainingConfig
from unspool._training.folder import metrics as module
from unspool._training.folder.corpus_places import (
    PLACES,
    CorpusPlaces,
    _read_places,
    keep_places,
    paths_of,
    placed_spec,
    shared_data,
    shared_description,
)
from unspool._training.folder.history import History
from unspool._training.folder.loss_curve import POINTS, LossCurve, ThinnedCurve, draw
from unspool._training.folder.metrics import MetricsFile, read_metrics, write_evaluations
from unspool._training.folder.run_folder import RunFolder, _usual_options, refuse_strangers
from unspool._training.folder.sole_writer import is_at_work, sole_writer
from unspool._training.records import EvaluationRecord, StepRecord, record_to_dict

from .test_run_folder import create

FILES_IN_USE = Path("/proc/self/fd")
EVALUATION = record_to_dict(
    EvaluationRecord(
        step=2, epoch=1, training_loss=1.0, training_bits_per_character=1.5, loss=1.0, bits_per_character=2.0,
        perplexity=2.7, best=True, seconds=0.5,
    )
)  # fmt: skip
CHANGE = {"kind": "change", "step": 2, "epoch": 1, "changes": {"epochs": [1, 2]}}
FINISH = {"kind": "finish", "step": 2}
LINES: list[dict[str, Any]] = [
    {"kind": "step", "step": 1, "bits_per_character": 3.0}, EVALUATION,
    {"kind": "sample", "step": 2, "text": "a"}, CHANGE, FINISH,
]  # fmt: skip


def learnt(*sizes: int) -> Any:
    """Make the place of texts of so many symbols, each with its end."""
    starts = np.cumsum([0, *sizes])[:-1].astype(np.int64)

    class Texts:
        def __init__(self) -> None:
            self.starts = starts

        def __len__(self) -> int:
            return sum(sizes)

    return Texts()


@pytest.mark.parametrize(
    ("texts", "longest"),
    [(None, 200), (learnt(), 200), (learnt(3, 199), 200), (learnt(201, 3), 201), (learnt(3, 900), 900),
     (learnt(10**6 + 1), 10**6)],
)  # fmt: skip
def test_texts_may_be_as_long_as_those_that_were_learnt(texts: Any, longest: int) -> None:
    assert _usual_options(texts, paired=False).max_new_tokens == longest
    assert _usual_options(texts, paired=False).temperature == 0.8
    assert _usual_options(texts, paired=True).temperature == 0.0


def test_a_history_counts_its_lines_by_kind() -> None:
    history = History([*LINES, EVALUATION])
    assert repr(history) == "<History: 1 step, 2 evaluations, 1 sample, 1 change, 1 finish>"
    assert repr(History([{"kind": "step"}] * 1200)) == "<History: 1,200 steps>"
    assert repr(History()) == "<History: nothing>"
    assert History([FINISH])._repr_svg_() is None
    assert "Loss" in words(check_labels(history.svg()))
    assert "Mine" in words(check_labels(history.svg("Mine")))
    assert history._repr_svg_() == history.svg()


def test_a_data_frame_of_a_history_has_plain_columns() -> None:
    pytest.importorskip("pandas")
    history = History(LINES)
    frame = history.to_frame("pandas")
    assert len(frame) == 5
    assert frame["changes"].tolist()[3] == '{"epochs": [1, 2]}'
    assert list(history.to_frame("pandas", kind="change").columns) == ["kind", "step", "epoch", "changes"]
    with pytest.raises(ConfigError, match="library"):
        history.to_frame("excel")


def test_a_model_takes_along_all_but_steps_and_samples(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    write_evaluations(path, LINES)
    assert read_metrics(path) == [EVALUATION, CHANGE, FINISH]
    whole = "".join(f"{module.json_text(line)}\n" for line in LINES)
    path.write_text(whole, "utf-8")
    write_evaluations(path, LINES)
    assert path.read_text("utf-8") == whole  # all of this training are there
    write_evaluations(path, [])
    assert not path.exists()
    write_evaluations(path, [])
    with pytest.raises(ArtifactError, match="its folder is gone"):
        write_evaluations(tmp_path / "gone" / "metrics.jsonl", LINES)


def test_lines_that_are_none_are_left_out_and_broken_evaluations_named(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert read_metrics(path) == []
    path.write_text('{"kind": "step", "step": 1}\noops\n7\n{"kind": "step", "st\n{"step": 3}', "utf-8")
    assert read_metrics(path) == [{"kind": "step", "step": 1}, {"step": 3}]
    path.write_text('oops\n{"kind": "evaluation", "step": 1}\n', "utf-8")
    with pytest.raises(ConfigError) as caught:
        read_metrics(path)
    assert str(caught.value).startswith(f"{path}, line 2: ")
    with pytest.raises(ArtifactError, match=f"^cannot read {tmp_path}"):
        read_metrics(tmp_path)


@pytest.mark.parametrize(
    ("line", "whole"),
    [
        ('{"kind": "step", "step": 1}', True),
        ('{"kind": "step", "step": 1, "bits_per_character": 2.5}', True),
        ('{"kind": "step", "step": 1, "bits_per_character": "2"}', False),
        ('{"kind": "step", "step": true}', False),
        ('{"kind": "step", "step": 1.0}', False),
        ('{"kind": 3, "step": 1}', False),
        ('{"kind": "step"}', False),
        ('{"kind": "evaluation", "step": 1}', False),
    ],
)
def test_a_line_that_is_kept_has_a_kind_and_a_step(tmp_path: Path, line: str, whole: bool) -> None:
    metrics = MetricsFile(tmp_path / "metrics.jsonl")
    metrics.path.write_text(f'{line}\n{{"kind": "step", "step": 1}}\n', "utf-8")
    assert len(metrics.cut_back(1)) == 1 + whole
    assert metrics.broken == ([] if whole else [1])


def test_a_line_without_end_is_read_in_parts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "LONGEST_LINE", 40)
    path = tmp_path / "metrics.jsonl"
    path.write_text(f'{"x" * 200}\n{{"kind": "step", "step": 1}}\n', "utf-8")
    assert read_metrics(path) == [{"kind": "step", "step": 1}]
    assert MetricsFile(path).cut_back(1) == [{"kind": "step", "step": 1}]


@pytest.mark.parametrize(("count", "said"), [(1, "line 1;"), (2, "lines 1, 2;"), (5, "lines 1, 2, 3, 4, 5;"),
                                             (6, "lines 1, 2, 3, 4, 5 and more;")])  # fmt: skip
def test_broken_lines_are_counted_in_words(tmp_path: Path, count: int, said: str) -> None:
    metrics = MetricsFile(tmp_path / "metrics.jsonl")
    metrics.path.write_text("oops\n" * count + '{"kind": "step", "step": 1}\n')
    metrics.cut_back(1)
    where = f"broken in {metrics.path} and left out: "
    assert metrics.remark() == f"{where}{said} checkpoint and model are whole"


def test_a_curve_is_halved_when_it_is_full() -> None:
    curve = ThinnedCurve(points=2)
    seen = []
    for x in range(1, 8):
        curve.add(x, 10.0 * x)
        seen.append([point[0] for point in curve.points()])
    assert seen == [[1], [1, 2], [1, 2, 3], [1.5, 3.5], [1.5, 3.5, 5], [1.5, 3.5, 5.5], [1.5, 3.5, 5.5, 7]]
    assert all(y == 10 * x for x, y in curve.points())


def test_only_measurements_are_drawn() -> None:
    curve = LossCurve()
    for line in (*LINES, {"kind": "step", "step": 4}, {**EVALUATION, "bits_per_character": None}):
        curve.add(line)
    assert (curve._training.points(), curve._validation) == ([(1.0, 3.0)], [(2, 2.0)])


def test_evaluations_have_marks_with_their_figures_unless_they_are_many() -> None:
    few = check_labels(draw("t", [], [(1000.0, 3.0), (2000.0, 2.5), (3000.0, float("inf"))]))
    texts = ["".join(element.itertext()) for element in few.iter()]
    assert {"step 1,000: 3.000", "step 2,000: 2.500"} <= set(texts)
    assert "best 2.500 at step 2,000" in words(few)
    described = "Bits per character over the steps of a training; best 2.500 at step 2,000"
    assert described in texts
    for count in (POINTS - 1, POINTS):
        many = draw("t", [], [(float(step), 2.0 + step) for step in range(count)])
        assert ("step 7: 9.000" in many) == (count < POINTS)


@pytest.mark.parametrize(
    ("source", "paths"),
    [("a/b.txt", ["a/b.txt"]), ("-", []), ("corpus:x", []), (["a", 3, "b"], ["a", "b"]), (None, []), (3, [])],
)
def test_what_stands_in_files_has_paths(source: Any, paths: list[str]) -> None:
    assert paths_of(source) == paths


def test_a_model_says_the_names_of_its_files_and_not_where_they_are() -> None:
    spec = {"source": "/home/me/names.txt", "text": "title"}
    data = {"description": "/home/me/names.txt", "records": spec, "validation": {"source": ["/x/a", "/y/b"]}}
    shared = shared_data(data)
    assert shared["records"] == {"source": "names.txt", "text": "title"}
    assert shared["validation"] == {"source": ["a", "b"]}
    assert shared["description"] == "names.txt"
    assert data["records"] is spec
    named = {"description": "the corpus", "records": {"source": "-"}, "validation": None}
    assert shared_data(named) == named
    assert shared_data({"description": "x"}) == {"description": "x"}
    assert shared_description(Records.of(["a", "b"])) == "2 texts in memory"


def test_places_are_kept_once_and_lead_back(tmp_path: Path) -> None:
    texts, run = tmp_path / "names.txt", tmp_path / "runs" / "one"
    texts.write_text("anna\n")
    run.mkdir(parents=True)
    records: Any = SimpleNamespace(spec={"source": str(texts)}, description="names.txt")
    keep_places(run, {"records": None, "validation": None})
    assert not (run / PLACES).exists()
    keep_places(run, {"records": records, "validation": None})
    assert _read_places(run / PLACES) == CorpusPlaces(1, ["../../names.txt"], None)
    written = (run / PLACES).stat().st_mtime_ns, (run / PLACES).read_bytes()
    assert written[1].endswith(b"\n")
    keep_places(run, {"records": records, "validation": None})
    assert ((run / PLACES).stat().st_mtime_ns, (run / PLACES).read_bytes()) == written
    spec = {"records": {"source": "names.txt", "text": "title"}, "validation": {}}
    assert placed_spec(run, spec, "records") == {"source": str(texts), "text": "title"}
    assert placed_spec(run, spec, "validation") == {}
    texts.rename(tmp_path / "other.txt")
    hint = "name the text: unspool train --resume DIR CORPUS, unspool audit DIR CORPUS"
    with pytest.raises(CorpusError) as caught:
        placed_spec(run, spec, "records")
    assert str(caught.value) == f"{texts}: no such file or folder; {hint}"
    moved: Any = SimpleNamespace(spec={"source": str(tmp_path / "other.txt")}, description="other.txt")
    keep_places(run, {"records": moved, "validation": None})
    assert placed_spec(run, spec, "records")["source"] == str(tmp_path / "other.txt")
    absolute: Any = SimpleNamespace(spec={"source": str(tmp_path / "other.txt")}, description=str(texts))
    (run / PLACES).unlink()
    keep_places(run, {"records": absolute, "validation": None})
    assert _read_places(run / PLACES).records == [str(tmp_path / "other.txt")]
    (run / PLACES).unlink()
    with pytest.raises(CorpusError) as caught:
        placed_spec(run, spec, "records")
    assert str(caught.value) == f"{run} does not say where names.txt is; {hint}"
    (run / PLACES).write_text('{"format_version": 2, "records": null, "validation": null}')
    with pytest.raises(ArtifactError) as broken:
        placed_spec(run, spec, "records")
    assert str(broken.value) == f"{run / PLACES}: format_version: expected 1, got 2; {hint}"


def test_a_run_that_is_begun_anew_notes_what_changed(make_task: Any, begin: Any, tmp_path: Path) -> None:
    task, other = make_task(), make_task(learning_rate=0.5, network={"hidden_size": 9})
    run = create(tmp_path / "run", task)
    run.record(StepRecord(step=1, epoch=1, progress=0.5, loss=1.0, bits_per_character=2.0, learning_rate=0.1,
                          grad_norm=1.0, characters=1, characters_per_second=1.0, seconds=1.0))  # fmt: skip
    run.save_checkpoint(begin(task))
    run.begin_anew(other.engine.config, other.config, reason="it was slow")
    assert (run.begun_anew, run.network, run.training) == ("it was slow", other.engine.config, other.config)
    assert not (tmp_path / "run" / "checkpoint" / "last.safetensors").exists()
    changes = {"hidden_size": [8, 9], "learning_rate": [0.01, 0.5]}
    assert read_metrics(tmp_path / "run" / "metrics.jsonl") == [
        {"kind": "change", "step": 0, "epoch": 1, "changes": changes}
    ]
    assert RunFolder.reopen(tmp_path / "run").network == other.engine.config


def test_a_change_is_noted_once_with_its_epoch(make_task: Any, begin: Any, tmp_path: Path) -> None:
    task = make_task()
    run, start = create(tmp_path / "run", task), begin(task)
    start.progress.step, start.progress.epoch, start.progress.finished = 5, 2, "epochs"
    for window, epoch in ((0, 2), (3, 3)):
        start.progress.window = window
        run.save_checkpoint(start)
        again = RunFolder.reopen(tmp_path / "run")
        fresh = begin(make_task(learning_rate=0.5))
        resumed = again.start(fresh)
        assert again.changes == {"learning_rate": (0.01, 0.5)}
        assert (resumed.progress.finished, resumed.identity) == (None, fresh.identity)
        last = read_metrics(tmp_path / "run" / "metrics.jsonl")[-1]
        assert (last["epoch"], last["step"]) == (epoch, 5)
        assert RunFolder.reopen(tmp_path / "run").progress().finished is None
    count = len(read_metrics(tmp_path / "run" / "metrics.jsonl"))
    run.save_checkpoint(start)  # a process that was killed has left the line alone
    RunFolder.reopen(tmp_path / "run").start(begin(make_task(learning_rate=0.5)))
    assert len(read_metrics(tmp_path / "run" / "metrics.jsonl")) == count


def test_a_folder_is_refused_in_words(tmp_path: Path) -> None:
    refuse_strangers(tmp_path / "new", overwrite=False)
    (tmp_path / "file").write_text("x")
    with pytest.raises(ArtifactError) as caught:
        refuse_strangers(tmp_path / "file", overwrite=True)
    assert str(caught.value) == f"{tmp_path / 'file'}: expected a folder for a new run, got a file"
    (tmp_path / "config.json").write_text("{}")
    with pytest.raises(ArtifactError) as caught:
        refuse_strangers(tmp_path, overwrite=False)
    assert str(caught.value) == f"{tmp_path} already holds a run; use --resume, --overwrite or another --out"
    refuse_strangers(tmp_path, overwrite=True)
    with pytest.raises(ArtifactError) as caught:
        RunFolder.reopen(tmp_path / "new")
    assert str(caught.value) == (
        f"{tmp_path / 'new'}: no run to resume: expected config.json and tokenizer.json; start a run without "
        "--resume"
    )


def test_a_folder_in_use_is_seen_and_free_afterwards(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    out = tmp_path / "a" / "b"
    assert is_at_work(out) is None
    with sole_writer(out):
        assert is_at_work(out) is True
        with pytest.raises(ArtifactError) as caught, sole_writer(out):
            pass
        assert str(caught.value) == (
            f"{out}: another training is writing to it; wait until it ends, or choose another folder"
        )
    assert is_at_work(out) is False
    open_files = len(list(FILES_IN_USE.iterdir())) if FILES_IN_USE.exists() else 0
    for _ in range(3):
        assert is_at_work(out) is False
    with sole_writer(out):
        pass
    if open_files:
        assert len(list(FILES_IN_USE.iterdir())) == open_files

    def without_locks(*_: object, **__: object) -> bool:
        raise OSError(errno.ENOLCK, "no locks")

    monkeypatch.setattr("unspool._training.folder.sole_writer.lock", without_locks)
    with sole_writer(out), sole_writer(out):
        assert is_at_work(out) is None


def test_options_of_a_run_are_those_it_was_begun_with(make_task: Any, tmp_path: Path) -> None:
    create(tmp_path / "run", make_task(), learnt=learnt(3, 900))
    assert RunFolder.reopen(tmp_path / "run").generation_config.max_new_tokens == 900
    (tmp_path / "run" / "generation_config.json").unlink()
    assert RunFolder.reopen(tmp_path / "run").generation_config.max_new_tokens == 200
    assert RunFolder.reopen(tmp_path / "run").training == TrainingConfig(
        epochs=3, batch_size=4, sequence_length=10, learning_rate=0.01, threads=2
    )
