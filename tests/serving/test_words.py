"""Who is refused and in which words, what is counted, and the files of the page, without a server."""

import asyncio
import hashlib
import re
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from unspool._errors import ArtifactError, ConfigError, UnknownSymbolError
from unspool._serving import guarding, health, pages
from unspool._serving.endpoint import Endpoint
from unspool._serving.guarding import check_access, check_sender, hash_of, is_own, read_keys
from unspool._serving.limits import Limits
from unspool._serving.monitoring import Metrics, ModelState
from unspool._serving.refusals import RefusedError, error_object, refusal_of, response_of


def refused(call: Any, *given: Any) -> RefusedError:
    with pytest.raises(RefusedError) as error:
        call(*given)
    return error.value


def facts(error: RefusedError) -> tuple[int, str, str | None, str | None]:
    return error.status, error.message, error.code, error.param


def endpoint(access: Any) -> Endpoint:
    return Endpoint(method="GET", path="/", handler="a:b", access=access)


def served(**changes: Any) -> Any:
    known = {"allowed_hosts": frozenset({"my.example"}), "keys": (), "token": "t-o-k-e-n"}
    return cast("Any", SimpleNamespace(**known | changes))


@pytest.mark.parametrize(
    ("headers", "access", "told"),
    [
        ({"host": "localhost:1"}, "key", None), ({"host": "My.Example.:80"}, "key", None),
        ({"host": "localhost", "origin": "http://LOCALHOST"}, "key", None),
        ({"host": "localhost:1", "origin": "https://my.example:9"}, "key", None),
        ({"host": "localhost", "sec-fetch-site": "cross-site"}, "open", None),
        ({"host": "localhost", "sec-fetch-site": "same-origin"}, "token", None),
        ({"host": "x" * 120}, "key",
         (403, f"the header Host must be localhost or an address; got {'x' * 100!r}; see --allow-host",
          "host_not_allowed")),
        ({"host": "localhost:1", "origin": "http://localhost:2"}, "key",
         (403, "a page of 'http://localhost:2' may not use this server, only pages of its own",
          "origin_not_allowed")),
        ({"host": "localhost", "origin": "y" * 120}, "key",
         (403, f"a page of {'y' * 100!r} may not use this server, only pages of its own",
          "origin_not_allowed")),
        *(({"host": "localhost", "sec-fetch-site": site}, access,
           (403, "a page of another site may not use this server, only pages of its own",
            "origin_not_allowed"))
          for site in ("cross-site", "same-site") for access in ("key", "token")),
        ({}, "key", (400, "a request must have one header Host", "bad_request")),
    ],
)  # fmt: skip
def test_a_sender_is_meant_for_this_server(
    headers: dict[str, str], access: str, told: tuple[int, str, str] | None
) -> None:
    lines = [(name.encode(), value.encode()) for name, value in headers.items()]
    arguments = (served(), lines, dict(lines), endpoint(access))
    if told is None:
        check_sender(*arguments)
        return
    assert facts(refused(check_sender, *arguments)) == (*told, None)


def test_two_hosts_are_one_too_many_and_an_unknown_path_asks_for_no_site() -> None:
    lines = [(b"host", b"localhost")] * 2
    assert refused(check_sender, served(), lines, dict(lines), None).status == 400
    more = [lines[0], (b"sec-fetch-site", b"cross-site")]
    check_sender(served(), more, dict(more), None)


KEY = b"a-key-of-the-tests"


@pytest.mark.parametrize(
    ("headers", "keys", "access", "status"),
    [
        ({}, True, "open", None), ({}, False, "key", None), ({}, True, "key", 401),
        ({"authorization": b"Bearer " + KEY}, True, "key", None),
        ({"authorization": b"BEARER   " + KEY + b" "}, True, "key", None),
        ({"authorization": b"Basic " + KEY}, True, "key", 401), ({"authorization": KEY}, True, "key", 401),
        ({"authorization": b"Bearer " + KEY, "x-unspool-token": b"t-o-k-e-n"}, True, "token", None),
        ({"authorization": b"Bearer " + KEY}, True, "token", 403), ({}, False, "token", 403),
        ({"x-unspool-token": b"t-o-k-e-n"}, False, "token", None),
        ({"x-unspool-token": b"t-o-k-e-n"}, True, "token", 401),
    ],
)  # fmt: skip
def test_a_key_and_a_token_open_what_wants_them(
    headers: dict[str, bytes], keys: bool, access: str, status: int | None
) -> None:
    server = served(keys=(hash_of(b"another"), hash_of(KEY)) if keys else ())
    arguments = (server, {name.encode(): value for name, value in headers.items()}, endpoint(access))
    if status is None:
        check_access(*arguments)
        return
    error = refused(check_access, *arguments)
    assert facts(error) == {
        401: (401, "a key is needed: send the header Authorization: Bearer KEY, with a key of the server",
              "invalid_api_key", None),
        403: (403, "only the page of this server may do that: its header X-Unspool-Token is wrong; load "
              "the page again", "invalid_token", None),
    }[status]  # fmt: skip
    assert error.headers == ({"www-authenticate": "Bearer"} if status == 401 else {})


def test_a_hash_is_a_known_one() -> None:
    assert hash_of(b"a") == hashlib.blake2b(b"a", digest_size=32).digest()
    assert [is_own(name) for name in (b"x.localhost", b"localhost.", b"[::1]:3", b"::1", b"1.2.3.4.5")] == [
        True, True, True, False, False,
    ]  # fmt: skip


GOOD = b"x" * 16
MAKING = "python -c 'import secrets; print(secrets.token_urlsafe(32))' makes a key"


@pytest.mark.parametrize(
    ("text", "got"),
    [
        (GOOD + b"\n", None), (b"\n " + GOOD + b"\r\n\n" + b"y" * 1024, None), (b"x" * 15, "another line"),
        (b"x" * 1025, "another line"), (b"\xc3\xa9" * 9, "another line"), (b"", "none"), (b" \n", "none"),
        ((GOOD + b"\n") * 3856, "another line"), ((GOOD + b"\n") * 3855, None),
    ],
)  # fmt: skip
def test_a_file_of_keys_has_a_key_on_each_line(
    text: bytes, got: str | None, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "keys"
    path.write_bytes(text)
    monkeypatch.setattr(guarding, "others_may_read", lambda _: False)
    if got is None:
        assert read_keys(path) == tuple(hash_of(line.strip()) for line in text.splitlines() if line.strip())
        return
    with pytest.raises(ConfigError) as error:
        read_keys(path)
    assert str(error.value) == (
        f"the file of keys {path}: expected keys of 16 to 1024 ASCII characters, one on a line, got {got}; "
        f"{MAKING}"
    )


def test_a_file_of_keys_that_others_read_is_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "keys"
    with pytest.raises(ConfigError) as error:
        read_keys(path)
    assert (
        str(error.value)
        == f"the file of keys {path}: expected a file, got No such file or directory; {MAKING}"
    )
    path.write_bytes(GOOD)
    monkeypatch.setattr(guarding, "others_may_read", lambda _: True)
    with pytest.raises(ConfigError) as error:
        read_keys(path)
    assert str(error.value) == (
        f"the file of keys {path}: expected one that not everybody can read, got everybody can; chmod "
        f"600 {path}"
    )


def test_an_error_is_a_refusal_of_its_kind() -> None:
    assert facts(refusal_of(ConfigError("top_k", expected="a", got="b"))) == (
        400, "top_k must be a; got b", None, "top_k",
    )  # fmt: skip
    assert refusal_of(ConfigError("unknown option 'topk'")).param == "topk"
    assert refusal_of(ConfigError("samplers[0]", expected="x")).param == "samplers"
    assert refusal_of(ConfigError("a b", expected="x")).param is None
    assert refusal_of(ArtifactError("broken")).status == 400
    assert refusal_of(UnknownSymbolError("x")).code == "unknown_symbol"
    for status, kind in ((400, "invalid_request_error"), (401, "authentication_error"),
                         (403, "permission_error"), (404, "invalid_request_error"), (429, "rate_limit_error"),
                         (500, "server_error"), (503, "server_error")):  # fmt: skip
        error = RefusedError(status, "m", code="c", param="p", headers={"x": "y"})
        assert error_object(error) == {"error": {"message": "m", "type": kind, "param": "p", "code": "c"}}
        answer = response_of(error)
        assert (answer.status_code, answer.headers["x"]) == (status, "y")


def test_what_is_counted_is_told_to_prometheus() -> None:
    counts = Metrics()
    counts.states = lambda: [ModelState(name="m", active=2, waiting=3, size=4)]
    for _ in range(2):
        counts.answered("/a", 200)
    counts.answered("/a", 404)
    counts.began("/a", 0.002)
    counts.began("/a", 7.0)
    counts.tokens.labels("m").inc(5)
    counts.dropped.labels("slow_reader").inc()
    lines = [line for line in counts.text().decode().splitlines() if "_created" not in line]
    for line in (
        'unspool_requests_total{endpoint="/a",status="200"} 2.0', 'unspool_tokens_total{model="m"} 5.0',
        'unspool_requests_total{endpoint="/a",status="404"} 1.0',
        'unspool_dropped_streams_total{reason="slow_reader"} 1.0',
        'unspool_active_sequences{model="m"} 2.0', 'unspool_waiting_sequences{model="m"} 3.0',
        'unspool_model_bytes{model="m"} 4.0', 'unspool_first_byte_seconds_sum{endpoint="/a"} 7.002',
        "# HELP unspool_requests_total Requests that were answered.",
        "# HELP unspool_tokens_total Tokens written.",
        "# HELP unspool_dropped_streams_total Streams ended early.",
        "# HELP unspool_first_byte_seconds Time from a request to the first byte of its answer.",
        "# HELP unspool_active_sequences Texts that are being written.",
        "# HELP unspool_waiting_sequences Texts that wait for a place.",
        "# HELP unspool_model_bytes Memory of a loaded model.",
    ):  # fmt: skip
        assert line in lines
    buckets = [re.findall(r'le="([^"]+)"} ([\d.]+)', line)[0] for line in lines if "_bucket" in line]
    ends = ["0.001", "0.0025", "0.005", "0.01", "0.025", "0.05", "0.1", "0.25", "0.5", "1.0", "2.5", "5.0",
            "10.0", "30.0", "+Inf"]  # fmt: skip
    assert buckets == [
        (end, "0.0" if end == "0.001" else "2.0" if end in ends[-3:] else "1.0") for end in ends
    ]
    assert any(line.startswith("process_") for line in lines)


def test_a_server_that_stops_is_not_ready() -> None:
    def ask(stopping: bool) -> Any:
        return asyncio.run(health.ready(served(is_stopping=stopping), cast("Any", None)))

    assert ask(False).body == b'{"status":"ok"}'
    assert facts(refused(ask, True)) == (
        503, "the server is about to stop, and takes no new requests", "stopping", None,
    )  # fmt: skip


def test_the_files_of_the_page_are_there_and_have_a_mark() -> None:
    for name in pages.FILES:
        file = pages.read(name)
        content = pages.FILES[name].read_bytes()
        assert (file.content, file.etag) == (content, f'"{hashlib.sha256(content).hexdigest()[:16]}"')
        kinds = {"js": "text/javascript", "css": "text/css", "svg": "image/svg+xml"}
        assert file.media_type == kinds[name.rpartition(".")[2]]
    there = {path.name for path in pages.PAGE.rglob("*") if path.suffix in pages.TYPES}
    assert there <= set(pages.FILES)


def test_the_page_has_its_token_and_asks_for_what_it_needs_first() -> None:
    page = pages.page_of('a"b')
    assert 'content="a&quot;b"' in page
    preloaded = re.findall(r'<link rel="modulepreload" href="page/([^"]+)">', page)
    first = [name for name in (*pages.SHARED, *pages.SHELL, *pages.WRITE) if name.endswith(".js")]
    assert preloaded == first
    assert "{{" not in page
    assert pages.RULES == (
        "default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; "
        "base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
    )


def request_of(name: str, mark: str = "") -> Any:
    url = SimpleNamespace(path=f"/page/{name}")
    return cast("Any", SimpleNamespace(path_params={"file": name}, url=url, headers={"if-none-match": mark}))


def test_a_file_of_the_page_is_sent_once() -> None:
    def ask(name: str, mark: str = "") -> Any:
        return asyncio.run(pages.page_file(served(), request_of(name, mark)))

    whole, etag = ask("page.js"), pages.read("page.js").etag
    assert (whole.status_code, whole.body, whole.media_type) == (200, pages.read("page.js").content,
                                                               "text/javascript")  # fmt: skip
    assert (whole.headers["cache-control"], whole.headers["etag"]) == ("no-cache", etag)
    assert whole.headers["content-security-policy"] == pages.RULES
    again = ask("page.js", f'W/"x", {etag}')
    assert (again.status_code, again.body, again.headers["etag"]) == (304, b"", etag)
    assert facts(refused(ask, "../x")) == (404, "/page/../x: the page has no such file", "not_found", None)
    index = asyncio.run(pages.index(served(), cast("Any", None)))
    assert (index.headers["cache-control"], index.media_type) == ("no-store", "text/html")
    assert index.headers["content-security-policy"] == pages.RULES
    assert index.body == pages.page_of("t-o-k-e-n").encode()


USUAL = {
    "max_concurrent": 1024, "max_queue": 4096, "max_connections": 4096, "max_memory": 2**32,
    "max_prompt": 100_000, "max_tokens": 100_000, "max_texts": 1024, "max_pattern": 10_000, "max_body": 2**20,
    "max_upload": 2**28, "max_headers": 2**15, "max_levels": 32, "max_buffer": 2**20, "compile_seconds": 5.0,
    "header_seconds": 10.0, "body_seconds": 30.0, "write_seconds": 30.0, "idle_seconds": 60.0,
    "text_seconds": 600.0, "stop_seconds": 30.0,
}  # fmt: skip
LEAST_MOST = {
    **dict.fromkeys(("max_concurrent", "max_connections", "max_prompt", "max_tokens", "max_texts",
                     "max_pattern"), (1, 2**31 - 1)),
    "max_queue": (0, 2**31 - 1), "max_levels": (1, 100),
    **dict.fromkeys(("max_memory", "max_body", "max_upload", "max_headers", "max_buffer"), (1024, 2**40)),
}  # fmt: skip


def test_each_limit_has_its_number_and_its_range() -> None:
    assert USUAL.items() <= vars(Limits()).items()
    for name, (least, most) in LEAST_MOST.items():
        assert vars(Limits(**{name: least}))[name] == least
        assert vars(Limits(**{name: most}))[name] == most
        for wrong in (least - 1, most + 1):
            with pytest.raises(ConfigError, match=f"^{name} must be "):
                Limits(**{name: wrong})
    for name in USUAL.keys() - LEAST_MOST.keys():
        assert vars(Limits(**{name: 86400.0}))[name] == 86400
        assert vars(Limits(**{name: 1e-9}))[name] == 1e-9
        for wrong in (0, 86400.5, float("nan")):
            with pytest.raises(ConfigError, match=f"^{name} must be a number above 0 and up to 86400; got "):
                Limits(**{name: wrong})
