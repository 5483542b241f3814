"""The examples of docs/serving.md and docs/deploying.md that need a server are run with one."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from unspool._configuration import rows_of
from unspool._serving.limits import Limits
from unspool._serving.routes import ENDPOINTS

from .conftest import DOCUMENT, Running

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "serving.md").read_text("utf-8")
ADDRESS = "http://127.0.0.1:8000"


def blocks(language: str) -> list[str]:
    """Return the examples that are not run without a server, as they run with the one of the tests."""
    return re.findall(rf"^```{language} no-run\n(.*?)^```", PAGE, re.MULTILINE | re.DOTALL)


def fitted(text: str, running: Running) -> str:
    assert ADDRESS in text
    return text.replace(ADDRESS, running.address).replace('"headlines"', '"tiny"')


def test_its_python_runs(running: Running) -> None:
    names: dict[str, Any] = {}
    for block in blocks("python"):
        exec(fitted(block, running), names)
    assert len(names["texts"]) == 3
    assert re.fullmatch("[a-z ]{1,30}", "oil " + names["text"])


def test_its_curl_runs(running: Running) -> None:
    if shutil.which("curl") is None:
        pytest.skip("no curl here")
    found = [block for block in blocks("console") if block.startswith("$ curl")]
    assert found
    for block in found:
        line = fitted(block, running).removeprefix("$ ").replace("\n> ", "\n")
        done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, timeout=60, check=True)
        assert '"object": "text_completion"' in done.stdout


def test_it_names_each_limit_and_each_endpoint_of_the_api() -> None:
    flags = {f"--{name.replace('_', '-')}" for name in rows_of(Limits)}
    assert {flag for flag in flags if f"`{flag}`" not in PAGE} == set()
    paths = {path for path in DOCUMENT["paths"] if not path.startswith("/api/")}
    assert {path for path in paths if path not in PAGE} == set()
    assert len(paths) <= len(ENDPOINTS)
