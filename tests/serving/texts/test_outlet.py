"""What an answer that writes itself looks like on the wire, to clients of every kind."""

import json
import re
import socket
from collections.abc import Iterator

import pytest

from tests.serving.conftest import PATIENCE, Running, serving, wait_until
from tests.serving.texts.company import CHARS, made
from unspool._serving.served import Served

GUARDS = (
    b"x-content-type-options: nosniff",
    b"x-frame-options: DENY",
    b"content-security-policy: default-src 'none'; frame-ancestors 'none'",
)


@pytest.fixture(scope="module")
def one(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    """Run a server of one small model."""
    folder = tmp_path_factory.mktemp("one")
    made(CHARS, 1).save(folder / "chars")
    with serving(Served(roots=(folder,))) as running:
        yield running


def asking(*, version: str = "1.1", more: str = "", **body: object) -> bytes:
    """Return a request for four tokens as it goes over the wire."""
    asked = {"model": "chars", "seed": 3, "max_tokens": 4, "ignore_eos": True, **body}
    text = json.dumps(asked)
    head = f"Host: localhost\r\nContent-Type: application/json\r\nContent-Length: {len(text)}\r\n{more}"
    return f"POST /v1/completions HTTP/{version}\r\n{head}\r\n{text}".encode()


def heard(running: Running, sent: bytes) -> bytes:
    """Return all that comes until the server closes the connection, which the client leaves open."""
    with socket.create_connection(("127.0.0.1", running.port), PATIENCE) as connection:
        connection.sendall(sent)
        return b"".join(iter(lambda: connection.recv(65536), b""))


LAST = "Connection: close\r\n"


def unchunked(body: bytes) -> tuple[bytes, bytes]:
    """Return a body that came in chunks, and what comes after it."""
    whole = b""
    while True:
        size, _, body = body.partition(b"\r\n")
        part, body = body[: int(size, 16)], body[int(size, 16) :]
        assert body.startswith(b"\r\n")
        whole, body = whole + part, body[2:]
        if not part:
            return whole, body


def test_a_whole_answer_has_its_length_and_the_headers_that_guard_it(one: Running) -> None:
    head, _, body = heard(one, asking(more=LAST)).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    assert lines[0] == b"HTTP/1.1 200 OK"
    assert f"content-length: {len(body)}".encode() in lines
    expected = (b"content-type: application/json", b"cache-control: no-store", b"connection: close")
    for each in (*GUARDS, *expected):
        assert lines.count(each) == 1
    assert sum(line.startswith(b"date: ") for line in lines) == 1
    assert len(json.loads(body)["choices"][0]["text"]) == 4


def test_events_come_in_chunks_after_the_headers_that_guard_them(one: Running) -> None:
    head, _, body = heard(one, asking(stream=True, more=LAST)).partition(b"\r\n\r\n")
    lines = head.split(b"\r\n")
    expected = (b"transfer-encoding: chunked", b"cache-control: no-cache", b"x-accel-buffering: no")
    for each in (*GUARDS, *expected, b"content-type: text/event-stream; charset=utf-8"):
        assert lines.count(each) == 1
    events, rest = unchunked(body)
    assert events.endswith(b"\n\ndata: [DONE]\n\n")
    assert rest == b""


def test_answers_of_one_connection_come_in_order_whatever_their_kind(one: Running) -> None:
    sent = asking(seed=1) + asking(seed=2, stream=True) + asking(seed=4) + asking(seed=5, more=LAST)
    answer = heard(one, sent)
    assert answer.count(b"HTTP/1.1 200 OK\r\n") == 4
    assert re.findall(rb'"seed": ?(\d)', answer.replace(b"\r\n", b""))[0] == b"1"
    seeds = [int(seed) for seed in re.findall(rb'"seed": ?(\d)', answer)]
    assert seeds == sorted(seeds)
    assert set(seeds) == {1, 2, 4, 5}


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_of_http_1_0_is_told_that_the_connection_ends(one: Running, stream: bool) -> None:
    answer = heard(one, asking(version="1.0", stream=stream))
    assert b"\r\nconnection: close\r\n" in answer
    assert b'"finish_reason": "length"' in answer


def test_a_client_that_waits_for_our_word_has_it_once(one: Running) -> None:
    whole = asking(more=f"{LAST}Expect: 100-continue\r\n")
    head, _, body = whole.partition(b"\r\n\r\n")
    with socket.create_connection(("127.0.0.1", one.port), PATIENCE) as connection:
        connection.sendall(head + b"\r\n\r\n")
        assert connection.recv(65536) == b"HTTP/1.1 100 Continue\r\n\r\n"
        connection.sendall(body)
        assert b"".join(iter(lambda: connection.recv(65536), b"")).startswith(b"HTTP/1.1 200 OK\r\n")


@pytest.mark.parametrize("stream", [False, True])
def test_a_client_that_goes_away_frees_its_place_though_more_of_its_requests_wait(
    one: Running, stream: bool
) -> None:
    def active() -> int:
        return sum(state.active for state in one.served.library.states())

    with socket.create_connection(("127.0.0.1", one.port), PATIENCE) as connection:
        connection.sendall(asking(max_tokens=100_000, n=8, stream=stream) + asking())
        wait_until(lambda: active() == 8)
    wait_until(lambda: active() == 0)
