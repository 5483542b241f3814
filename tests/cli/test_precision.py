"""``--precision`` as a user meets it: what is used is said and written down, and a run keeps to it."""

import json
from pathlib import Path

import numpy as np
import pytest

import unspool as library
from unspool._errors import ArtifactError
from unspool._kernels.machine import kernel_names
from unspool._training.records import StepRecord, TrainingRecord

from .conftest import TEXTS, TINY, Run


@pytest.fixture(autouse=True)
def without_the_instruction(monkeypatch: pytest.MonkeyPatch) -> None:
    names = kernel_names()
    monkeypatch.setenv("UNSPOOL_KERNELS", next(name for name in names if not name.endswith("_bf16")))


def test_bf16_without_the_instruction_is_float32_and_says_so(
    unspool: Run, corpus: Path, tmp_path: Path
) -> None:
    folders = {}
    for asked in ("float32", "bf16", "auto"):
        folders[asked] = tmp_path / asked
        arguments = ["train", str(corpus), "--epochs", "1", "--precision", asked, *TINY]
        done = unspool([*arguments, "--out", str(folders[asked])])
        assert done.exit_code == 0, done.stderr
        warned = [line for line in done.stderr.splitlines() if line.startswith("warning")]
        assert len(warned) == (asked == "bf16")
        assert "AVX512-BF16" in "".join(warned) or asked != "bf16"
        assert "trained in" not in done.stdout
        assert "| precision | float32 |" in (folders[asked] / "README.md").read_text("utf-8")
    plain, *others = (library.load(folder).parameters for folder in folders.values())
    for name, values in plain.items():
        assert all(np.array_equal(values, other[name]) for other in others)


def test_bf16_is_used_and_written_down(
    unspool: Run, corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    folder = tmp_path / "run"
    done = unspool(
        ["train", str(corpus), "--epochs", "1", "--precision", "bf16", "--out", str(folder), *TINY]
    )
    assert done.exit_code == 0, done.stderr
    assert "matrix products in bf16 (emulated), everything else in float32" in done.stderr
    assert "trained in bf16 (emulated)" in done.stdout
    assert "| precision | bf16 (emulated) products in training" in (folder / "README.md").read_text("utf-8")
    assert json.loads((folder / "config.json").read_text("utf-8"))["training"]["precision"] == "bf16"
    assert "bf16 (emulated) products in training" in unspool(["info", str(folder)]).stdout


def test_an_unknown_precision_is_refused(unspool: Run, corpus: Path, tmp_path: Path) -> None:
    done = unspool(["train", str(corpus), "--precision", "half", "--out", str(tmp_path / "run"), *TINY])
    assert done.exit_code == 2
    assert "precision" in done.stderr
    assert "float32, bf16, auto" in done.stderr
    assert not (tmp_path / "run").exists()


class StoppedError(Exception):
    """Ends a training at a step, as a kill does."""


def stop(record: TrainingRecord) -> None:
    if isinstance(record, StepRecord) and record.step == 8:
        raise StoppedError


def test_a_run_goes_on_in_its_precision_alone(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    training = library.TrainingConfig(
        epochs=2, batch_size=4, sequence_length=16, threads=1, precision="bf16", checkpoint_seconds=0
    )
    network = library.NetworkConfig(hidden_size=8)
    whole = library.train(TEXTS, out=tmp_path / "whole", network=network, training=training)
    with pytest.raises(StoppedError):
        library.train(TEXTS, out=tmp_path / "run", network=network, training=training, on_record=stop)
    monkeypatch.delenv("UNSPOOL_EMULATE_BF16")
    refusal = r"precision: expected 'bf16 \(emulated\)', got 'float32'"
    with pytest.raises(ArtifactError, match=refusal):
        library.train(TEXTS, out=tmp_path / "run", training=training, resume=True)
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    resumed = library.train(TEXTS, out=tmp_path / "run", training=training, resume=True)
    for name, values in whole.parameters.items():
        assert np.array_equal(values, resumed.parameters[name])


def test_the_library_warns_where_nobody_watches(tmp_path: Path) -> None:
    training = library.TrainingConfig(epochs=1, batch_size=4, sequence_length=16, threads=1, precision="bf16")
    network = library.NetworkConfig(hidden_size=4)
    with pytest.warns(RuntimeWarning, match="training in float32"):
        library.train(TEXTS, out=tmp_path / "run", network=network, training=training, progress=False)


def test_bench_says_in_which_precision_it_trained(unspool: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    from unspool._benchmarking import bench as benchmark

    monkeypatch.setattr(benchmark, "PRODUCT_SIZES", (16,))
    monkeypatch.setattr(benchmark, "COUNTS", {benchmark.OURS: (4, 3), benchmark.PEER: (2, 1)})
    monkeypatch.setattr(benchmark, "installed", lambda _: None)
    tiny = ["bench", "--seconds", "0.01", "--cell", "gru", "--hidden-size", "8", "--batch-size", "2"]
    asked = [*tiny, "--precision", "bf16", "--threads", "1", "--json"]
    done = unspool(asked)
    assert done.exit_code == 0, done.stderr
    assert "training in float32" in done.stderr
    assert json.loads(done.stdout)["machine"]["precision"] == "float32"
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    done = unspool(asked)
    assert done.exit_code == 0, done.stderr
    assert json.loads(done.stdout)["machine"]["precision"] == "bf16 (emulated)"
