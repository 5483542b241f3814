"""The bodies of requests: JSON that is called so, and within the limits."""

import json
from collections.abc import Iterator

import httpx
import pytest
from starlette.requests import Request
from starlette.responses import JSONResponse

from unspool import InputError
from unspool._serving.bodies import body_of, parsed
from unspool._serving.endpoint import Endpoint
from unspool._serving.limits import Limits
from unspool._serving.served import Served

from .conftest import PATIENCE, Running, error_of, raw, serving
from .test_connection import connected, error_in, heard

LIMITS = Limits(max_body=1024, max_levels=4, body_seconds=0.3)
HEAD = b"POST /echo HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"


async def echo(served: Served, request: Request) -> JSONResponse:
    """Answer with what was sent."""
    return JSONResponse(body_of(request))


ECHO = Endpoint(method="POST", path="/echo", handler=echo, body="Any")


@pytest.fixture(scope="module")
def echoing() -> Iterator[Running]:
    """Run a server that answers with what was sent, if it is within small limits."""
    with serving(Served(roots=(), limits=LIMITS), (ECHO,)) as found:
        yield found


def sent(running: Running, body: bytes, kind: str = "application/json") -> httpx.Response:
    return httpx.post(
        f"{running.address}/echo", content=body, headers={"content-type": kind}, timeout=PATIENCE
    )


def test_json_is_read(echoing: Running) -> None:
    assert sent(echoing, '{"a": [1, "é"]}'.encode()).json() == {"a": [1, "é"]}
    assert sent(echoing, b"{}", "Application/JSON; charset=utf-8").json() == {}


def test_it_may_come_in_pieces(echoing: Running) -> None:
    with connected(echoing) as connection:
        connection.sendall(HEAD + b'Connection: close\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{"a":\r\n')
        connection.sendall(b"3\r\n 1}\r\n0\r\n\r\n")
        assert heard(connection).endswith(b'\r\n\r\n{"a":1}')


@pytest.mark.parametrize("kind", ["text/plain", "application/x-www-form-urlencoded", "", "application/jsonx"])
def test_what_a_form_of_a_page_can_send_is_no_json(echoing: Running, kind: str) -> None:
    answer = sent(echoing, b"{}", kind)
    assert answer.status_code == 415
    assert error_of(answer)["message"].endswith(f"got {kind or 'none'}")


@pytest.mark.parametrize(
    ("body", "words"),
    [
        (b"", "expected JSON"),
        (b"[]", "expected a JSON object, got list"),
        (b"{", "expected JSON"),
        (b'{"a": NaN}', "NaN is not JSON"),
        (b'{"a": 1, "a": 2}', "a key that is there twice"),
        (b'{"a": 1e999}', "a number beyond a float"),
        (b'{"a": "\xff"}', "expected UTF-8 text"),
        (b'{"a": "\\ud800"}', "half of a surrogate pair"),
        (b'{"a": [[[[1]]]]}', "more than 4 levels"),
    ],
)
def test_what_is_no_json_is_refused(echoing: Running, body: bytes, words: str) -> None:
    answer = sent(echoing, body)
    assert answer.status_code == 400
    assert error_of(answer)["code"] == "invalid_json"
    assert words in error_of(answer)["message"]


def test_few_levels_are_read(echoing: Running) -> None:
    assert sent(echoing, b'{"a": [[[1]]]}').status_code == 200


@pytest.mark.parametrize("body", [b'{"a":' + b"[" * 100_000, b'{"a": [' + b"[]," * 200_000 + b"0]}"])
def test_a_bomb_of_levels_or_parts_is_none(body: bytes) -> None:
    with pytest.raises(InputError, match=r"more than|JSON"):
        parsed(body, Limits())


def test_a_body_has_at_most_so_many_bytes(echoing: Running) -> None:
    longest = json.dumps({"a": "x" * 1016}).encode()
    assert len(longest) == 1025
    assert sent(echoing, longest.replace(b" ", b"")).status_code == 200
    for body in (longest, b"x" * 3_000_000):
        answer = sent(echoing, body)
        assert answer.status_code == 413
        assert error_of(answer)["message"].startswith("the body must have at most 1,024 bytes; got ")


def test_nor_has_one_in_pieces(echoing: Running) -> None:
    answer = httpx.post(
        f"{echoing.address}/echo",
        content=iter([b"x" * 700] * 2),
        headers={"content-type": "application/json"},
    )
    assert answer.status_code == 413


def test_a_body_arrives_within_its_time(echoing: Running) -> None:
    with connected(echoing) as connection:
        connection.sendall(HEAD + b"Content-Length: 9\r\nExpect: 100-continue\r\n\r\n{")
        status, error = error_in(heard(connection))
    assert status == 408
    assert error["message"] == "the body must arrive within 0.3 seconds; got 1 bytes"


def test_a_client_that_goes_away_in_the_middle_is_no_error(
    echoing: Running, capfd: pytest.CaptureFixture[str]
) -> None:
    assert raw(echoing, HEAD + b"Content-Length: 9\r\n\r\n{") == b""
    assert sent(echoing, b"{}").status_code == 200
    assert capfd.readouterr().err == ""


def test_a_body_that_is_announced_as_too_long_is_not_sent_at_all(echoing: Running) -> None:
    with connected(echoing) as connection:
        connection.sendall(HEAD + b"Content-Length: 1025\r\nExpect: 100-continue\r\n\r\n")
        answer = heard(connection)
    assert b"100 Continue" not in answer
    assert error_in(answer)[0] == 413
