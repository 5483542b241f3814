"""What a connection refuses before a request is answered, and how it answers without the application."""

import json
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._serving import connection as room
from unspool._serving.connection import Connection
from unspool._serving.limits import Limits
from unspool._serving.refusals import RefusedError


def connection(**changes: Any) -> Any:
    """Make a connection in the middle of a request, that belongs to no server."""
    made = cast("Any", object.__new__(Connection))
    facts = {
        "_limits": Limits(max_headers=1024), "_header_timer": None, "_write_timer": None, "url": b"/",
        "_in_headers": True, "_bytes": 9, "_refusal": None, "headers": [(b"host", b"localhost")],
        "pipeline": [], "scope": {}, "cycle": SimpleNamespace(scope={}),
        "parser": SimpleNamespace(get_http_version=lambda: "1.1"),
    }  # fmt: skip
    vars(made).update(facts | changes)
    return made


def refused(made: Any) -> tuple[int, str, str | None]:
    with pytest.raises(RefusedError) as error:
        made.on_headers_complete()
    assert made._refusal is error.value
    return error.value.status, error.value.message, error.value.code


@pytest.mark.parametrize("version", ["0.9", "1.2", "2.0"])
def test_another_version_is_refused(version: str) -> None:
    other = connection(parser=SimpleNamespace(get_http_version=lambda: version))
    assert refused(other) == (400, "the first line must end with HTTP/1.1", "bad_request")
    assert (other._in_headers, other._bytes) == (False, 0)


@pytest.mark.parametrize(("length", "fits"), [(1007, True), (1008, False)])
def test_the_headers_have_a_size(length: int, fits: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of a line are counted its name, its value and four characters: 1 + 4 + 8 + 4, and what else comes."""
    begun: list[bool] = []
    parent = Connection.__mro__[1]
    monkeypatch.setattr(parent, "on_headers_complete", lambda _: begun.append(True))
    made = connection(url=b"/" + b"x" * length, headers=[(b"host", b"localhos")])
    if fits:
        made.on_headers_complete()
        assert begun == [True]
        return
    told = "the first line and the headers must have at most 1,024 bytes together"
    assert refused(made) == (431, told, "headers_too_large")


def test_no_more_requests_wait_than_allowed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Connection.__mro__[1], "on_headers_complete", lambda _: None)
    connection(pipeline=[1] * 63).on_headers_complete()
    told = "more than 64 requests wait on one connection; wait for their answers"
    assert refused(connection(pipeline=[1] * 64)) == (429, told, "too_many_requests")


def test_an_answer_without_the_application_is_whole() -> None:
    error = RefusedError(429, "é", code="c", headers={"retry-after": "1"})
    head, _, body = room._answer(error).partition(b"\r\n\r\n")
    assert head.split(b"\r\n") == [
        b"HTTP/1.1 429 Too Many Requests", b"content-type: application/json",
        b"content-length: " + str(len(body)).encode(), b"connection: close", b"retry-after: 1",
    ]  # fmt: skip
    assert json.loads(body) == {
        "error": {"message": "é", "type": "rate_limit_error", "param": None, "code": "c"},
    }  # fmt: skip


class Transport:
    """What a connection writes to."""

    def __init__(self) -> None:
        self.asked: list[Any] = []
        self.told: list[Any] = []

    def write(self, content: bytes) -> None:
        self.told.append(json.loads(content.partition(b"\r\n\r\n")[2])["error"])
        self.asked.append(content.partition(b"\r\n")[0])

    def close(self) -> None:
        self.asked.append("close")

    def abort(self) -> None:
        self.asked.append("abort")

    def is_closing(self) -> bool:
        return False


@pytest.mark.parametrize(
    ("cycle", "answered"),
    [(None, True), (SimpleNamespace(response_complete=True), True),
     (SimpleNamespace(response_complete=False), False)],
)  # fmt: skip
def test_an_answer_under_way_is_not_broken_into(cycle: Any, answered: bool) -> None:
    counted: list[Any] = []
    metrics = SimpleNamespace(answered=lambda *given: counted.append(given))
    transport, stopped = Transport(), list[str]()
    timer = SimpleNamespace(cancel=lambda: stopped.append("timer"))
    made = connection(cycle=cycle, transport=transport, _served=SimpleNamespace(metrics=metrics),
                      _header_timer=timer, _write_timer=timer)  # fmt: skip
    made.send_400_response("")
    assert transport.asked == [*[b"HTTP/1.1 400 Bad Request"] * answered, "close"]
    error = {"message": "this is no request of HTTP/1.1", "type": "invalid_request_error", "param": None,
             "code": "bad_request"}  # fmt: skip
    assert transport.told == [error] * answered
    assert counted == [("connection", 400)] * answered
    assert (stopped, made._header_timer, made._write_timer) == (["timer"] * 2, None, None)


@pytest.mark.parametrize(
    ("count", "asked"), [(0, ["close"]), (1, [b"HTTP/1.1 408 Request Timeout", "close"])]
)
def test_headers_that_come_late_are_told_so(count: int, asked: list[Any]) -> None:
    metrics = SimpleNamespace(answered=lambda *given: None)
    made = connection(
        cycle=None, transport=Transport(), _served=SimpleNamespace(metrics=metrics), _bytes=count
    )
    made._late()
    assert made.transport.asked == asked
    told = [(each["message"], each["code"]) for each in made.transport.told]
    assert told == [("the headers must arrive within 10 seconds", "request_timeout")] * count


def test_a_client_that_takes_nothing_is_dropped_and_counted() -> None:
    counted: list[str] = []
    dropped = SimpleNamespace(labels=lambda reason: SimpleNamespace(inc=lambda: counted.append(reason)))
    made = connection(
        transport=Transport(), _served=SimpleNamespace(metrics=SimpleNamespace(dropped=dropped))
    )
    made._stuck()
    assert (made.transport.asked, counted, made._write_timer) == (["abort"], ["slow_reader"], None)
