"""A server with an empty folder of runs, and a client with the token of its page."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.serving.conftest import PATIENCE, serving
from unspool._serving.served import Served

NAMES = "".join(f"{a}{b}{c}\n" for a in "anbel" for b in "aeiou" for c in "nrslt" for _ in range(3))
LONG = "".join(f"{n * n * 7919:x} {n * 31337:o}\n" for n in range(9000))  # too long to be learnt soon
TABLE = "id,title,body\n" + "".join(f"{n},t{n},the long text number {n} of all\n" for n in range(40))


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    """Make a folder of runs, and kill the trainings in it at the end."""
    folder = tmp_path / "runs"
    folder.mkdir()
    return folder


@pytest.fixture
def desk(runs: Path) -> Iterator[httpx.Client]:
    """Run a server of that folder; return a client with the token of the page."""
    served = Served(roots=(runs,))
    with serving(served) as running:
        token = {"x-unspool-token": served.token}
        with httpx.Client(base_url=running.address, timeout=2 * PATIENCE, headers=token) as client:
            yield client
            end_all(client)


def end_all(client: httpx.Client) -> None:
    """Kill what still trains."""
    for state in client.get("/api/trainings").json()["data"]:
        with contextlib.suppress(ProcessLookupError, KeyError):
            if state["running"]:
                os.kill(state["process"], signal.SIGKILL)


def uploaded(client: httpx.Client, text: str | bytes, name: str = "", **wishes: Any) -> dict[str, Any]:
    """Upload a text, and return what was read in it."""
    content = text.encode() if isinstance(text, str) else text
    answer = client.post("/api/corpora", params={"name": name, **wishes}, content=content)
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def begun(client: httpx.Client, corpus: str, **wishes: Any) -> dict[str, Any]:
    """Begin a training, and return its state."""
    answer = client.post("/api/trainings", json={"corpus": corpus, "minutes": 0.05, **wishes})
    assert answer.status_code == 201, answer.text
    return dict(answer.json())


def state_when(
    client: httpx.Client, name: str, holds: Callable[[dict[str, Any]], bool], seconds: float = 40
) -> dict[str, Any]:
    """Return the state of a training once something holds of it."""
    end = time.monotonic() + seconds
    while not holds(state := client.get(f"/api/trainings/{name}").json()):
        assert time.monotonic() < end, state
        time.sleep(0.1)
    return dict(state)


@contextlib.contextmanager
def serving_apart(runs: Path, port: str = "0") -> Iterator[tuple[subprocess.Popen[str], str]]:
    """Run a server in a process of its own, which is killed at the end; yield it and its address."""
    command = [sys.executable, "-m", "unspool", "serve", str(runs), "--port", port, "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        try:
            yield process, json.loads(process.stdout.readline())["address"]
        finally:
            process.kill()


def client_of(address: str) -> httpx.Client:
    """Return a client with the token of the page."""
    page = httpx.get(address).text
    token = page.partition('unspool-token" content="')[2].partition('"')[0]
    return httpx.Client(base_url=address, headers={"x-unspool-token": token}, timeout=2 * PATIENCE)
