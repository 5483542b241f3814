"""The files of the page: what is served, how, and how much."""

import re

import pytest
from starlette.requests import Request
from starlette.responses import Response

from unspool._exporting.html import PAGE as EXPORTED
from unspool._serving import pages
from unspool._serving.refusals import RefusedError
from unspool._serving.served import Served

MOST_BYTES = 300_000
SERVED = Served(roots=(), token='a"<token>')


def request(path: str, file: str | None = None, **headers: str) -> Request:
    raw = [(name.replace("_", "-").encode(), value.encode()) for name, value in headers.items()]
    params = {} if file is None else {"file": file}
    scope = {"type": "http", "method": "GET", "path": path, "headers": raw, "path_params": params}
    return Request({**scope, "query_string": b"", "server": ("127.0.0.1", 80)})


async def file(name: str, **headers: str) -> Response:
    return await pages.page_file(SERVED, request(f"/page/{name}", name, **headers))


def run(coroutine: object) -> Response:
    """Run a handler that waits for nothing."""
    try:
        coroutine.send(None)  # type: ignore[attr-defined]
    except StopIteration as done:
        response: Response = done.value
        return response
    raise AssertionError("it waits")


def test_every_file_is_there_and_no_file_is_forgotten() -> None:
    on_disk = {path.name for path in pages.PAGE.rglob("*") if path.is_file()}
    assert on_disk == {*pages.FILES, "index.html"} - set(pages.SHARED)
    assert all(path.is_file() for path in pages.FILES.values())


def test_scripts_import_what_is_served() -> None:
    for name in pages.FILES:
        if name.endswith(".js"):
            imported = re.findall(r'(?:from|import) "\./([\w.]+)"', pages.read(name).content.decode())
            assert set(imported) <= set(pages.FILES), name


def test_the_whole_page_is_small() -> None:
    sizes = [len(pages.read(name).content) for name in pages.FILES]
    assert len(pages.page_of("x" * 32)) + sum(sizes) <= MOST_BYTES


def test_the_page_has_the_token_as_text_and_its_own_rules() -> None:
    response = run(pages.index(SERVED, request("/")))
    text = bytes(response.body).decode()
    assert '<meta name="unspool-token" content="a&quot;&lt;token&gt;">' in text
    assert "{{" not in text
    assert (EXPORTED / "desk.html").read_text("utf-8") in text
    assert response.headers["cache-control"] == "no-store"
    rules = response.headers["content-security-policy"]
    assert rules.startswith("default-src 'none'; connect-src 'self'; script-src 'self'; style-src 'self';")
    assert "unsafe" not in rules


def test_nothing_in_the_page_is_inline() -> None:
    text = pages.page_of("token")
    assert re.findall(r"<script(?![^>]* src=)", text) == []
    assert re.findall(r"<style|\sstyle=|\son\w+=", text) == []
    assert re.findall(r'(?:src|href)="(?!page/|#/)', text) == []


@pytest.mark.parametrize(("name", "kind"), [("api.js", "text/javascript"), ("page.css", "text/css")])
def test_a_file_is_sent_again_only_if_it_has_changed(name: str, kind: str) -> None:
    first = run(file(name))
    assert first.status_code == 200
    assert first.headers["content-type"] == f"{kind}; charset=utf-8"
    assert first.headers["cache-control"] == "no-cache"
    etag = first.headers["etag"]
    again = run(file(name, if_none_match=f'"other", {etag}'))
    assert (again.status_code, bytes(again.body), again.headers["etag"]) == (304, b"", etag)
    assert run(file(name, if_none_match='"other"')).status_code == 200


@pytest.mark.parametrize("name", ["index.html", "../pages.py", "..%2fpages.py", "", "API.JS", "api.js/"])
def test_a_name_that_is_not_in_the_table_is_refused(name: str) -> None:
    with pytest.raises(RefusedError) as refused:
        run(file(name))
    assert refused.value.status == 404
