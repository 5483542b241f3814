"""A server as a process: what it says, how it is refused, and how it stops."""

import asyncio
import json
import signal
import socket
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import Response

from tests.cli.conftest import run
from unspool._cli.commands.serve import tell_start
from unspool._serving import server
from unspool._serving.endpoint import Endpoint
from unspool._serving.limits import Limits
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

from .conftest import PATIENCE, error_of, serving, wait_until
from .test_guarding import KEY, key_file


@contextmanager
def process(*arguments: str) -> Iterator[tuple[subprocess.Popen[str], dict[str, Any]]]:
    """Start ``unspool serve --json``; yield the process, and what it says at its start."""
    command = [sys.executable, "-m", "unspool", "serve", "--port", "0", "--json", *arguments]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        try:
            assert running.stdout is not None
            yield running, json.loads(running.stdout.readline())
        finally:
            running.kill()


def test_it_says_where_it_is_and_stops_by_sigterm(models: Path) -> None:
    with process(str(models), "--log") as (running, started):
        assert started["event"] == "started"
        assert started["pid"] == running.pid
        assert started["models"] == ["tiny"]
        assert httpx.get(f"{started['address']}/health").status_code == 200
        running.send_signal(signal.SIGTERM)
        out, err = running.communicate(timeout=PATIENCE)
    assert [json.loads(line)["event"] for line in out.splitlines()] == ["stopping", "stopped"]
    assert err.count("\n") == 1
    assert "GET /health 200" in err
    assert running.returncode == 0


def test_for_people_it_prints_one_block_and_ends_with_130_after_ctrl_c(models: Path) -> None:
    command = [sys.executable, "-m", "unspool", "serve", "--port", "0", str(models)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as running:
        assert running.stderr is not None
        block = [running.stderr.readline() for _ in range(3)]
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=PATIENCE)
    assert out == err == ""
    assert block[0].startswith("Serving 1 model at http://127.0.0.1:")
    assert block[1].split() == ["tiny", str(models / "tiny")]
    assert block[2].startswith("Ctrl-C stops it")
    assert running.returncode == 130


def test_a_folder_without_models_is_served_too(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    tell_start(Served(roots=(tmp_path,), is_local=False), {}, "http://10.0.0.1:80", as_json=False)
    assert capsys.readouterr().err.splitlines() == [
        "Serving 0 models at http://10.0.0.1:80",
        "  none yet: what is trained into these folders is served",
        "Whoever can reach this address may use them: no key is asked for (--no-auth)",
        "Ctrl-C stops it, and lets running texts finish; a second one stops it at once",
    ]


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["nowhere"], "nowhere must be a folder; got no such folder; name the folder of a model"),
        (
            ["no where/"],
            "no where/: expected a folder, got no such folder; name the folder of a model, or a folder with "
            "such folders, such as runs; unspool train CORPUS --out 'no where/NAME' makes one, and so does "
            "mkdir 'no where'",
        ),
        (["MODELS", "--port", "70000"], "--port must be a whole number from 0 to 65535; got 70000"),
        (["MODELS", "--host", "0.0.0.0"], "--host must be 127.0.0.1, or a key; got 0.0.0.0 without a key"),
        (["MODELS", "--host", "no.such.host.invalid"], "--host must be an address or a name of this machine"),
        (["MODELS", "--host", "192.0.2.1", "--no-auth"], "--host must be an address of this machine"),
        (["MODELS", "--max-body", "1"], "--max-body must be a whole number from 1024 to"),
        (
            ["MODELS", "--api-key-file", "nowhere"],
            "the file of keys nowhere: expected a file, got No such file or directory; python -c",
        ),
        ([], "Missing argument 'DIR...'"),
    ],
)
def test_what_is_wrong_is_told_in_a_line(models: Path, arguments: list[str], words: str) -> None:
    done = run(["serve", *(str(models) if each == "MODELS" else each for each in arguments)])
    assert done.exit_code == 2
    assert done.stdout == ""
    assert done.stderr.startswith(f"unspool: {words}")
    assert done.stderr.count("\n") == 1


def test_a_port_in_use_is_refused(models: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        port = other.getsockname()[1]
        done = run(["serve", str(models), "--port", str(port)])
    assert done.exit_code == 2
    assert done.stderr.startswith(f"unspool: --port must be one that is free; got {port}, which is in use")


def test_a_key_that_everybody_can_read_is_refused(models: Path, tmp_path: Path) -> None:
    done = run(["serve", str(models), "--api-key-file", str(key_file(tmp_path, KEY, 0o644))])
    assert done.exit_code == 2
    assert "chmod 600" in done.stderr


@pytest.mark.parametrize("name", ["starlette", "uvicorn", "httptools", "prometheus_client"])
def test_without_the_extra_it_says_how_to_install_it(
    name: str, models: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from importlib import util

    find = util.find_spec
    monkeypatch.setattr(util, "find_spec", lambda each, *more: None if each == name else find(each, *more))
    done = run(["serve", str(models)])
    assert done.exit_code == 2
    assert done.stderr.startswith(
        f"unspool: unspool serve needs the package {name}, which is not installed; pip "
    )
    assert '[serve]"' in done.stderr


def test_loopback_is_what_no_other_machine_reaches() -> None:
    assert all(map(server.is_loopback, ("127.0.0.1", "127.8.8.8", "::1")))
    assert not any(map(server.is_loopback, ("0.0.0.0", "::", "10.0.0.1", "fe80::1%eth0")))


def test_an_address_of_ipv6_has_brackets() -> None:
    try:
        listener = server.listening_socket(*server.resolve("::1", 0))
    except Exception:
        pytest.skip("no IPv6 here")
    with listener:
        assert server.address_of(listener).startswith("http://[::1]:")


@pytest.mark.parametrize(("files", "connections"), [(10_000, 500), (756, 500), (300, 44), (10, 1)])
def test_there_are_no_more_connections_than_open_files(
    files: int, connections: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "allow_open_files", lambda count: min(count, files))
    assert server.within_open_files(Limits(max_connections=500)) == Limits(max_connections=connections)


async def slow(served: Served, request: Request) -> Response:
    """Answer when the test says so."""
    ENTERED.set()
    while not GO_ON.is_set():
        await asyncio.sleep(0.01)
    return Response(b"{}", media_type="application/json")


ENTERED, GO_ON = threading.Event(), threading.Event()
SLOW = Endpoint(method="POST", path="/slow", handler=slow, body="Any")


@pytest.fixture
def stopping() -> Iterator[tuple[Any, threading.Thread, list[httpx.Response]]]:
    """Run a server which a request still keeps busy when it begins to stop."""
    ENTERED.clear()
    GO_ON.clear()
    answers: list[httpx.Response] = []
    with serving(Served(roots=(), limits=Limits(stop_seconds=PATIENCE)), (SLOW, *ENDPOINTS)) as running:
        ask = threading.Thread(
            target=lambda: answers.append(httpx.post(f"{running.address}/slow", json={}, timeout=PATIENCE))
        )
        ask.start()
        assert ENTERED.wait(PATIENCE)
        running.stop()
        wait_until(lambda: running.served.is_stopping)
        yield running, ask, answers
        GO_ON.set()
        ask.join(PATIENCE)


def test_while_it_stops_texts_finish_and_new_ones_are_refused(stopping: Any) -> None:
    running, ask, answers = stopping
    refused = httpx.post(f"{running.address}/slow", json={})
    assert refused.status_code == 503
    assert refused.headers["retry-after"] == "5"
    assert error_of(refused)["code"] == "stopping"
    ready = httpx.get(f"{running.address}/ready")
    assert (ready.status_code, error_of(ready)["code"]) == (503, "stopping")
    assert httpx.get(f"{running.address}/health").status_code == 200
    assert answers == []
    GO_ON.set()
    ask.join(PATIENCE)
    assert [answer.status_code for answer in answers] == [200]
    running.thread.join(PATIENCE)
    assert not running.thread.is_alive()


def test_texts_that_do_not_finish_in_time_are_given_up() -> None:
    ENTERED.clear()
    GO_ON.clear()
    with serving(Served(roots=(), limits=Limits(stop_seconds=0.2)), (SLOW,)) as running:
        with httpx.Client() as client, ThreadPoolExecutor(1) as pool:
            answer = pool.submit(client.post, f"{running.address}/slow", json={}, timeout=PATIENCE)
            assert ENTERED.wait(PATIENCE)
            running.stop()
            assert answer.result().status_code == 503
            assert error_of(answer.result())["code"] == "stopping"
        running.thread.join(PATIENCE)
        assert not running.thread.is_alive()


LONG = {"model": "tiny", "ignore_eos": True, "n": 16, "max_tokens": 1_000_000}


def test_a_second_ctrl_c_ends_at_once(models: Path) -> None:
    with process(str(models), "--stop-seconds", "600", "--max-tokens", "1000000") as (running, started):
        address, body = started["address"], json.dumps(LONG)
        with socket.create_connection(("127.0.0.1", int(address.rpartition(":")[2])), PATIENCE) as connection:
            head = "POST /v1/completions HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
            connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
            active = 'unspool_active_sequences{model="tiny"} 16.0'
            wait_until(lambda: active in httpx.get(f"{address}/metrics").text)
            running.send_signal(signal.SIGINT)
            assert running.stdout is not None
            assert json.loads(running.stdout.readline()) == {"event": "stopping", "running": 1}
            assert running.poll() is None
            running.send_signal(signal.SIGINT)
            running.communicate(timeout=PATIENCE)
    assert running.returncode == 130
