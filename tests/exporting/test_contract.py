"""The contract of every exporter: what it writes computes what the engine "cpu" does, or it refuses in words.

`tests/exporting/runners/NAME.py` runs what the exporter of that name writes, with a function ``logprobs(path,
model, asked)``, which returns the log-probabilities after each id.  # (T, V)
"""

import importlib
import importlib.util
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.exporting.cases import CASES, asked_of, logprobs_of, model_of
from unspool._artifacts.kept_precision import Quantization
from unspool._errors import ArtifactError, ConfigError
from unspool._evaluation.precision_cost import precision_cost
from unspool._exporting.exporter import FEATURES, features_of
from unspool._exporting.exporters import EXPORTERS, export, writer_of
from unspool._network.cells import CELLS
from unspool._network.quantization import PRECISIONS, rounded

every_exporter = pytest.mark.parametrize("to", EXPORTERS)


def _written(case: str, to: str, precision: str, folder: Path) -> Path:
    if (needs := EXPORTERS[to].needs) is not None:
        pytest.importorskip(needs)
    return export(model_of(case), to, folder / "out", precision=precision)[0]


@every_exporter
@pytest.mark.parametrize("case", CASES)
def test_it_computes_what_the_engine_does_or_refuses(case: str, to: str, tmp_path: Path) -> None:
    model, exporter = model_of(case), EXPORTERS[to]
    unsaid = [feature for feature in features_of(model) if feature in exporter.cannot_say]
    if unsaid:
        with pytest.raises(ConfigError, match="cannot say"):
            export(model, to, tmp_path / "out")
        assert list(tmp_path.iterdir()) == []
        return
    path, asked = _written(case, to, "float32", tmp_path), asked_of(model)
    runner = importlib.import_module(f"tests.exporting.runners.{to}")
    got = runner.logprobs(path, model, asked)
    np.testing.assert_allclose(got[:, 1:], logprobs_of(model, asked)[:, 1:], rtol=0, atol=1e-4)


@every_exporter
@pytest.mark.parametrize("precision", PRECISIONS)
def test_a_smaller_precision_is_the_rounded_model(to: str, precision: str, tmp_path: Path) -> None:
    model = model_of("gru-L2")
    if precision not in EXPORTERS[to].precisions:
        with pytest.raises(ConfigError, match="can keep"):
            export(model, to, tmp_path / "out", precision=precision)
        return
    path, asked = _written("gru-L2", to, precision, tmp_path), asked_of(model)
    kept = replace(model, parameters=rounded(model.parameters, precision))
    runner = importlib.import_module(f"tests.exporting.runners.{to}")
    got, wanted = runner.logprobs(path, kept, asked), logprobs_of(kept, asked)
    np.testing.assert_allclose(got[:, 1:], wanted[:, 1:], rtol=0, atol=1e-4)
    if precision != "float32":  # it is not the exact model
        assert np.abs(wanted[:, 1:] - logprobs_of(model, asked)[:, 1:]).max() > 1e-4


@pytest.mark.parametrize(("precision", "second"), [("float32", False), ("int8", False), ("float16", True)])
def test_what_a_rounded_model_lost_before_is_counted(precision: str, second: bool, tmp_path: Path) -> None:
    model = model_of("gru-L1")
    small = replace(model, parameters=rounded(model.parameters, "int8"))
    for before in (0.25, None):
        kept = replace(small, quantization=Quantization("int8", before))
        cost = export(kept, "torch", tmp_path / f"{before}", precision=precision)[1].cost
        if before is None:
            assert cost is None
            continue
        again = precision_cost(small, replace(small, parameters=rounded(small.parameters, "float16")))
        assert again != 0
        assert cost == before + (again if second else 0)


@every_exporter
def test_every_exporter_has_a_runner(to: str) -> None:
    assert importlib.util.find_spec(f"tests.exporting.runners.{to}") is not None
    assert EXPORTERS[to].name == to
    assert set(EXPORTERS[to].precisions) <= set(PRECISIONS)
    assert set(EXPORTERS[to].cannot_say) <= FEATURES.keys() | CELLS.keys()
    if EXPORTERS[to].needs is None:
        assert callable(writer_of(EXPORTERS[to]))


def test_what_is_there_is_not_replaced_unless_that_is_asked(tmp_path: Path) -> None:
    model = model_of("gru-L1")
    for to in ("html", "torch"):
        path = tmp_path / to
        export(model, to, path)
        with pytest.raises(ConfigError, match="--overwrite"):
            export(model, to, path)
        export(model, to, path, overwrite=True)
    with pytest.raises(ConfigError, match="expected a new file, got a folder"):
        export(model, "html", tmp_path / "torch", overwrite=True)
    with pytest.raises(ConfigError, match="expected a new folder, got a file"):
        export(model, "torch", tmp_path / "html", overwrite=True)
    with pytest.raises(ConfigError, match="no folder"):
        export(model, "html", tmp_path / "nowhere" / "x.html")


def test_a_folder_with_other_files_is_never_replaced(tmp_path: Path) -> None:
    model = model_of("gru-L1")
    path = export(model, "torch", tmp_path / "x")[0]
    (path / "notes").mkdir()
    (path / "notes" / "mine.txt").write_text("mine")
    with pytest.raises(ConfigError, match=r"nothing else, got notes/mine\.txt"):
        export(model, "torch", path, overwrite=True)
    assert (path / "notes" / "mine.txt").read_text() == "mine"


def test_a_folder_that_cannot_be_written_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = export(model_of("gru-L1"), "torch", tmp_path / "x")[0]
    before = {file.name: file.read_bytes() for file in path.iterdir()}

    def fail(_: Path) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("unspool._folders.sync_file", fail)
    with pytest.raises(ArtifactError, match="No space left"):
        export(model_of("lstm-L1"), "torch", path, overwrite=True)
    assert {file.name: file.read_bytes() for file in path.iterdir()} == before
    assert [file.name for file in tmp_path.iterdir()] == ["x"]
