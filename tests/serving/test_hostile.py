"""A hostile client: whatever it sends, the server answers or hangs up, and goes on for the others."""

import hashlib
import json
import socket
import struct
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.serving.attacker import PATIENCE, Answer, Target, attacked, connection_to, request
from tests.serving.hostile_requests import BAD_JSON, PATTERNS, SMUGGLED, TRAVERSALS, Maker

RESET = struct.pack("ii", 1, 0)  # of SO_LINGER: what is closed is forgotten at once
BATCH, QUICK_BATCHES, SLOW_BATCHES = 1000, 1, 100


@pytest.fixture(scope="module")
def target(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Target]:
    with attacked(models, tmp_path_factory.mktemp("attacked")) as found:
        yield found


def ask(target: Target, *bodies: dict[str, Any], path: str = "/v1/completions") -> list[Answer]:
    """Send a request with each body, and return the answers."""
    exchanges = target.attack(request(path, json.dumps(body).encode()) for body in bodies)
    target.check_exchanges(exchanges)
    assert all(len(exchange.answers) == 1 for exchange in exchanges)
    return [exchange.answers[0] for exchange in exchanges]


def test_no_shape_of_http_brings_in_a_hidden_request(target: Target) -> None:
    exchanges = target.attack(SMUGGLED.values())
    target.check_exchanges(exchanges)
    for name, exchange in zip(SMUGGLED, exchanges, strict=True):
        statuses = [answer.status for answer in exchange.answers]
        assert len([status for status in statuses if status != 100]) <= 1, (name, statuses)
        assert all(status == 100 or 400 <= status < 500 for status in statuses), (name, statuses)


@pytest.mark.parametrize("coding", ["length", "chunks"])
def test_a_body_that_is_no_json_object_is_refused(target: Target, coding: str) -> None:
    sent = [request("/v1/completions", body) for body in BAD_JSON.values()]
    if coding == "chunks":
        sent = [in_chunks(body) for body in BAD_JSON.values()]
    exchanges = target.attack(sent)
    target.check_exchanges(exchanges)
    for name, exchange in zip(BAD_JSON, exchanges, strict=True):
        assert exchange.status is not None, name
        assert 400 <= exchange.status < 500, (name, exchange.answers)
        assert set(exchange.answers[0].json()["error"]) == {"message", "type", "param", "code"}


def in_chunks(body: bytes) -> bytes:
    """Return a request whose body comes in chunks of seven bytes, or a thousand of them."""
    size = max(7, len(body) // 1000)
    parts = [body[i : i + size] for i in range(0, len(body), size)]
    chunks = b"".join(b"%x\r\n" % len(part) + part + b"\r\n" for part in parts) + b"0\r\n\r\n"
    kind = ((b"Content-Type", b"application/json"), (b"Transfer-Encoding", b"chunked"))
    return request("/v1/completions", headers=kind, method="POST") + chunks


def test_pipelined_requests_are_answered_in_their_order(target: Target) -> None:
    first = request("/v1/completions", b'{"model": "tiny", "max_tokens": 50}', close=False)
    (exchange,) = target.attack([first + request("/nothing", close=False) + request("/health")])
    target.check_exchanges([exchange])
    assert [answer.status for answer in exchange.answers] == [200, 404, 200]


def test_a_thousand_pipelined_requests_are_bounded(target: Target) -> None:
    body = b'{"model": "tiny", "prompt": "oil ", "max_tokens": 2000, "n": 64}'
    exchanges = target.attack([request("/v1/completions", body, close=False) * 1000] * 4)
    target.check_exchanges(exchanges)


def test_a_client_that_closes_its_side_has_gone(target: Target) -> None:
    """Nothing tells it from one that has closed both: its place is for others."""
    with connection_to(target.port) as connection:
        connection.sendall(request("/v1/completions", json.dumps(STREAM).encode()))
        connection.shutdown(socket.SHUT_WR)
        received = b"".join(iter(lambda: connection.recv(65536), b""))
    assert not received.endswith(b"data: [DONE]\n\n")
    wait_until_nothing_runs(target)


@pytest.mark.parametrize("host", [b"evil.example", b"127.0.0.1.evil.example", b"", b"localhost@evil.example"])
def test_another_host_is_refused(target: Target, host: bytes) -> None:
    (exchange,) = target.attack([request("/v1/models", host=host)])
    assert exchange.status is not None
    assert 400 <= exchange.status < 500


@pytest.mark.parametrize(
    "origin", [b"http://evil.example", b"null", b"http://127.0.0.1.evil.example", b"file://"]
)
def test_a_page_from_elsewhere_is_refused(target: Target, origin: bytes) -> None:
    body = b'{"model": "tiny", "prompt": "oil ", "max_tokens": 1}'
    (exchange,) = target.attack([request("/v1/completions", body, headers=[(b"Origin", origin)])])
    assert exchange.status == 403
    assert "access-control-allow-origin" not in exchange.answers[0].headers


def test_no_parameter_is_a_path(target: Target) -> None:
    document = json.loads(target.get("/openapi.json"))
    sent = [
        request("/".join(name if "{" in part else part for part in path.split("/")).replace("\\", "%5c"))
        for path in [
            *document["paths"],
            "/page/{file}",
            "/{file}",
            "/api/runs/{run}",
            "/api/runs/{run}/events",
        ]
        if "{" in path
        for name in TRAVERSALS
    ]
    exchanges = target.attack(sent)
    target.check_exchanges(exchanges)
    for exchange in exchanges:
        text = b"".join(answer.body for answer in exchange.answers)
        assert b"root:x:" not in text
        assert b"__metadata__" not in text
        assert not any("set-cookie" in answer.headers for answer in exchange.answers)
    answers = ask(target, *({"model": name, "prompt": "oil ", "max_tokens": 1} for name in TRAVERSALS))
    assert {answer.status for answer in answers} <= {400, 404}


@pytest.mark.parametrize("option", ["regex", "not_regex", "contains", "stop"])
def test_hostile_patterns_take_no_more_than_their_limit(target: Target, option: str) -> None:
    bodies = [{"model": "tiny", "prompt": "", "max_tokens": 50, option: pattern} for pattern in PATTERNS]
    answers = ask(target, *bodies)
    assert {answer.status for answer in answers} <= {200, 400, 413, 429, 503, 504}


HUGE: list[dict[str, Any]] = [
    {"n": 10**9},
    {"n": 2**63},
    {"best_of": 10**9, "n": 1},
    {"max_tokens": 10**9},
    {"max_tokens": 10**300},
    {"prompt": "oil " * 200_000},
    {"prompt": ["oil "] * 100_000},
    {"prompt": [[1] * 100_001]},
    {"prompt": [10**18]},
    {"prompt": [-1]},
    {"stop": [str(i) for i in range(100_000)]},
    {"bad_words": [str(i) for i in range(100_000)]},
    {"logit_bias": {str(i): 1 for i in range(90_000)}},
    {"logprobs": 10**9},
    {"contains": ["oil"] * 1000},
    {"seed": 10**100},
    {"user": "u" * 900_000},
    {"model": "m" * 900_000},
    {"unique": True, "n": 64, "max_tokens": 1},
    {"min_length": 10**9},
    {"max_length": 10**9, "min_length": 10**9 - 1},
]


def test_huge_numbers_are_refused_or_bounded(target: Target) -> None:
    answers = ask(target, *({"model": "tiny", "prompt": "oil ", "max_tokens": 5} | body for body in HUGE))
    assert {answer.status for answer in answers} <= {200, 400, 404, 408, 413, 429, 503, 504}
    assert 200 not in {answer.status for answer in answers[:10]}


def test_slow_senders_are_cut_off_and_hold_up_nobody(target: Target) -> None:
    begun = [connection_to(target.port) for _ in range(50)]
    for i, connection in enumerate(begun):
        connection.sendall(
            (b"G", b"GET /health HTTP/1.1\r\nHost: 127.0.0.1\r\nX: ", in_chunks(b"{}")[:-9])[i % 3]
        )
    deadline = time.monotonic() + PATIENCE
    open_ones = list(begun)
    while open_ones and time.monotonic() < deadline:
        target.check()
        time.sleep(0.2)
        open_ones = [connection for connection in open_ones if not is_ended(connection)]
    for connection in begun:
        connection.close()
    assert not open_ones


def is_ended(connection: socket.socket) -> bool:
    """Send a byte more, read what has come, and return whether the server has closed the connection."""
    try:
        connection.sendall(b"a")
        connection.setblocking(False)
        while connection.recv(65536):
            pass
    except BlockingIOError:
        return False
    except OSError:
        return True
    finally:
        connection.setblocking(True)
    return True


STREAM = {"model": "tiny", "prompt": "oil ", "max_tokens": 2000, "n": 16, "ignore_eos": True, "stream": True}


def test_readers_that_never_read_are_dropped(target: Target) -> None:
    def few_bytes(connection: socket.socket) -> None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 2048)

    silent = [connection_to(target.port, prepare=few_bytes) for _ in range(20)]
    for connection in silent:
        connection.sendall(request("/v1/completions", json.dumps(STREAM).encode()))
    (answer,) = ask(target, {"model": "tiny", "prompt": "oil ", "max_tokens": 5})
    assert answer.status == 200
    wait_until_nothing_runs(target)
    for connection in silent:
        connection.close()


@pytest.mark.parametrize("how", ["reset", "closed"])
def test_clients_that_vanish_free_their_places(target: Target, how: str) -> None:
    gone = [connection_to(target.port) for _ in range(30)]
    for i, connection in enumerate(gone):
        sent = request("/v1/completions", json.dumps(STREAM | {"stream": i % 2 == 0}).encode())
        connection.sendall(sent if i % 5 else sent[:-10])
    time.sleep(0.05)
    for connection in gone:
        if how == "reset":
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        connection.close()
    wait_until_nothing_runs(target)
    target.check()


def wait_until_nothing_runs(target: Target) -> None:
    """Wait until no text is being written or waits, by the server's own count."""
    deadline = time.monotonic() + PATIENCE
    while running := texts_under_way(target):
        assert time.monotonic() < deadline, running
        time.sleep(0.1)


def texts_under_way(target: Target) -> float:
    lines = target.get("/metrics").decode().splitlines()
    counted = [line for line in lines if line.startswith(("unspool_active", "unspool_waiting"))]
    assert counted, lines
    return sum(float(line.rpartition(" ")[2]) for line in counted)


def attack_at_random(target: Target, seed: int) -> None:
    maker = Maker(json.loads(target.get("/openapi.json")), "tiny", seed)
    exchanges = target.attack(maker.requests(BATCH))
    target.check_exchanges(exchanges)
    statuses = [exchange.status for exchange in exchanges]
    assert "/v1/completions" in maker.bodies
    assert statuses.count(200) > BATCH / 50  # or nothing deep is tried
    assert statuses.count(400) > BATCH / 10


@pytest.mark.parametrize("seed", range(QUICK_BATCHES))
def test_thousands_of_requests_at_random(target: Target, seed: int) -> None:
    attack_at_random(target, seed)


@pytest.mark.slow
@pytest.mark.parametrize("seed", range(QUICK_BATCHES, SLOW_BATCHES))
def test_a_hundred_thousand_requests_at_random(target: Target, seed: int) -> None:
    attack_at_random(target, seed)


def files_in(folder: Path) -> dict[str, str]:
    """Return the digest of each file below a folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_a_killed_server_damages_nothing_and_starts_again_at_once(models: Path, tmp_path: Path) -> None:
    before = files_in(models)
    with attacked(models, tmp_path) as target:
        reading = [connection_to(target.port) for _ in range(8)]
        for connection in reading:
            connection.sendall(request("/v1/completions", json.dumps(STREAM).encode()))
            assert connection.recv(1)
        target.process.kill()
        target.process.wait(PATIENCE)
        port = target.port
    with attacked(models, tmp_path, port=port) as again:
        assert again.port == port
        (answer,) = ask(again, {"model": "tiny", "prompt": "oil ", "max_tokens": 5})
        assert answer.status == 200
        for connection in reading:
            connection.close()
    assert files_in(models) == before
