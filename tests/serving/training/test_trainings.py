"""Trainings from the page: they outlive the server, tell how they fare, and can be stopped and go on."""

import json
import os
import signal
from pathlib import Path

import httpx
import pytest

import unspool
from tests.serving.conftest import error_of, serving
from tests.serving.training.conftest import LONG, NAMES, begun, client_of, serving_apart, state_when, uploaded
from unspool._serving.served import Served
from unspool._serving.training.desk import TrainingDesk
from unspool._serving.training.jobs import NAME, Jobs, file_name, toml
from unspool._serving.training.states import last_records


def test_a_text_becomes_a_model(desk: httpx.Client, runs: Path) -> None:
    corpus = uploaded(desk, NAMES, "My names (all).txt")["id"]
    state = begun(desk, corpus, document=False, minutes=0.1)
    assert (state["name"], state["text"], state["running"]) == ("my-names-all", "My names (all).txt", True)
    assert state["state"] in ("starting", "training")
    end = state_when(desk, "my-names-all", lambda each: not each["running"])
    assert (end["state"], end["progress"], end["has_model"], end["problem"]) == ("finished", 1.0, True, None)
    assert [sample["temperature"] for sample in end["samples"]] == [0.3, 0.8, 1.0]
    assert end["bits"] == pytest.approx(
        unspool.load(runs / "my-names-all").history[-1]["best_bits_per_character"]
    )
    every = desk.get("/api/trainings").json()
    assert every["data"] == [end]
    assert every["limits"] == {"upload": 2**28, "running": 2, "minutes": 1440.0}
    assert (runs / "my-names-all" / "novelty.safetensors").is_file()  # by which copies are told
    row = desk.get("/api/runs/my-names-all").json()
    assert row["text"] == row["configuration"]["data"]["description"] == "My names (all).txt"
    card, config = ((runs / "my-names-all" / name).read_text() for name in ("README.md", "config.json"))
    assert "My names (all).txt" in card
    assert corpus not in card + config


@pytest.mark.parametrize(
    ("name", "like", "expected"),
    [
        ("titles.csv", "0f.csv", "titles.csv"),
        ("Titles.CSV.gz", "0f.csv.gz", "Titles.CSV.gz"),
        ("pasted text", "0f.txt", "pasted text"),
        ("b.gz", "0f.txt.gz", "b.gz"),
        ("a.dat", "0f.parquet", "a.dat.parquet"),
        ('a"b:c?.md', "0f.txt", "a_b_c_.md"),
        ("con.txt", "0f.txt", "text con.txt"),
        ("-n.txt", "0f.txt", "text -n.txt"),
        ("..", "0f.txt", "text"),
        ("名" * 80 + ".txt", "0f.txt", "名" * 66),
        ("名" * 80 + ".csv", "0f.csv", "名" * 66 + ".csv"),
    ],
)
def test_the_file_of_a_text_has_the_name_that_its_owner_gave_it(name: str, like: str, expected: str) -> None:
    assert file_name(name, like) == expected


def test_a_failed_training_tells_why_and_its_name_is_free_again(desk: httpx.Client, runs: Path) -> None:
    corpus = uploaded(desk, "id,title\n1,a\n2,b\n", "a.csv")["id"]
    begun(desk, corpus, name="one", column="titel")
    end = state_when(desk, "one", lambda each: not each["running"])
    assert (end["state"], end["has_model"]) == ("failed", False)
    assert "no column 'titel'" in end["problem"]
    assert "did you mean 'title'?" in end["problem"]
    assert begun(desk, corpus, name="one", column="titel")["name"] == "one"
    state_when(desk, "one", lambda each: not each["running"])
    assert desk.delete("/api/trainings/one").json()["state"] == "removed"
    assert not (runs / "one").exists()
    assert desk.get("/api/trainings/one").status_code == 404


@pytest.mark.slow
def test_a_training_is_stopped_and_killed_and_goes_on(desk: httpx.Client, runs: Path) -> None:
    corpus = uploaded(desk, LONG, "names.txt")["id"]
    begun(desk, corpus, minutes=1, name="one")
    place = "/api/trainings/one"
    state_when(desk, "one", lambda each: each["progress"] is not None)
    assert desk.delete(place).status_code == 200
    stopped = state_when(desk, "one", lambda each: not each["running"])
    assert (stopped["state"], stopped["can_resume"], stopped["problem"]) == ("stopped", True, None)
    assert desk.delete(place).json()["state"] == "stopped"  # it stays

    again = desk.post(place, json={})
    assert (again.status_code, again.json()["running"]) == (200, True)
    state = state_when(desk, "one", lambda each: (each["step"] or 0) > stopped["step"])
    assert state["state"] == "training"
    taken = desk.post(place, json={})
    assert (taken.status_code, error_of(taken)["code"]) == (409, "name_taken")

    begun(desk, corpus, name="two", minutes=1)
    third = desk.post("/api/trainings", json={"corpus": corpus, "minutes": 1, "name": "three"})
    assert (third.status_code, error_of(third)["code"]) == (429, "too_many_trainings")
    assert "at most 2 at once, now one, two" in error_of(third)["message"]
    assert not (runs / "three").exists()

    os.kill(state["process"], signal.SIGKILL)
    killed = state_when(desk, "one", lambda each: not each["running"])
    assert (killed["state"], killed["can_resume"]) == ("failed", True)
    assert "ended without a word" in killed["problem"]
    assert desk.post(place, json={"minutes": 2}).json()["minutes"] == 2
    state_when(desk, "one", lambda each: each["state"] == "training")


def test_a_training_outlives_a_server_that_is_killed(runs: Path) -> None:
    with serving_apart(runs) as (process, address), client_of(address) as client:
        begun(client, uploaded(client, LONG, "names.txt")["id"], minutes=1)
        before = state_when(client, "names", lambda each: each["state"] == "training")
        process.kill()
    with serving_apart(runs) as (_, address), client_of(address) as client:
        after = state_when(client, "names", lambda each: (each["step"] or 0) > (before["step"] or 0))
        assert (after["state"], after["process"]) == ("training", before["process"])
        client.delete("/api/trainings/names")
        assert state_when(client, "names", lambda each: not each["running"])["state"] == "stopped"


@pytest.mark.parametrize(
    ("values", "param"),
    [
        ({"minutes": None}, "minutes"),
        ({"minutes": -1}, "minutes"),
        ({"minutes": True}, "minutes"),
        ({"name": "../up"}, "name"),
        ({"name": ".hidden"}, "name"),
        ({"name": "a/b"}, "name"),
        ({"name": "-flag"}, "name"),
        ({"name": "con"}, "name"),
        ({"name": "a" * 65}, "name"),
        ({"name": 7.5}, "name"),
        ({"corpus": "0" * 32}, "corpus"),
        ({"corpus": "../../etc/passwd"}, "corpus"),
        ({"corpus": ["a"]}, "corpus"),
        ({"engine": "torch"}, "engine"),
        ({"column": "a\u0000b"}, "column"),
        ({"document": 1}, "document"),
    ],
)
def test_what_cannot_be_asked_for_starts_nothing(runs: Path, values: dict[str, object], param: str) -> None:
    served = Served(roots=(runs,))
    token = {"x-unspool-token": served.token}
    with serving(served) as running, httpx.Client(base_url=running.address, headers=token) as client:
        receiver = TrainingDesk(runs).uploads.begin("a.txt", None)
        receiver.add(NAMES.encode())
        usual = {"corpus": receiver.finish().id, "minutes": 1}
        answer = client.post("/api/trainings", json={**usual, **values})
        assert answer.status_code in (400, 404)
        assert error_of(answer)["param"] == param
        assert client.get("/api/trainings").json()["data"] == []
    assert [path.name for path in runs.iterdir()] == [".corpora"]


def test_only_the_page_may_begin_one(desk: httpx.Client, runs: Path) -> None:
    for method, path in (
        ("POST", "/api/trainings"),
        ("POST", "/api/trainings/a"),
        ("DELETE", "/api/trainings/a"),
    ):
        answer = desk.request(method, path, json={}, headers={"x-unspool-token": "no"})
        assert (answer.status_code, error_of(answer)["code"]) == (403, "invalid_token")
    assert list(runs.iterdir()) == []


def test_a_name_that_is_taken_is_refused_or_counted_on(runs: Path) -> None:
    jobs = Jobs(runs)
    (runs / "names").mkdir()
    (runs / "names" / "config.json").write_bytes(b"{}")
    assert jobs.free_name("Names.txt") == "names-2"
    assert jobs.free_name("唐诗 三百首.txt") == "唐诗-三百首"
    for wanted in ("...", "/", "", "con.txt", "<script>", "\u202e", "--help"):
        name = jobs.free_name(wanted)
        assert NAME.fullmatch(name), wanted


def test_options_become_toml_that_says_the_same() -> None:
    import tomllib

    values = {"text": ['a"b', "漢字 🎈", "c\\d\x7f"], "document": False, "minutes": 0.5, "n": 3}
    assert tomllib.loads(toml(values)) == values


def test_the_last_records_are_found_from_the_end(tmp_path: Path) -> None:
    path = tmp_path / "metrics.jsonl"
    assert last_records(path) == {"samples": []}
    lines = [{"kind": "evaluation", "step": 1, "bits_per_character": 3.0}]
    for step in (1, 2):
        lines += [
            {"kind": "sample", "step": step, "text": "漢" * 40_000, "temperature": t} for t in (0.3, 0.8)
        ]
    lines += [{"kind": "step", "step": step} for step in range(3, 900)]
    text = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in lines)
    path.write_bytes(text.encode() + b'{"kind": "step", "step": 900')  # half a line
    found = last_records(path)
    assert found["step"]["step"] == 899
    assert [(each["step"], each["temperature"]) for each in found["samples"]] == [(2, 0.3), (2, 0.8)]
    assert found["evaluation"]["step"] == 1
