"""A client that sends any bytes, many at once, and a server of its own process that it attacks."""

import asyncio
import contextlib
import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

PATIENCE = 20  # seconds after which a server hangs; it shall take one, but a busy machine is no fault of it
INTENDED = (503, 504)  # answers that say that it has too much to do
AT_ONCE = 200
MOST_GROWTH = 200  # MiB
QUICK = {  # limits of a server under attack, so that the tests need not wait long
    "header_seconds": 1,
    "body_seconds": 1,
    "idle_seconds": 1,
    "write_seconds": 2,
    "text_seconds": 4,
    "compile_seconds": 1,
    "max_tokens": 2000,
    "max_texts": 64,
    "stop_seconds": 2,
}


@dataclass(frozen=True)
class Answer:
    """An answer of the server."""

    status: int
    headers: dict[str, str]
    body: bytes

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Exchange:
    """What was sent on a connection, and what came until it was closed."""

    sent: bytes
    answers: list[Answer]
    rest: bytes  # bytes that are no whole answer
    is_late: bool

    @property
    def status(self) -> int | None:
        return self.answers[0].status if self.answers else None


@dataclass
class Target:
    """A server in a process of its own."""

    process: subprocess.Popen[bytes]
    port: int
    errors: Path
    secrets: tuple[str, ...]  # words that no answer may have
    memory_at_start: float = 0

    def attack(self, requests: Iterable[bytes]) -> list[Exchange]:
        """Send each request on a connection of its own, many at once, and return what came."""
        return asyncio.run(_attack(self.port, list(requests)))

    def get(self, path: str) -> Any:
        """Ask for something with usual means."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}{path}", timeout=PATIENCE) as answer:
            return answer.read()

    def memory(self) -> float:
        """Return the memory of the process in MiB."""
        status = Path(f"/proc/{self.process.pid}/status").read_text()
        return int(next(line for line in status.splitlines() if line.startswith("VmRSS:")).split()[1]) / 1024

    def check(self) -> None:
        """Check that the server lives, answers, has not grown, and has nothing to complain of."""
        assert self.process.poll() is None
        assert json.loads(self.get("/health")) == {"status": "ok"}
        memory = self.memory()
        assert memory < self.memory_at_start + MOST_GROWTH, (self.memory_at_start, memory)
        errors = self.errors.read_text()
        assert "Traceback" not in errors, errors[-3000:]

    def check_exchanges(self, exchanges: Iterable[Exchange]) -> None:
        """Check that each ended, with no error of the server, and that no answer tells of the machine."""
        for exchange in exchanges:
            shown = exchange.sent[:500]
            assert not exchange.is_late, shown
            for answer in exchange.answers:
                assert answer.status < 500 or answer.status in INTENDED, (answer, shown)
                text = answer.body.decode("utf-8", "replace")
                assert not any(secret in text for secret in self.secrets), (text, shown)
        self.check()


@contextlib.contextmanager
def attacked(
    models: Path, folder: Path, *more: str, port: int = 0, limits: Mapping[str, float] = QUICK
) -> Iterator[Target]:
    """Start a server of its own process, with further flags, and end it."""
    flags = [*(f"--{name.replace('_', '-')}={value}" for name, value in limits.items()), *more]
    command = [
        sys.executable,
        "-m",
        "unspool",
        "serve",
        str(models),
        f"--port={port}",
        "--json",
        "--threads=1",
    ]
    errors = folder / "errors.txt"
    environment = {name: value for name, value in os.environ.items() if not name.startswith("UNSPOOL_")}
    with errors.open("wb") as written:
        process = subprocess.Popen(
            [*command, *flags], stdout=subprocess.PIPE, stderr=written, env=environment
        )
    try:
        assert process.stdout is not None
        line = process.stdout.readline()
        assert line, errors.read_text()
        found = int(json.loads(line)["address"].rpartition(":")[2])
        target = Target(process, found, errors, (str(models), str(Path(sys.prefix)), "Traceback"))
        target.get("/health")
        target.memory_at_start = target.memory()
        yield target
    finally:
        process.kill()
        process.wait(PATIENCE)
        process.stdout.close()  # type: ignore[union-attr]


def request(
    path: str,
    body: bytes | None = None,
    *,
    method: str | None = None,
    headers: Iterable[tuple[bytes, bytes]] = (),
    host: bytes = b"127.0.0.1",
    close: bool = True,
) -> bytes:
    """Return a request as it goes over the wire; the connection is closed after its answer."""
    named = [(b"Host", host), *headers, *([(b"Connection", b"close")] if close else [])]
    if body is not None:
        named += [(b"Content-Type", b"application/json"), (b"Content-Length", str(len(body)).encode())]
    lines = b"".join(name + b": " + value + b"\r\n" for name, value in named)
    verb = method or ("GET" if body is None else "POST")
    return verb.encode() + b" " + path.encode() + b" HTTP/1.1\r\n" + lines + b"\r\n" + (body or b"")


async def _attack(port: int, requests: list[bytes]) -> list[Exchange]:
    places = asyncio.Semaphore(AT_ONCE)

    async def one(sent: bytes) -> Exchange:
        async with places:
            return await _exchange(port, sent)

    return await asyncio.gather(*map(one, requests))


async def _exchange(port: int, sent: bytes) -> Exchange:
    received = bytearray()
    is_late = False
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        async with asyncio.timeout(PATIENCE):
            sending = asyncio.create_task(_send(writer, sent))
            with contextlib.suppress(ConnectionError):
                while part := await reader.read(1 << 16):
                    received += part
            await sending
    except TimeoutError:
        is_late = True
    finally:
        writer.close()
        with contextlib.suppress(OSError):
            await writer.wait_closed()
    answers, rest = answers_in(bytes(received), has_body=not sent.startswith(b"HEAD "))
    return Exchange(sent, answers, rest, is_late)


async def _send(writer: asyncio.StreamWriter, sent: bytes) -> None:
    with contextlib.suppress(ConnectionError):  # the server has heard enough
        writer.write(sent)
        await writer.drain()


def answers_in(received: bytes, *, has_body: bool = True) -> tuple[list[Answer], bytes]:
    """Return the whole answers at the beginning of what came, and what follows them."""
    answers: list[Answer] = []
    while received.startswith(b"HTTP/1.1 ") and b"\r\n\r\n" in received:
        head, _, rest = received.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        headers = {name.lower(): value.strip() for name, _, value in (line.partition(":") for line in lines)}
        status = int(first.split(" ")[1])
        body = _body_in(rest, headers, status) if has_body else (b"", rest)
        if body is None:
            break
        content, received = body
        answers.append(Answer(status, headers, content))
    return answers, received


def _body_in(rest: bytes, headers: dict[str, str], status: int) -> tuple[bytes, bytes] | None:
    if status < 200 or status in (204, 304):
        return b"", rest
    if headers.get("transfer-encoding") != "chunked":
        size = int(headers.get("content-length", "0"))
        return (rest[:size], rest[size:]) if len(rest) >= size else None
    content = b""
    while b"\r\n" in rest:
        line, _, rest = rest.partition(b"\r\n")
        size = int(line, 16)
        if len(rest) < size + 2:
            return None
        content, rest = content + rest[:size], rest[size + 2 :]
        if not size:
            return content, rest
    return None


def connection_to(port: int, *, prepare: Callable[[socket.socket], None] = lambda _: None) -> socket.socket:
    """Return an open connection."""
    connection = socket.socket()
    prepare(connection)
    connection.settimeout(PATIENCE)
    connection.connect(("127.0.0.1", port))
    return connection
