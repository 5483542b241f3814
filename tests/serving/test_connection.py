"""What a client may send before it is answered, and how slowly: each limit is told with its number."""

import json
import re
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from starlette.requests import Request
from starlette.responses import Response

from unspool._serving.endpoint import Endpoint
from unspool._serving.limits import Limits
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

from .conftest import PATIENCE, Running, raw, serving, wait_until

LIMITS = Limits(
    max_connections=3, max_headers=2048, header_seconds=0.3, idle_seconds=0.4, write_seconds=0.3
)  # fmt: skip
ASK = b"GET /health HTTP/1.1\r\nHost: localhost\r\n\r\n"
LARGE = 50_000_000  # bytes, more than the system holds for a connection


async def much(served: Served, request: Request) -> Response:
    """Answer with much."""
    return Response(bytes(LARGE))


MUCH = Endpoint(method="GET", path="/much", handler=much)


@pytest.fixture(scope="module")
def strict() -> Iterator[Running]:
    """Run a server with small limits."""
    with serving(Served(roots=(), limits=LIMITS), (*ENDPOINTS, MUCH)) as found:
        yield found


def connected(running: Running) -> socket.socket:
    return socket.create_connection(("127.0.0.1", running.port), PATIENCE)


def heard(connection: socket.socket) -> bytes:
    """Return all that comes until the server closes the connection."""
    return b"".join(iter(lambda: connection.recv(65536), b""))


def error_in(answer: bytes) -> tuple[int, dict[str, Any]]:
    """Return the status and the error of the last answer."""
    head, _, body = answer.rpartition(b"\r\n\r\n")
    assert b"connection: close" in head
    assert f"content-length: {len(body)}\r\n".encode() in head
    (status,) = re.findall(rb"HTTP/1.1 (\d+) ", head)[-1:]
    return int(status), json.loads(body)["error"]


@pytest.mark.parametrize(
    "sent",
    [
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 3000,  # without an end
        b"GET / HTTP/1.1\r\nHost: localhost\r\nX: " + b"a" * 3000 + b"\r\n\r\n",
        b"GET /" + b"a" * 3000 + b" HTTP/1.1\r\nHost: localhost\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: localhost\r\n" + b"X: y\r\n" * 500 + b"\r\n",
    ],
)
def test_headers_have_at_most_so_many_bytes(strict: Running, sent: bytes) -> None:
    with connected(strict) as connection:
        connection.sendall(sent)
        status, error = error_in(heard(connection))
    assert status == 431
    assert error["message"] == "the first line and the headers must have at most 2,048 bytes together"


def test_headers_arrive_within_their_time(strict: Running) -> None:
    with connected(strict) as connection:
        connection.sendall(b"GET / HTTP/1.1\r\nHost: local")
        status, error = error_in(heard(connection))
    assert status == 408
    assert error["message"] == "the headers must arrive within 0.3 seconds"


def test_the_headers_of_a_further_request_do_too(strict: Running) -> None:
    with connected(strict) as connection:
        connection.sendall(ASK + b"GET / HTTP/1.1\r\nHost: local")
        answers = heard(connection)
    assert answers.count(b"HTTP/1.1 200 OK") == 1
    assert error_in(answers)[0] == 408


def test_a_connection_that_says_nothing_is_closed(strict: Running) -> None:
    with connected(strict) as connection:
        assert heard(connection) == b""
    with connected(strict) as connection:
        connection.sendall(ASK)
        assert heard(connection).endswith(b'{"status":"ok"}')


@pytest.mark.parametrize(
    "sent",
    [b"nonsense\r\n\r\n", b"GET / HTTP/1.1\r\nHost localhost\r\n\r\n", b"\x16\x03\x01\x02\x00", b"\0" * 99],
)
def test_what_is_no_request_is_told_so(strict: Running, sent: bytes) -> None:
    status, error = error_in(raw(strict, sent))
    assert status == 400
    assert error["message"] == "this is no request of HTTP/1.1"


def test_requests_may_follow_each_other_without_waiting(strict: Running) -> None:
    with connected(strict) as connection:
        connection.sendall(ASK * 40)
        assert heard(connection).count(b"HTTP/1.1 200 OK") == 40


def test_not_too_many_may(strict: Running) -> None:
    with connected(strict) as connection:
        connection.sendall(ASK * 1000)
        assert heard(connection).count(b"HTTP/1.1 200 OK") < 100


def test_there_are_only_so_many_connections(strict: Running) -> None:
    with connected(strict), connected(strict), connected(strict), connected(strict) as fourth:
        status, error = error_in(heard(fourth))
    assert status == 503
    assert error["message"].startswith("the server has 3 open connections")


def test_a_client_that_takes_nothing_is_dropped(strict: Running) -> None:
    dropped = strict.served.metrics.dropped.labels("slow_reader")
    before = dropped._value.get()
    with connected(strict) as connection:
        connection.sendall(ASK.replace(b"health", b"much"))
        wait_until(lambda: dropped._value.get() > before)
        assert len(heard(connection)) < LARGE
    assert dropped._value.get() == before + 1
