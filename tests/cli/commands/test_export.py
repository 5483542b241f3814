"""Exporting on the command line: what it prints of the cost of a smaller number format."""

from pathlib import Path

import pytest

from tests.cli.conftest import Run
from unspool._exporting import exporters


@pytest.mark.parametrize(("cost", "shown"), [(-1e-6, "0.0000"), (-2e-4, "-0.0002"), (0.00123, "0.0012")])
def test_a_cost_that_rounds_to_nothing_has_no_sign(
    unspool: Run, model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, *, cost: float, shown: str
) -> None:
    monkeypatch.setattr(exporters, "precision_cost", lambda *_: cost)
    done = unspool(
        ["export", str(model), "--to", "torch", "--precision", "int8", "--out", str(tmp_path / "out")]
    )
    assert done.exit_code == 0, done.stderr
    assert done.stdout.endswith(f" {shown} bits per character, on its own texts\n")
