"""Who may ask: the names of the server, pages from elsewhere, keys, the token of the page."""

import asyncio
from dataclasses import replace
from pathlib import Path

import httpx
import pytest

from unspool import ConfigError
from unspool._serving.app import App
from unspool._serving.guarding import hash_of, is_own, read_keys
from unspool._serving.routes import ENDPOINTS
from unspool._serving.served import Served

from .conftest import Running, error_of, raw

KEY, OTHER = "a-key-of-the-tests", "another-key-of-the-tests"


@pytest.mark.parametrize(
    "host",
    ["localhost", "LOCALHOST:8000", "a.localhost", "127.0.0.1:1", "10.1.2.3", "[::1]:80", "localhost."],
)
def test_addresses_and_localhost_are_own_names(host: str) -> None:
    assert is_own(host.encode())


@pytest.mark.parametrize(
    "host", ["", "evil.example", "evillocalhost", "localhost.evil.example", "127.0.0.1.nip.io", "[a]:1"]
)
def test_other_names_are_not(host: str) -> None:
    assert not is_own(host.encode())


def test_a_request_that_was_meant_for_another_name_is_refused(client: httpx.Client) -> None:
    answer = client.get("/health", headers={"host": "evil.example:8000"})
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "host_not_allowed"
    assert "'evil.example:8000'" in error_of(answer)["message"]


def test_a_request_has_one_host(running: Running) -> None:
    answer = raw(running, b"GET /health HTTP/1.1\r\nHost: localhost\r\nHost: localhost\r\n\r\n")
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b'"a request must have one header Host"' in answer


@pytest.mark.parametrize("origin", ["http://evil.example", "null", "http://127.0.0.1:1"])
def test_a_page_from_elsewhere_is_refused(client: httpx.Client, origin: str) -> None:
    answer = client.get("/health", headers={"origin": origin})
    assert answer.status_code == 403
    assert error_of(answer)["code"] == "origin_not_allowed"


def test_a_page_of_the_server_is_let_in(client: httpx.Client, running: Running) -> None:
    assert client.get("/health", headers={"origin": running.address}).status_code == 200


@pytest.mark.parametrize(("site", "status"), [("cross-site", 403), ("same-origin", 200), ("none", 200)])
def test_what_a_browser_says_of_its_page_counts(client: httpx.Client, site: str, status: int) -> None:
    assert client.get("/metrics", headers={"sec-fetch-site": site}).status_code == status
    assert client.get("/health", headers={"sec-fetch-site": site}).status_code == 200  # as a link to the page


def test_every_answer_is_guarded(client: httpx.Client) -> None:
    for path in ("/health", "/nothing", "/metrics"):
        headers = client.get(path).headers
        assert headers["x-content-type-options"] == "nosniff"
        assert headers["x-frame-options"] == "DENY"
        assert headers["referrer-policy"] == "no-referrer"
        assert headers["content-security-policy"].startswith("default-src 'none'")
        assert headers["cache-control"] == "no-store"
        assert "access-control-allow-origin" not in headers


@pytest.mark.parametrize(
    ("header", "status"),
    [
        (None, 401), ("Bearer wrong", 401), (f"Basic {KEY}", 401), (KEY, 401), (f"Bearer {KEY}x", 401),
        (f"Bearer {KEY}", 200), (f"bearer  {OTHER}", 200),
    ],
)  # fmt: skip
def test_a_key_opens_the_server(header: str | None, status: int) -> None:
    served = Served(roots=(), keys=(hash_of(KEY.encode()), hash_of(OTHER.encode())))
    answer = asked(served, "/metrics", {"authorization": header} if header else {})
    assert answer.status_code == status
    if status == 401:
        assert answer.headers["www-authenticate"] == "Bearer"
        assert error_of(answer)["type"] == "authentication_error"


def test_without_the_key_there_is_health_alone() -> None:
    served = Served(roots=(), keys=(hash_of(KEY.encode()),))
    assert asked(served, "/health").status_code == asked(served, "/ready").status_code == 200
    assert asked(served, "/openapi.json").status_code == 401


def test_what_changes_something_wants_the_token_of_the_page() -> None:
    served = Served(roots=())
    changing = replace(ENDPOINTS[0], path="/change", access="token")
    app = App(served, (changing,))
    assert asked(app, "/change").status_code == 403
    assert error_of(asked(app, "/change", {"x-unspool-token": "x"}))["code"] == "invalid_token"
    assert asked(app, "/change", {"x-unspool-token": served.token}).status_code == 200


def test_a_name_that_was_allowed_is_let_in() -> None:
    served = Served(roots=(), allowed_hosts=frozenset({"texts.example"}))
    answer = asked(served, "/health", {"host": "texts.example", "origin": "https://texts.example"})
    assert answer.status_code == 200
    assert asked(served, "/health", {"host": "other.example"}).status_code == 403


def test_keys_are_read_from_a_file_that_is_ones_own(tmp_path: Path) -> None:
    path = key_file(tmp_path, f"{KEY}\n\n {OTHER} \n", 0o640)  # the group may be that of a service
    assert read_keys(path) == (hash_of(KEY.encode()), hash_of(OTHER.encode()))


@pytest.mark.parametrize(
    ("text", "mode", "words"),
    [
        (f"{KEY}\n", 0o604, "everybody can; chmod 600"),
        ("\n \n", 0o600, "one on a line, got none"),
        ("short\n", 0o600, "keys of 16 to 1024 ASCII characters"),
        ("é" * 20, 0o600, "keys of 16 to 1024 ASCII characters"),
        (f"{KEY}\n" * 5000, 0o600, "keys of 16 to 1024 ASCII characters"),
    ],
)
def test_a_file_of_keys_that_is_not_right_is_refused(
    tmp_path: Path, text: str, mode: int, words: str
) -> None:
    with pytest.raises(ConfigError, match=words) as error:
        read_keys(key_file(tmp_path, text, mode))
    assert KEY not in str(error.value)


def test_a_file_of_keys_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="No such file"):
        read_keys(tmp_path / "none")


def key_file(folder: Path, text: str, mode: int = 0o600) -> Path:
    path = folder / "keys"
    path.write_text(text, "utf-8")
    path.chmod(mode)
    return path


def asked(what: Served | App, path: str, headers: dict[str, str] | None = None) -> httpx.Response:
    """Ask an application without a server."""

    async def ask() -> httpx.Response:
        transport = httpx.ASGITransport(what if isinstance(what, App) else App(what))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return await client.get(path, headers=headers)

    return asyncio.run(ask())
