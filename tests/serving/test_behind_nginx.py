"""Two servers behind nginx, by the file of release/serving/: a name, streams, an end that nobody notices."""

import contextlib
import http.client
import json
import signal
import socket
import ssl
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.attacker import PATIENCE, Target, attacked
from tests.serving.test_deploying import found, nginx_configuration

NAME = "text.example.org"
pytestmark = pytest.mark.slow


def free_ports() -> int:
    """Return a port after which the next one is free too."""
    while True:
        with contextlib.suppress(OSError), socket.socket() as first, socket.socket() as second:
            first.bind(("127.0.0.1", 0))
            port: int = first.getsockname()[1]
            second.bind(("127.0.0.1", port + 1))
            return port


@contextlib.contextmanager
def nginx_before(folder: Path, *servers: Target) -> Iterator[int]:
    """Run nginx, and return the port of its TLS."""
    program, port = found("nginx"), free_ports()
    configuration = nginx_configuration(folder, port=port, server=servers[0].port)
    further = "".join(f"server 127.0.0.1:{server.port};\n" for server in servers[1:])
    text = configuration.read_text().replace("keepalive 64;", f"{further}keepalive 64;")
    configuration.write_text(text.replace("rate=10r/s", "rate=10000r/s"))
    process = subprocess.Popen([program, "-p", folder, "-e", folder / "errors", "-c", configuration])
    try:
        for _ in range(100):
            with contextlib.suppress(OSError):
                socket.create_connection(("127.0.0.1", port)).close()
                break
            time.sleep(0.05)
        yield port
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(PATIENCE)


@contextlib.contextmanager
def connected(folder: Path, port: int) -> Iterator[http.client.HTTPSConnection]:
    """Connect to nginx as to the name that its certificate has."""
    trusted = ssl.create_default_context(cafile=str(folder / "certificate.pem"))
    trusted.check_hostname = False
    connection = http.client.HTTPSConnection("127.0.0.1", port, context=trusted, timeout=PATIENCE)
    with contextlib.closing(connection):
        yield connection


def ask(connection: http.client.HTTPSConnection, path: str, body: object = None) -> tuple[int, bytes]:
    headers = {"Host": NAME, "Content-Type": "application/json"}
    sent = None if body is None else json.dumps(body)
    connection.request("GET" if body is None else "POST", path, sent, headers)
    answer = connection.getresponse()
    return answer.status, answer.read()


STREAM: dict[str, Any] = {"model": "tiny", "prompt": "oil ", "max_tokens": 50, "seed": 3, "stream": True}


def test_a_stream_and_the_name_come_through_nginx(models: Path, tmp_path: Path) -> None:
    with attacked(models, tmp_path, f"--allow-host={NAME}") as server, nginx_before(tmp_path, server) as port:
        with connected(tmp_path, port) as connection:
            assert ask(connection, "/health")[0] == 200
            assert ask(connection, "/metrics")[0] == 403
            status, events = ask(connection, "/v1/completions", STREAM)
        with connected(tmp_path, port) as connection:
            _, whole = ask(connection, "/v1/completions", STREAM | {"stream": False})
    assert status == 200
    assert events.endswith(b"data: [DONE]\n\n")
    pieces = [json.loads(line[6:]) for line in events.decode().splitlines() if line.startswith("data: {")]
    text = "".join(choice["text"] for piece in pieces for choice in piece["choices"])
    assert text == json.loads(whole)["choices"][0]["text"]


def test_nobody_notices_that_a_server_ends(models: Path, tmp_path: Path) -> None:
    flag = f"--allow-host={NAME}"
    other = tmp_path / "other"
    other.mkdir()
    with (
        attacked(models, tmp_path, flag) as first,
        attacked(models, other, flag) as second,
        nginx_before(tmp_path, first, second) as port,
        connected(tmp_path, port) as connection,
    ):
        texts = set()
        for i in range(200):
            if i == 50:
                first.process.send_signal(signal.SIGTERM)
            status, body = ask(connection, "/v1/completions", STREAM | {"stream": False})
            assert status == 200, body
            texts.add(json.loads(body)["choices"][0]["text"])
        assert first.process.wait(PATIENCE) == 0
    assert len(texts) == 1
