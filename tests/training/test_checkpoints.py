import dataclasses
import errno
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from unspool._artifacts.tensor_files import open_tensor_file, tensor_file_bytes
from unspool._errors import ArtifactError
from unspool._training.changes import changes_since
from unspool._training.checkpoint_sink import MemorySink
from unspool._training.checkpoints import Checkpoint, load_checkpoint, save_checkpoint
from unspool._training.loop import train_loop
from unspool._training.task import TrainingTask

MakeTask = Callable[..., TrainingTask]
Begin = Callable[[TrainingTask], Checkpoint]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "checkpoint" / "last.safetensors"


def trained(task: TrainingTask, begin: Begin, stop_at: Any, steps: int = 5) -> Checkpoint:
    sink = MemorySink()
    list(train_loop(task, begin(task), sink=sink, stop_requested=stop_at(steps)))
    assert sink.checkpoint is not None
    return sink.checkpoint


@pytest.mark.parametrize("optimizer", ["adamw", "sgd"])
def test_the_round_trip_is_exact(
    make_task: MakeTask, begin: Begin, stop_at: Any, path: Path, optimizer: str
) -> None:
    task = make_task(optimizer=optimizer)
    saved = trained(task, begin, stop_at)
    save_checkpoint(path, saved)
    loaded = load_checkpoint(path, begin(task))
    assert loaded.progress == saved.progress
    assert saved.progress.epoch_nats > 0
    assert loaded.state.tobytes() == saved.state.tobytes()
    assert loaded.state.any()
    assert list(loaded.parameters) == list(saved.parameters)
    for name, array in saved.parameters.items():
        assert loaded.parameters[name].tobytes() == array.tobytes()
        for slot in saved.slots:
            assert loaded.slots[slot][name].tobytes() == saved.slots[slot][name].tobytes()
    assert all(array.flags.writeable for array in loaded.parameters.values())


def test_an_average_is_kept_where_there_is_one(
    make_task: MakeTask, begin: Begin, stop_at: Any, path: Path
) -> None:
    sizes = {}
    for ema in (None, 0.9):
        task = make_task(ema=ema)
        saved = trained(task, begin, stop_at)
        save_checkpoint(path, saved)
        sizes[ema] = path.stat().st_size
        loaded = load_checkpoint(path, begin(task))
        assert (loaded.average is None) == (ema is None)
    assert saved.average is not None
    assert loaded.average is not None
    for name, array in saved.average.items():
        assert loaded.average[name].tobytes() == array.tobytes()
        assert array.tobytes() != saved.parameters[name].tobytes()
    assert sizes[0.9] - sizes[None] >= sum(array.nbytes for array in saved.average.values())


@pytest.mark.parametrize(
    ("changes", "name"),
    [
        ({"batch_size": 5}, "training.batch_size"),
        ({"seed": 1}, "training.seed"),
        ({"ema": 0.9}, "training.ema"),
        ({"document": True}, "corpus"),
        ({"validation": 5}, "corpus"),
        ({"network": {"hidden_size": 9}}, "network.hidden_size"),
        ({"network": {"reset_after": False}}, "network.reset_after"),
    ],
)
def test_another_run_is_refused_by_what_is_different(
    make_task: MakeTask, begin: Begin, path: Path, changes: dict[str, Any], name: str
) -> None:
    save_checkpoint(path, begin(make_task()))
    with pytest.raises(ArtifactError, match=f"another run: {name}"):
        load_checkpoint(path, begin(make_task(**changes)))


def test_other_kernels_are_refused(
    make_task: MakeTask, begin: Begin, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from unspool._training import task

    start = begin(make_task())
    save_checkpoint(path, start)
    monkeypatch.setattr(task, "chosen_kernels", lambda: "abacus")
    with pytest.raises(ArtifactError, match=r"another run: kernels: expected '.*', got 'abacus'"):
        load_checkpoint(path, begin(make_task()))


def test_what_changes_no_number_may_change(make_task: MakeTask, begin: Begin, path: Path) -> None:
    save_checkpoint(path, begin(make_task(threads=1, checkpoint_seconds=30.0)))
    load_checkpoint(path, begin(make_task(threads=2, checkpoint_seconds=5.0)))


def test_how_it_learns_may_change_and_the_checkpoint_knows_how_it_learnt(
    make_task: MakeTask, begin: Begin, path: Path
) -> None:
    save_checkpoint(path, begin(make_task(learning_rate=0.01)))
    later = begin(make_task(learning_rate=0.02, epochs=9, network={"dropout": 0.3}))
    loaded = load_checkpoint(path, later)
    assert changes_since(loaded.identity, later.identity) == {
        "learning_rate": (0.01, 0.02),
        "epochs": (3, 9),
        "dropout": (0.2, 0.3),
    }


def test_threads_matter_to_an_engine_that_promises_nothing(
    make_task: MakeTask, begin: Begin, path: Path
) -> None:
    pytest.importorskip("torch")
    save_checkpoint(path, begin(make_task(engine="torch", threads=1)))
    with pytest.raises(ArtifactError, match="another run: threads: expected 1, got 2"):
        load_checkpoint(path, begin(make_task(engine="torch", threads=2)))


@pytest.mark.parametrize("keep", [0, 7, 100, -1])
def test_a_cut_file_is_refused(make_task: MakeTask, begin: Begin, path: Path, keep: int) -> None:
    start = begin(make_task())
    save_checkpoint(path, start)
    path.write_bytes(path.read_bytes()[:keep])
    with pytest.raises(ArtifactError, match=r"last\.safetensors"):
        load_checkpoint(path, start)


def test_a_missing_file_is_refused(make_task: MakeTask, begin: Begin, path: Path) -> None:
    with pytest.raises(ArtifactError) as caught:
        load_checkpoint(path, begin(make_task()))
    hint = "start the run again without --resume"
    assert str(caught.value) == f"{path}: expected a checkpoint, got no such file; {hint}"
    path.mkdir(parents=True)
    with pytest.raises(ArtifactError) as caught:
        load_checkpoint(path, begin(make_task()))
    reason = "Permission denied" if sys.platform == "win32" else "Is a directory"
    assert str(caught.value) == f"cannot read {path}: got {reason}; {hint}"


def rewritten(path: Path, change: Callable[[dict[str, Any]], Any]) -> None:
    """Change what the metadata of a checkpoint says, with a checksum that fits."""
    arrays = load(path.read_bytes())
    with open_tensor_file(path) as file:
        content = file.content
    change(content)
    path.write_bytes(tensor_file_bytes(arrays, content))


STEPS = "step, epoch, window, seconds, symbols, epoch_nats, epoch_symbols, best, best_step, "
REFUSALS: list[tuple[Callable[[dict[str, Any]], Any], str]] = [
    (
        lambda content: content.update(format_version=99),
        "FILE: format version: expected 1, got 99; resume with the version of unspool that wrote it",
    ),
    (
        lambda content: content.pop("progress"),
        "FILE: progress: expected an object with keys and values, got None (NoneType)",
    ),
    (
        lambda content: content["progress"].update(step="5"),
        "FILE: progress: step: expected a whole number, got '5' (str)",
    ),
    *(
        (
            lambda content, name=name: content["progress"].update({name: -1}),  # type: ignore[misc]
            f"FILE: progress: {name}: expected a whole number ≥ 0, got -1",
        )
        for name in ("step", "epoch", "window", "symbols", "epoch_symbols")
    ),
    (
        lambda content: content["progress"].update(strange=1),
        f"FILE: progress: unknown key 'strange': expected one of {STEPS}evaluations_without_gain, finished, "
        "unmeasured",
    ),
    (lambda content: content.update(identity=[]), "FILE: identity: expected an object, got []"),
    (
        lambda content: content.update(strange=1),
        "FILE: metadata 'unspool': unknown key 'strange': expected one of format_version, progress, "
        "identity; the file is damaged or is not a model: copy it again, or save the model again",
    ),
    (
        lambda content: content["identity"].pop("corpus"),
        "FILE is the checkpoint of another run: corpus: expected None, got CORPUS; resume with the same "
        "value, or start a new run in another folder",
    ),
]


@pytest.mark.parametrize(("change", "message"), REFUSALS)
def test_broken_metadata_is_refused_by_name(
    make_task: MakeTask, begin: Begin, path: Path, change: Callable[[dict[str, Any]], Any], message: str
) -> None:
    start = begin(make_task())
    save_checkpoint(path, start)
    rewritten(path, change)
    with pytest.raises(ArtifactError) as caught:
        load_checkpoint(path, start)
    told = str(caught.value).replace(str(path), "FILE").replace(repr(start.identity["corpus"]), "CORPUS")
    assert told == message


def test_arrays_of_another_shape_or_not_finite_are_refused(
    make_task: MakeTask, begin: Begin, path: Path
) -> None:
    start = begin(make_task())
    wrong = dataclasses.replace(start, state=start.state[:, :, :1])
    save_checkpoint(path, wrong)
    with pytest.raises(ArtifactError, match="'state'"):
        load_checkpoint(path, start)
    poisoned = start.copy()
    poisoned.slots["mean"]["output.bias"][0] = np.nan
    save_checkpoint(path, poisoned)
    with pytest.raises(ArtifactError, match=r"slots/mean/output\.bias"):
        load_checkpoint(path, start)


def test_a_full_disk_leaves_the_checkpoint_before_it_whole(
    make_task: MakeTask, begin: Begin, stop_at: Any, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    task = make_task()
    save_checkpoint(path, trained(task, begin, stop_at, steps=3))

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("os.fsync", full)
        with pytest.raises(ArtifactError, match=r"No space left on device; free some disk space"):
            save_checkpoint(path, trained(task, begin, stop_at, steps=5))
    assert load_checkpoint(path, begin(task)).progress.step == 3
    assert [file.name for file in path.parent.iterdir()] == [path.name]
