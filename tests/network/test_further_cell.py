"""A further cell costs a row and a step in PyTorch: a minimal gated unit passes contracts and commands."""

import inspect
import json
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

import numpy as np
import pytest

from tests.cli.conftest import TEXTS, TINY, run
from tests.engines import test_contract, test_forward, test_generation, test_gradients
from tests.engines.variants import SHAPES, VOCAB_SIZE
from tests.network import test_cells
from tests.network.mgu import MGU, register
from unspool._benchmarking import bench as benchmark
from unspool._engines import make_engine
from unspool._errors import ConfigError
from unspool._network.cells import CELLS, LayerParameters, native_cells
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._sweeping import pool

torch = pytest.importorskip("torch")

from unspool._engines.torch import TORCH_CELLS, TorchCell  # noqa: E402  (after the check that PyTorch is there)

REFUSED = (
    f"unspool: engine cpu: expected a cell that it can compute ({', '.join(native_cells())}), got mgu; "
    'choose engine="torch"'
)


@pytest.fixture(autouse=True)
def mgu(monkeypatch: pytest.MonkeyPatch) -> None:
    """Register the cell, also in the processes of a sweep."""
    monkeypatch.setitem(CELLS, "mgu", MGU)  # what is set is taken back after the test
    monkeypatch.setitem(TORCH_CELLS, "mgu", None)
    register()
    program = f"from tests.network.mgu import register; register(); {pool.PROGRAM}"
    monkeypatch.setattr(pool, "PROGRAM", program)


@pytest.fixture
def corpus(tmp_path: Path) -> str:
    """Write a small file of texts."""
    path = tmp_path / "texts.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    return str(path)


@pytest.fixture
def model(tmp_path: Path, corpus: str) -> str:
    """Train a model with the engine that has a step of the cell."""
    folder = str(tmp_path / "model")
    flags = ["--cell", "mgu", "--engine", "torch", "--epochs", "1", *TINY]
    done = run(["train", corpus, "--out", folder, *flags])
    assert done.exit_code == 0, done.stderr
    return folder


def suites(*modules: ModuleType) -> list[Callable[..., None]]:
    """List the tests of contract suites that take a network."""
    tests = [getattr(module, name) for module in modules for name in vars(module) if name.startswith("test_")]
    return [test for test in tests if inspect.signature(test).parameters.keys() & {"config"}]


def test_a_step_by_hand() -> None:
    layer = LayerParameters(np.zeros((1, 2)), np.array([[0.4, 0.6]]), np.zeros(2))
    f = 1 / (1 + np.exp(-(0.1 + 0.5 * 0.4)))
    wanted = (1 - f) * 0.5 + f * np.tanh(0.3 + f * 0.5 * 0.6)
    got = CELLS["mgu"].step(layer, np.array([[0.1, 0.3]]), np.array([[[0.5]]]))
    assert got.ravel() == pytest.approx([wanted])


@pytest.mark.parametrize("shape", [SHAPES[1], SHAPES[3], SHAPES[6]], ids=str)
@pytest.mark.parametrize(
    "contract",
    suites(test_cells, test_contract, test_gradients, test_forward),
    ids=lambda contract: contract.__name__,
)
def test_it_passes_every_contract(contract: Callable[..., None], shape: dict[str, Any]) -> None:
    if contract is test_cells.test_the_reference_is_the_cells_step_by_step:
        shape = {**shape, "num_layers": 1, "residual": False}
    values: dict[str, Any] = {
        "engine_name": "torch", "config": NetworkConfig(cell="mgu", vocab_size=VOCAB_SIZE, **shape),
        "T": 9, "B": 3, "masked": True,
    }  # fmt: skip
    contract(**{name: values[name] for name in inspect.signature(contract).parameters})


def test_it_writes_as_every_engine_does() -> None:
    config = NetworkConfig(cell="mgu", hidden_size=7, vocab_size=VOCAB_SIZE)
    for contract in (
        test_generation.test_greedy_takes_the_most_probable_symbol,
        test_generation.test_sampling_is_that_of_the_plain_twin,
        test_generation.test_a_text_depends_on_its_seed_and_index_alone,
    ):
        contract("torch", config)


@pytest.mark.parametrize("gate", [None, "h"])
def test_the_row_and_no_letter_says_which_gate_forgets(
    gate: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(CELLS, "mgu", replace(MGU, forget_gate=gate))
    bias = initialize(NetworkConfig(cell="mgu", hidden_size=2, vocab_size=9), 0)["layers.0.bias"]
    assert bias.tolist() == ([0, 0, 0, 0] if gate is None else [0, 0, 1, 1])


def test_the_engine_without_kernels_says_so() -> None:
    with pytest.raises(ConfigError) as caught:
        make_engine("cpu", NetworkConfig(cell="mgu", vocab_size=9))
    assert f"unspool: {caught.value}" == REFUSED


def test_the_engine_without_a_step_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(TORCH_CELLS, "mgu")
    with pytest.raises(ConfigError, match=r"engine torch: expected a cell that .* \(.*lstm.*\), got mgu"):
        make_engine("torch", NetworkConfig(cell="mgu", vocab_size=9))


def test_a_model_is_saved_loaded_and_used(model: str) -> None:
    import unspool

    loaded = unspool.load(model, engine="torch")
    assert loaded.network.cell == "mgu"
    assert [len(loaded.generate("oil ", n=2, seed=0)), len(loaded.score(TEXTS[:3]))] == [2, 3]
    assert json.loads(Path(model, "config.json").read_text("utf-8"))["network"]["cell"] == "mgu"
    assert "MGU" in Path(model, "README.md").read_text("utf-8")


def test_it_goes_on_learning(corpus: str, model: str, tmp_path: Path) -> None:
    import unspool

    folder = str(tmp_path / "longer")
    flags = ["--init-from", model, "--engine", "torch", "--epochs", "5", *TINY[2:]]
    done = run(["train", corpus, "--out", folder, *flags])
    assert done.exit_code == 0, done.stderr
    before, after = (
        unspool.load(each, engine="torch").evaluate(TEXTS).bits_per_character for each in (model, folder)
    )
    assert after < before


def test_every_command_that_needs_kernels_says_that_there_are_none(
    corpus: str, model: str, tmp_path: Path
) -> None:
    lines = [
        ["train", corpus, "--cell", "mgu", *TINY], ["train", corpus, "--cell", "mgu", "--minutes", "0.05"],
        ["sweep", corpus, "--cell", "mgu", "--out", str(tmp_path / "sweep"), "--seeds", "1",
         "--symbols-per-trial", "1000", "--learning-rate", "0.02", "--hidden-size", "4"],
        ["sample", model], ["score", model, corpus], ["eval", model, corpus], ["audit", model, corpus],
    ]  # fmt: skip
    for line in lines:
        done = run(line if line[0] != "train" else [*line, "--out", str(tmp_path / "new")])
        assert (done.exit_code, done.stderr.strip().splitlines()[-1]) == (
            2,
            REFUSED.replace(": engine", ": --engine"),
        ), line
        assert done.stdout == ""
    assert not (tmp_path / "new").exists()
    for name in ("sample", "score", "eval"):
        done = run([name, model, *([] if name == "sample" else [corpus]), "--engine", "torch"])
        assert done.exit_code == 0, done.stderr


def test_bench_says_which_cells_it_can_measure() -> None:
    done = run(["bench", "--cell", "mgu"])
    allowed = f"some of {', '.join(native_cells())}, the cells with native kernels; got ('mgu',)"
    assert (done.exit_code, done.stderr.strip()) == (2, f"unspool: --cell must be {allowed}")


def test_bench_measures_a_cell_without_a_peer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(CELLS, "own", CELLS["rnn"])
    monkeypatch.setitem(TORCH_CELLS, "own", TorchCell(TORCH_CELLS["rnn"].step, "PyTorch has no such layer"))
    monkeypatch.setattr(benchmark, "PRODUCT_SIZES", (16,))
    sizes = ["--hidden-size", "4", "--batch-size", "1", "--threads", "1"]
    done = run(["bench", "--cell", "own", "rnn", "--seconds", "0.01", *sizes])
    assert done.exit_code == 0, done.stderr
    rows = [line.split() for line in done.stdout.splitlines() if line.startswith(("own", "rnn"))]
    assert [(row[0], "absent" in row) for row in rows] == [("own", True), ("rnn", False)] * 2
    assert "PyTorch own absent" in done.stdout
    assert "PyTorch has no such layer" in done.stdout


def test_minutes_choose_for_a_cell_that_was_never_measured(corpus: str, tmp_path: Path) -> None:
    flags = ["--cell", "mgu", "--engine", "torch", "--minutes", "0.05", "--threads", "1"]
    done = run(["train", corpus, "--out", str(tmp_path / "run"), *flags])
    assert done.exit_code == 0, done.stderr
    said = " ".join(done.stderr.split())
    assert "No learning rate was measured for mgu: the lowest of the other cells is used." in said


def test_a_sweep_compares_it(corpus: str, tmp_path: Path) -> None:
    sizes = ["--hidden-size", "4", "--batch-size", "4", "--sequence-length", "16", "--learning-rate", "0.02"]
    budget = ["--symbols-per-trial", "500", "--evaluations", "1", "--seeds", "1", "--threads", "1"]
    line = ["sweep", corpus, "--cell", "mgu", "rnn", "--engine", "torch", "--out", str(tmp_path / "sweep")]
    done = run([*line, *sizes, *budget])
    assert done.exit_code == 0, done.stderr
    assert {"mgu", "rnn"} <= {line.split("\t")[0] for line in done.stdout.splitlines()}


def test_info_and_help_name_it(model: str) -> None:
    assert "1 × mgu of 8 units" in run(["info", model]).stdout
    assert "or mgu [lstm]" in run(["train", "--help"]).stdout
    assert ", mgu [lstm gru]" in run(["sweep", "--help"]).stdout


def test_an_unknown_cell_is_refused_with_the_names_in_the_table() -> None:
    with pytest.raises(ConfigError, match=r"cell must be one of .*, mgu; got 'gmu'"):
        NetworkConfig(cell="gmu")
