"""The life of a drawn token, as docs/architecture.md tells it: the files that its prompt passes."""

import re
import sys
from pathlib import Path
from types import FrameType
from typing import Any

import numpy as np
import pytest

import unspool
from tests.artifacts.models import make_model, save
from unspool.__main__ import main
from unspool._generation.engine_request import EngineRequest
from unspool._generation.requests import Request
from unspool._kernels.writer import NativeWriter

SOURCE = Path(unspool.__file__).parent
PROMPT = "danord"
TABLE = (
    (SOURCE.parents[1] / "docs" / "architecture.md")
    .read_text("utf-8")
    .split("## The life of a drawn token")[1]
)
LIFE = re.findall(r"^\| `([^`]+\.py)` \|", TABLE, flags=re.MULTILINE)
READS = ("_cli/app.py", "_cli/flags/", "_cli/output/")  # the command line is taken apart and looked at
SPELLS = ("_text/", "_kernels/lines.py")  # a tokenizer of one kind
HOLDS = ("_generation/engine_request.py",)  # a record checks itself
CHECKS = ("_kernels/arrays.py", "_configuration.py")


def holds_prompt(value: Any, ids: list[int]) -> bool:
    """Return whether a value is the prompt, in letters or in ids, or is made of it."""
    if isinstance(value, str):
        return value == PROMPT
    if isinstance(value, np.ndarray):
        return value.ndim == 1 and value[-len(ids) :].tolist() == ids
    if isinstance(value, list | tuple):
        return any(holds_prompt(each, ids) for each in value)
    return isinstance(value, Request | EngineRequest) and holds_prompt(list(value.prompts), ids)


def files_passed(arguments: list[str], ids: list[int], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Run a command; return the files in which a function is called with the prompt before the first draw."""
    passed: list[str] = []

    def note(frame: FrameType, event: str, _argument: object) -> None:
        code, file = frame.f_code, Path(frame.f_code.co_filename)
        if event != "call" or not file.is_relative_to(SOURCE):
            return
        if code is NativeWriter.advance.__code__:
            sys.setprofile(None)
        names = code.co_varnames[: code.co_argcount + code.co_kwonlyargcount]
        name = file.relative_to(SOURCE).as_posix()
        if name not in passed and any(holds_prompt(frame.f_locals.get(each), ids) for each in names):
            passed.append(name)

    monkeypatch.setattr(sys, "argv", ["unspool", *arguments])
    sys.setprofile(note)
    try:
        with pytest.raises(SystemExit):
            main()
    finally:
        sys.setprofile(None)
    return passed


@pytest.mark.parametrize("more", [[], ["--n", "3"], ["--n", "2", "--finished"], ["--json"]], ids=str)
def test_a_prompt_passes_the_files_that_the_architecture_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, more: list[str]
) -> None:
    model = make_model(3, "abcdnory", hidden_size=12, cell="lstm")
    save(tmp_path / "m", model)
    ids = model.tokenizer.encode(PROMPT).tolist()
    passed = files_passed(["sample", str(tmp_path / "m"), PROMPT, "--seed", "1", *more], ids, monkeypatch)
    other = (*READS, *SPELLS, *HOLDS, *CHECKS)
    assert [file for file in passed if file in LIFE or not file.startswith(other)] == LIFE
    assert len(LIFE) <= 8
