"""The grid comes in a useful order, goes on where it was stopped, and sums up what it has."""

import importlib
import json
import sys
from pathlib import Path
from types import ModuleType

import pytest

from unspool._kernels.precision import has_bf16

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"
TINY = ["--cells", "gru", "rnn", "--hidden-sizes", "4", "--num-layers", "1", "--batch-sizes", "2",
        "--sequence-length", "3", "--seconds", "0.01", "--threads", "1", "--peers"]  # fmt: skip


@pytest.fixture
def grid(monkeypatch: pytest.MonkeyPatch) -> ModuleType:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    module = importlib.import_module("grid")
    # it would hold for all tests
    monkeypatch.setattr(module.harness, "keep_to_processors", lambda threads: None)
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
    wanted = {"unspool", "PyTorch", *(["unspool bf16"] if has_bf16() else [])}
    assert all(set(json.loads(line)["characters_per_second"]) == wanted for line in lines)


def test_the_summary_names_mean_worst_and_losses(grid: ModuleType) -> None:
    def line(ours: float, **others: float) -> dict[str, object]:
        speeds = {"unspool": ours, **{name.replace("_", " "): value for name, value in others.items()}}
        figures = {n: {"median": v, "low": v, "high": v, "rounds": 3} for n, v in speeds.items()}
        case = {"cell": "lstm", "hidden_size": 8, "num_layers": 1, "batch_size": int(ours)}
        return {**case, "characters_per_second": figures}

    lines = [
        line(8.0, PyTorch=1.0, PyTorch_bf16=2.0),  # as a file from before ours in bf16 has it
        line(3.0, PyTorch=4.0, JAX=1.0),
        line(5.0),
        line(9.0, unspool_bf16=2.0, PyTorch=1.0, PyTorch_compiled=1.5, PyTorch_bf16=4.0),
    ]
    in_float32, in_bf16 = grid.grid_table.summary(lines).splitlines()
    assert "float32 over PyTorch's best in float32: geometric mean of 3 cells 3.30 ×" in in_float32
    assert "worst 0.75 × (lstm, hidden 8 x 1, batch 3); below 1.2 × in 1; slower in 1 (lstm" in in_float32
    assert "bf16 over PyTorch's best of all: geometric mean of 1 cells 0.50 ×" in in_bf16
    assert in_bf16.endswith("slower in 1 (lstm, hidden 8 x 1, batch 9: 0.50 ×)")
    header, _, *rows = grid.grid_table.table(lines).splitlines()
    cells = [[cell.strip() for cell in row.strip("|").split("|")] for row in (header, *rows)]
    assert len({len(row) for row in cells}) == 1
    _, old, losing, alone, both = cells
    assert old[5:10] == ["1.00 (1.00 to 1.00) eager", "8.00 ×", "absent", "2.00 (2.00 to 2.00) bf16", "–"]
    assert (losing[6], losing[11]) == ("0.75 ×", "3.00 ×")
    assert alone[5:7] == ["absent", "–"]
    assert both[5:7] == ["1.50 (1.50 to 1.50) compiled", "6.00 ×"]
    assert both[7:10] == ["2.00 (2.00 to 2.00)", "4.00 (4.00 to 4.00) bf16", "0.50 ×"]
