"""The runs over HTTP."""

import json
import shutil
from collections.abc import Iterator
from http.client import HTTPConnection
from pathlib import Path
from urllib.parse import quote

import httpx
import pytest

from tests.serving.conftest import PATIENCE, Running, error_of, serving
from tests.serving.watching.lines import step, text_of
from unspool._serving.guarding import hash_of
from unspool._serving.served import Served
from unspool._serving.watching import handlers

NAME = 'a b/x "y"? & <名>'


@pytest.fixture(scope="module")
def here(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Running]:
    folder = tmp_path_factory.mktemp("runs")
    shutil.copytree(models / "tiny", folder / "tiny")
    shutil.copytree(models / "tiny", folder / NAME)
    with serving(Served(roots=(folder,))) as found:
        yield found


@pytest.fixture(scope="module")
def client(here: Running) -> Iterator[httpx.Client]:
    with httpx.Client(base_url=here.address, timeout=PATIENCE) as found:
        yield found


def address(name: str, end: str = "") -> str:
    return f"/api/runs/{quote(name)}{end}"


def test_runs_are_listed(client: httpx.Client) -> None:
    answer = client.get("/api/runs")
    assert answer.status_code == 200
    assert sorted(row["name"] for row in answer.json()["data"]) == sorted(["tiny", NAME])


@pytest.mark.parametrize("path", ["/api/runs/tiny", address(NAME), f"/api/runs/{quote(NAME, safe='')}"])
def test_one_run(client: httpx.Client, path: str) -> None:
    answer = client.get(path)
    assert answer.status_code == 200
    assert answer.json()["name"] in ("tiny", NAME)
    assert answer.json()["configuration"]["network"]["hidden_size"] == 8


@pytest.mark.parametrize("end", ["", "/events", "/audit"])
@pytest.mark.parametrize("name", ["other", "..", "%2e%2e", "%2Fetc", "tiny%00", "tiny%2Fcheckpoint"])
def test_a_run_that_is_not_there(here: Running, name: str, end: str) -> None:
    connection = HTTPConnection("127.0.0.1", here.port, timeout=PATIENCE)  # it sends a path as it is
    connection.request("GET", f"/api/runs/{name}{end}")
    answer = connection.getresponse()
    assert answer.status == 404
    assert json.loads(answer.read())["error"]["code"] in ("run_not_found", "not_found")
    connection.close()


def test_events_are_sent_as_they_come(here: Running, client: httpx.Client) -> None:
    with client.stream("GET", "/api/runs/tiny/events") as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        lines = answer.iter_lines()
        assert next(lines) == "event: history"
        last = next(lines).removeprefix("id: ")
        count = len(json.loads(next(lines).removeprefix("data: "))["training"])
    assert count > 2
    metrics = here.served.roots[0] / "tiny" / "metrics.jsonl"
    with metrics.open("ab") as file:
        file.write(text_of(step(9_000)))
    with client.stream("GET", "/api/runs/tiny/events", headers={"last-event-id": last}) as answer:
        lines = answer.iter_lines()
        assert next(lines) == "event: more"
        next(lines)
        assert [span[1] for span in json.loads(next(lines).removeprefix("data: "))["training"]] == [9_000]


def test_there_is_a_limit_of_listeners(client: httpx.Client, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(handlers, "MOST_LISTENERS", 0)
    answer = client.get("/api/runs/tiny/events")
    assert answer.status_code == 503
    assert error_of(answer)["code"] == "too_many_listeners"


def test_an_audit_wants_the_token_and_is_made(here: Running, client: httpx.Client) -> None:
    where = address(NAME, "/audit")
    assert client.get(where).json() == {"state": "none", "message": None, "audit": None}
    assert client.post(where).status_code == 403
    answer = client.post(where, headers={"x-unspool-token": here.served.token})
    assert answer.status_code == 202
    state = answer.json()
    while state["state"] in ("waiting", "running"):
        state = client.get(where).json()
    assert state["state"] == "failed"  # the texts of this model were never in a file
    assert "unspool audit DIR CORPUS" in state["message"]


def test_nobody_without_the_key_sees_a_run(models: Path) -> None:
    key = "k" * 20
    with (
        serving(Served(roots=(models,), keys=(hash_of(key.encode()),))) as running,
        httpx.Client(base_url=running.address, timeout=PATIENCE) as client,
    ):
        for path in ("/api/runs", "/api/runs/tiny", "/api/runs/tiny/events", "/api/runs/tiny/audit"):
            assert client.get(path).status_code == 401
        answer = client.get("/api/runs", headers={"authorization": f"Bearer {key}"})
        assert answer.json()["data"][0]["name"] == "tiny"
