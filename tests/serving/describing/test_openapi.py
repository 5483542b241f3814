"""The document of the API is true: all endpoints are in it, and nothing else."""

import json
import re

import httpx
import jsonschema
import pytest

from tests.serving.conftest import DOCUMENT, check_answer, error_of
from tests.serving.describing.api import PROMISED, api
from unspool._serving.describing.openapi import document
from unspool._serving.describing.schemas import SCHEMAS
from unspool._serving.endpoint import JSON
from unspool._serving.routes import ENDPOINTS


def test_each_endpoint_with_a_summary_is_in_it() -> None:
    described = document(ENDPOINTS, keyed=False)
    found = {(method.upper(), path) for path, methods in described["paths"].items() for method in methods}
    known = {
        (each.method, re.sub(r"{(\w+):\w+}", r"{\1}", each.path))
        for each in ENDPOINTS
        if each.summary is not None
    }
    assert found == known
    names = [operation["operationId"] for each in described["paths"].values() for operation in each.values()]
    assert len(names) == len(set(names))


def test_what_is_promised_to_clients_stays_as_it_is() -> None:
    """After a change on purpose: ``python -m tests.serving.describing.api``."""
    assert api().splitlines() == PROMISED.read_text("utf-8").splitlines()


@pytest.mark.parametrize("name", SCHEMAS)
def test_each_schema_is_one(name: str) -> None:
    jsonschema.Draft202012Validator.check_schema(SCHEMAS[name])


def test_every_reference_leads_somewhere_and_every_schema_is_used() -> None:
    described = json.dumps(document(ENDPOINTS, keyed=False))
    used = set(re.findall(r'"#/components/schemas/(\w+)"', described))
    assert used == set(SCHEMAS)


def test_the_server_answers_with_it(client: httpx.Client) -> None:
    assert client.get("/openapi.json").json() == document(ENDPOINTS, keyed=False)


def test_what_wants_a_key_says_so() -> None:
    paths = document(ENDPOINTS, keyed=True)["paths"]
    assert paths["/metrics"]["get"]["security"] == [{"key": []}]
    assert "security" not in paths["/health"]["get"]


PROPERTIES = SCHEMAS["CompletionRequest"]["properties"]


def test_each_field_of_a_completion_is_known_and_no_other(client: httpx.Client) -> None:
    for name in PROPERTIES:
        answer = client.post("/v1/completions", json={"model": "tiny", name: {"wrong": ["type"]}})
        assert "unknown option" not in answer.json().get("error", {}).get("message", ""), name
    answer = client.post("/v1/completions", json={"model": "tiny", "prompt_": ""})
    assert error_of(answer)["message"] == "unknown option 'prompt_'; did you mean 'prompt'?"


def test_the_events_of_a_stream_are_as_described(client: httpx.Client) -> None:
    asked = {"model": "tiny", "prompt": "oil ", "stream": True, "n": 2, "logprobs": 1, "max_tokens": 30}
    asked["stream_options"] = {"include_usage": True}
    validator = jsonschema.Draft202012Validator(SCHEMAS["Completion"])
    with client.stream("POST", "/v1/completions", json=asked) as answer:
        assert answer.headers["content-type"].startswith("text/event-stream")
        *events, last = [line.removeprefix("data: ") for line in answer.iter_lines() if line]
    assert last == "[DONE]"
    assert len(events) >= 3
    for event in events:
        validator.validate(json.loads(event))


ASKED = {  # what is asked of each endpoint of the API that needs no label and no pairs
    "/v1/completions": {"prompt": ["oil ", ""], "n": 2, "logprobs": 2, "echo": True, "seed": 1},
    "/v1/tokenize": {"text": "oil prices"},
    "/v1/detokenize": {"tokens": [1, 2, 3]},
    "/v1/score": {"input": ["oil prices rise", "team"], "prompt": "oil ", "detail": True},
    "/v1/next": {"prompt": "oil ", "top": 3},
}


@pytest.mark.parametrize("path", ASKED)
def test_what_is_asked_and_answered_is_as_described(client: httpx.Client, path: str) -> None:
    body = {"model": "tiny"} | ASKED[path]
    described = DOCUMENT["paths"][path]["post"]["requestBody"]["content"][JSON]["schema"]
    jsonschema.validate(body, described | {"components": DOCUMENT["components"]})
    assert client.post(path, json=body).status_code == 200  # the client of the tests looks at the answer


@pytest.mark.parametrize(
    "path", ["/v1/models", "/v1/models/tiny", "/api/runs", "/api/runs/tiny", "/api/trainings"]
)
def test_what_is_listed_is_as_described(client: httpx.Client, path: str) -> None:
    assert client.get(path).status_code == 200


def test_an_answer_that_is_not_as_described_is_seen(client: httpx.Client) -> None:
    answer = client.get("/health")
    answer._content = b'{"status": 1}'
    with pytest.raises(jsonschema.ValidationError):
        check_answer(answer)
