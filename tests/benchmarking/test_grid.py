"""The grid comes in a useful order, goes on where it was stopped, and sums up what it has."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TINY = ["--cells", "gru", "rnn", "--hidden-sizes", "4", "--num-layers", "1", "--batch-sizes", "2",
        "--sequence-length", "3", "--seconds", "0.01", "--threads", "1", "--peers"]  # fmt: skip


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("grid")
    monkeypatch.setattr(module, "keep_to_processors", lambda threads: None)  # it would hold for all tests
    return module


def run(grid: ModuleType, monkeypatch: pytest.MonkeyPatch, *flags: str) -> None:
    monkeypatch.setattr(sys, "argv", ["grid.py", *TINY, *flags])
    grid.main()


def test_what_tells_most_comes_first(grid: ModuleType) -> None:
    from argparse import Namespace

    cells = grid.cases(
        Namespace(cells=["rnn", "lstm"], hidden_sizes=[512, 128], num_layers=[3, 1], batch_sizes=[8, 64, 1])
    )
    assert len(cells) == 24
    assert cells[0] == {"cell": "lstm", "hidden_size": 128, "num_layers": 1, "batch_size": 64}
    assert cells[1]["cell"] == "rnn"
    assert [case["batch_size"] for case in cells[:8]] == [64] * 4 + [8] * 4
    assert (cells[-1]["num_layers"], cells[-1]["batch_size"]) == (3, 1)


def test_a_run_goes_on_where_it_was(
    grid: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "grid.jsonl"
    run(grid, monkeypatch, "--out", str(out))
    kept = out.read_text("utf-8")
    lines = [json.loads(line) for line in kept.splitlines()]
    assert lines[0]["sequence_length"] == 3
    assert [line["cell"] for line in lines[1:]] == ["gru", "rnn"]
    assert "PyTorch is absent" in capsys.readouterr().out
    out.write_text("".join(kept.splitlines(keepends=True)[:2]), "utf-8")
    run(grid, monkeypatch, "--out", str(out), "--json")
    shown = capsys.readouterr()
    assert "1 of 2" not in shown.err
    assert "2 of 2" in shown.err
    assert [line["cell"] for line in json.loads(shown.out)["results"]] == ["gru", "rnn"]
    assert out.read_text("utf-8").splitlines()[1] == kept.splitlines()[1]
    with pytest.raises(SystemExit, match="other terms"):
        run(grid, monkeypatch, "--out", str(out), "--vocab-size", "9")


def test_pytorch_stands_beside_us(grid: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("torch")
    run(grid, monkeypatch, "PyTorch", "--out", str(tmp_path / "grid.jsonl"))
    _, *lines = (tmp_path / "grid.jsonl").read_text("utf-8").splitlines()
    assert all(set(json.loads(line)["characters_per_second"]) == {"unspool", "PyTorch"} for line in lines)


def test_the_summary_names_mean_worst_and_losses(grid: ModuleType) -> None:
    def line(ours: float, **others: float) -> dict[str, object]:
        speeds = {"unspool": ours, **{name.replace("_", " "): value for name, value in others.items()}}
        figures = {n: {"median": v, "low": v, "high": v, "rounds": 3} for n, v in speeds.items()}
        case = {"cell": "lstm", "hidden_size": 8, "num_layers": 1, "batch_size": int(ours)}
        return {**case, "characters_per_second": figures}

    lines = [line(8.0, PyTorch=1.0, PyTorch_bf16=2.0), line(3.0, PyTorch=4.0, JAX=1.0), line(5.0)]
    said = grid.grid_table.summary(lines)
    assert "geometric mean of 2 cells 1.73 ×" in said  # 4 and 0.75
    assert "worst 0.75 × (lstm, hidden 8 x 1, batch 3)" in said
    assert said.endswith("slower than PyTorch in 1")
    rows = grid.grid_table.table(lines).splitlines()[2:]
    assert "2.00 (2.00 to 2.00) bf16" in rows[0]
    assert "3.00 ×" in rows[1]
    assert "absent" in rows[2]
