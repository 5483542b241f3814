"""Each request is sent to its endpoint, or refused in OpenAI's form."""

import asyncio
import errno
import io
import re
import sys
from collections.abc import AsyncIterator, Iterator

import httpx
import pytest
from prometheus_client.parser import text_string_to_metric_families
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse

from unspool import ConfigError, DivergenceError
from unspool._serving.endpoint import Endpoint
from unspool._serving.limits import Limits
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

from .conftest import PATIENCE, Running, error_of, serving, wait_until


def test_the_server_is_alive_and_ready(client: httpx.Client) -> None:
    assert client.get("/health").json() == {"status": "ok"}
    assert client.get("/ready").json() == {"status": "ok"}


def test_a_path_that_is_not_there_is_named(client: httpx.Client) -> None:
    answer = client.get("/v2/x%0Ay")
    assert answer.status_code == 404
    assert error_of(answer)["message"] == r"there is no '/v2/x\ny' here; /openapi.json lists what there is"


def test_a_wrong_method_is_told_the_right_ones(client: httpx.Client) -> None:
    answer = client.delete("/health")
    assert answer.status_code == 405
    assert answer.headers["allow"] == "GET, HEAD"
    assert error_of(answer)["message"] == "'/health' is for GET and HEAD; got DELETE"
    assert client.options("/health").status_code == 405  # no page of another site is asked in


def test_head_is_get_without_a_body(client: httpx.Client) -> None:
    answer = client.head("/health")
    assert answer.status_code == 200
    assert answer.content == b""


SECRET = "a secret of the server"


async def broken(served: Served, request: Request) -> Response:
    """Fail as no handler should."""
    raise RuntimeError(SECRET)


async def diverged(served: Served, request: Request) -> Response:
    """Fail with an error of unspool that is not the client's."""
    raise DivergenceError(SECRET)


async def wrong(served: Served, request: Request) -> Response:
    """Fail with an error that is the client's."""
    raise ConfigError("top_k", expected="a whole number ≥ 1", got="0")


async def half(served: Served, request: Request) -> Response:
    """Fail after half of the answer."""

    async def parts() -> AsyncIterator[bytes]:
        yield b"the first part"
        raise RuntimeError(SECRET)

    return StreamingResponse(parts())


async def late(served: Served, request: Request) -> Response:
    """Answer never."""
    await asyncio.sleep(PATIENCE)
    return Response()


HANDLERS = (broken, diverged, wrong, half)
FAILING = [Endpoint(method="GET", path=f"/{each.__name__}", handler=each) for each in HANDLERS]
LATE = Endpoint(method="POST", path="/late", handler=late, body="Any")


@pytest.fixture(scope="module")
def failing() -> Iterator[Running]:
    """Run a server whose handlers fail."""
    served = Served(roots=(), limits=Limits(text_seconds=0.2), log=True)
    with serving(served, (*FAILING, LATE, *ENDPOINTS)) as found:
        yield found


def line_of_log(capfd: pytest.CaptureFixture[str], path: str) -> str:
    """Return the line of the log about a path, which is written after the answer."""
    parts: list[str] = []

    def is_there() -> bool:
        parts.append(capfd.readouterr().err)
        return re.search(f" {path}.*\n", "".join(parts)) is not None

    wait_until(is_there)
    (line,) = (line for line in "".join(parts).splitlines() if f" {path}" in line)
    return line


@pytest.mark.parametrize("path", ["broken", "diverged"])
def test_an_error_that_nobody_foresaw_is_told_by_its_number(
    failing: Running, path: str, capfd: pytest.CaptureFixture[str]
) -> None:
    answer = httpx.get(f"{failing.address}/{path}")
    assert answer.status_code == 500
    error = error_of(answer)
    assert error["type"] == "server_error"
    (number,) = re.findall(r"[0-9a-f]{8}", error["message"])
    assert "secret" not in answer.text
    logged = capfd.readouterr().err
    assert logged.count(f"unspool: error {number} at /{path}\n") == 1
    assert logged.count(SECRET) == 1
    assert f"in {path}\n" in logged


def test_an_error_of_the_client_is_its_own(failing: Running, capfd: pytest.CaptureFixture[str]) -> None:
    answer = httpx.get(f"{failing.address}/wrong?secret=prompt")
    assert answer.status_code == 400
    assert error_of(answer) == {
        "message": "top_k must be a whole number ≥ 1; got 0",
        "type": "invalid_request_error",
        "param": "top_k",
        "code": None,
    }
    line = line_of_log(capfd, "/wrong")  # without what was asked
    assert re.fullmatch(r"[\d-]+ [\d:]+ 127.0.0.1 GET /wrong 400 [\d.]+ ms", line)


def test_an_answer_that_breaks_off_is_seen_to(failing: Running, capfd: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(f"{failing.address}/half")
    assert capfd.readouterr().err.count(SECRET) == 1


def test_an_answer_that_takes_too_long_is_given_up(failing: Running) -> None:
    answer = httpx.post(f"{failing.address}/late", json={})
    assert answer.status_code == 503
    assert error_of(answer)["message"].startswith("the answer must be whole within 0.2 seconds")


def test_what_was_answered_is_counted(failing: Running) -> None:
    httpx.get(f"{failing.address}/nothing")
    text = httpx.get(f"{failing.address}/metrics").text
    families = {family.name: family for family in text_string_to_metric_families(text)}
    samples = {tuple(each.labels.values()): each.value for each in families["unspool_requests"].samples}
    assert samples["unknown", "404"] >= 1
    assert "unspool_first_byte_seconds" in families
    assert "process_resident_memory_bytes" in families


def test_a_log_cannot_be_written_into(failing: Running, capfd: pytest.CaptureFixture[str]) -> None:
    httpx.get(f"{failing.address}/a%0A2026-01-01%1B[31m")
    line = line_of_log(capfd, "/a")
    assert "2026-01-01" in line.partition("/a")[2]  # it is one line
    assert "\x1b" not in line


def test_a_log_that_nobody_takes_is_no_error(failing: Running, monkeypatch: pytest.MonkeyPatch) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "no space")

    monkeypatch.setattr(sys, "stderr", Full())
    with httpx.Client() as client:
        assert client.get(f"{failing.address}/health").status_code == 200
        assert client.get(f"{failing.address}/broken").status_code == 500
