"""One tiny model, and one server that runs in a thread of the tests."""

import asyncio
import contextlib
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import jsonschema
import pytest

import unspool
from unspool._serving import server
from unspool._serving.describing.openapi import document
from unspool._serving.endpoint import JSON, Endpoint
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:]]
TINY = {"hidden_size": 8, "batch_size": 4, "sequence_length": 16, "threads": 1, "epochs": 2}
DOCUMENT = document(ENDPOINTS, keyed=False)
PATIENCE = 20  # seconds until a server has started or ended


@dataclass
class Running:
    """A server that runs."""

    served: Served
    server: server.Server
    address: str
    thread: threading.Thread
    loop: asyncio.AbstractEventLoop

    @property
    def port(self) -> int:
        return int(self.address.rpartition(":")[2])

    def stop(self) -> None:
        """Let it begin to stop."""
        self.loop.call_soon_threadsafe(self.server.begin_to_stop)


@contextlib.contextmanager
def serving(served: Served, endpoints: tuple[Endpoint, ...] = ENDPOINTS) -> Iterator[Running]:
    """Run a server in a thread until the block ends."""
    family, address = server.resolve("127.0.0.1", 0)
    listener = server.listening_socket(family, address)
    begun, running = threading.Event(), server.Server(served, endpoints=endpoints)
    found: list[asyncio.AbstractEventLoop] = []

    def run() -> None:
        async def main() -> None:
            found.append(asyncio.get_running_loop())
            begun.set()
            await running.serve(sockets=[listener])

        with asyncio.Runner(loop_factory=running.config.get_loop_factory()) as runner:
            runner.run(main())

    thread = threading.Thread(target=run, daemon=True)
    where = server.address_of(listener)
    thread.start()
    assert begun.wait(PATIENCE)
    (loop,) = found
    result = Running(served, running, where, thread, loop)
    try:
        yield result
    finally:
        with contextlib.suppress(RuntimeError):  # it has ended
            loop.call_soon_threadsafe(setattr, running, "should_exit", True)
        thread.join(PATIENCE)
        assert not thread.is_alive()


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Train a tiny model; return the folder that its folder is in."""
    folder = tmp_path_factory.mktemp("models")
    unspool.train(TEXTS, out=folder / "tiny", progress=False, **TINY)
    return folder


@pytest.fixture(scope="session")
def running(models: Path) -> Iterator[Running]:
    """Run a server of the tiny model, which all tests share."""
    with serving(Served(roots=(models,))) as found:
        yield found


@pytest.fixture(scope="session")
def client(running: Running) -> Iterator[httpx.Client]:
    """Return a client of that server."""
    with client_of(running) as found:
        yield found


def client_of(running: Running) -> httpx.Client:
    """Make a client that holds each answer against the server's description of its API."""
    hooks = {"response": [check_answer]}
    return httpx.Client(base_url=running.address, timeout=PATIENCE, event_hooks=hooks)


def check_answer(answer: httpx.Response) -> None:
    """Hold an answer against the OpenAPI document; events are held against it by who reads them."""
    paths = DOCUMENT["paths"]
    path = next((path for path in paths if re.fullmatch(re.sub(r"{\w+}", ".+", path), answer.url.path)), None)
    operation = paths.get(path, {}).get(answer.request.method.lower())
    if operation is None:
        assert answer.status_code in (400, 403, 404, 405, 503) or answer.request.method == "HEAD"
        return
    described = operation["responses"].get(str(answer.status_code)) or operation["responses"]["default"]
    media = answer.headers["content-type"].partition(";")[0]
    schema = described["content"][media]["schema"]
    if media == JSON:
        answer.read()
        jsonschema.validate(answer.json(), schema | {"components": DOCUMENT["components"]})


def error_of(answer: httpx.Response) -> dict[str, Any]:
    """Return the error of an answer, which has the form that OpenAI's clients know."""
    body = answer.json()
    assert list(body) == ["error"]
    assert list(body["error"]) == ["message", "type", "param", "code"]
    return dict(body["error"])


def wait_until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    end = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < end
        time.sleep(0.02)


def raw(running: Running, sent: bytes) -> bytes:
    """Send bytes on a connection of their own, and return all that comes until the server closes it."""
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection:
        connection.sendall(sent)
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65536), b""))
