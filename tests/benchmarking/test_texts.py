"""Benchmarks that read a text which the project does not have."""

import importlib
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).resolve().parents[2] / "benchmarks"


NAMES = [
    "context",
    "lesson",
    "lesson_end_to_end",
    "longer_texts",
    "minutes",
    "precision",
    "recipes",
    "shakespeare",
]


@pytest.mark.parametrize("name", NAMES)
def test_a_text_that_is_not_there_ends_it_with_a_line(
    name: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.syspath_prepend(str(BENCHMARKS))
    monkeypatch.setenv("UNSPOOL_TEST_DATA", str(tmp_path))
    monkeypatch.setenv("UNSPOOL_EMULATE_BF16", "1")
    pytest.importorskip("torch", reason="some of these benchmarks have peers in PyTorch")
    module = importlib.import_module(name)
    monkeypatch.setattr(sys, "argv", [f"{name}.py"])
    with pytest.raises(SystemExit) as ended:
        module.main()
    message = capsys.readouterr().err
    assert ended.value.code == 2
    assert f"no text at {tmp_path}" in message
    assert "set UNSPOOL_TEST_DATA to the folder that has" in message
