"""Completions: the texts that `generate` gives, whoever else is served, whole or in pieces."""

import asyncio
import json
import random
from collections.abc import Iterator
from itertools import islice
from typing import Any

import httpx
import pytest

import unspool
from tests.serving.conftest import Running, error_of, serving
from tests.serving.texts.company import answered, cases, expected_choice, save_models
from unspool._serving.limits import Limits
from unspool._serving.served import Served
from unspool._serving.texts import batching

PATIENCE = 60


@pytest.fixture(scope="module")
def company(
    tmp_path_factory: pytest.TempPathFactory,
) -> Iterator[tuple[Running, dict[str, unspool.Generator]]]:
    """Run a server of small models of every kind, which writes little at once."""
    folder = tmp_path_factory.mktemp("company")
    models = save_models(folder)
    served = Served(roots=(folder,), limits=Limits(max_concurrent=24))
    with pytest.MonkeyPatch.context() as patch, serving(served) as running:
        patch.setattr(batching, "MOST_STEPS", 2)  # so that streams have many pieces
        patch.setattr(batching, "FIRST_STEPS", 1)
        yield running, models


async def asked_together(address: str, bodies: list[dict[str, Any]], seed: int) -> list[str]:
    """Ask for everything at random moments, and return the answers."""
    draw = random.Random(seed)

    async def ask(client: httpx.AsyncClient, body: dict[str, Any]) -> str:
        await asyncio.sleep(draw.random() * 0.3)
        answer = await client.post("/v1/completions", json=body)
        assert answer.status_code == 200, (body, answer.text)
        return answer.text

    limits = httpx.Limits(max_connections=100)
    async with httpx.AsyncClient(base_url=address, timeout=PATIENCE, limits=limits) as client:
        return await asyncio.gather(*(ask(client, body) for body in bodies))


@pytest.mark.parametrize("seed", [1, 2])
def test_the_text_of_a_seed_is_the_same_whoever_else_is_served(
    company: tuple[Running, dict[str, unspool.Generator]], seed: int
) -> None:
    running, models = company
    chosen = list(islice(cases(seed, models), 60))
    answers = asyncio.run(asked_together(running.address, [case.body for case in chosen], seed))
    for case, answer in zip(chosen, answers, strict=True):
        found = answered(case.body, answer)
        assert found == [expected_choice(case, index) for index in range(len(case.expected))], case.body


def ask(running: Running, **body: Any) -> httpx.Response:
    return httpx.post(f"{running.address}/v1/completions", json=body, timeout=PATIENCE)


@pytest.mark.parametrize("stream", [False, True])
def test_good_texts_are_those_that_collect_finds(
    company: tuple[Running, dict[str, unspool.Generator]], stream: bool
) -> None:
    running, models = company
    chosen: dict[str, Any] = {"unique": True, "valid": "[a-e]*"}
    options: dict[str, Any] = {"n": 5, "seed": 7, "max_new_tokens": 4}
    collection = models["chars"].collect(["a", "b"], **chosen, **options)
    expected = [text.continuation for text in collection]
    answer = ask(running, model="chars", prompt=["a", "b"], stream=stream, **chosen, **options)
    assert answer.status_code == 200, answer.text
    assert [choice["text"] for choice in answered({"stream": stream}, answer.text)] == expected
    if not stream:
        report = answer.json()["report"]
        assert (report["accepted"], report["attempts"]) == (10, collection.report.attempts)
        assert report["attempts"] > 10


def test_copies_are_refused_or_marked(company: tuple[Running, dict[str, unspool.Generator]]) -> None:
    running, models = company
    options: dict[str, Any] = {"n": 20, "seed": 7, "max_new_tokens": 2, "top_k": 4}
    collection = models["chars"].collect("", novel=True, **options)
    expected = [text.text for text in collection]
    answer = ask(running, model="chars", novel=True, **options).json()
    assert [choice["text"] for choice in answer["choices"]] == expected
    assert answer["report"]["copies"] == collection.report.copies > 0
    index = models["chars"].novelty_index
    assert index is not None
    for stream in (False, True):
        body = {"model": "chars", "prompt": "a", "mark_copied": True, "stream": stream, **options}
        body["max_new_tokens"] = 1
        events = answered(body, ask(running, **body).text)
        for choice in events:
            known = [span for span in index.known_spans("a" + choice["text"]) if span[1] > 1]
            assert choice["copied"] == [[0, end - 1] for _, end in known]
        assert any(choice["copied"] for choice in events)


@pytest.mark.parametrize(
    ("body", "param", "words"),
    [
        ({"model": 3}, "model", "the name of a model"),
        ({"prompt": 3}, "prompt", "a list of ids"),
        ({"prompt": []}, "prompt", "a list of ids"),
        ({"prompt": [1, 2, "a"]}, "prompt", "a list of ids"),
        ({"prompt": [0]}, "prompt", "ids from 1 to 8"),
        ({"prompt": [[1], [9]]}, "prompt", "ids from 1 to 8"),
        ({"n": 0}, "n", "≥ 1"),
        ({"n": 3, "best_of": 2}, "best_of", "≥ n (3)"),
        ({"n": 2, "best_of": 3, "stream": True}, "best_of", "in a stream"),
        ({"first": -1}, "first", "≥ 0"),
        ({"stream": 1}, "stream", "true or false"),
        ({"stream_options": 1}, "stream_options", "an object"),
        ({"suffix": "x"}, "suffix", "left out"),
        ({"logprobs": -1}, "logprobs", "≥ 0"),
        ({"seed": -1}, "seed", "18446744073709551615"),
        ({"temperature": "hot"}, "temperature", "a number or a list"),
        ({"temperature": 1, "temp": 1}, None, "two names of one option"),
        ({"temprature": 1}, "temprature", "did you mean 'temperature'"),
        ({"regex": "("}, None, "regular expression"),
        ({"valid": "("}, "valid", "regular expression"),
        ({"unique": 3}, "unique", "true or false"),
        ({"model": "words", "novel": True}, None, "no index"),
        ({"context": {"label": "one"}}, None, "without context"),
        ({"vector": [1]}, "vector", "without vectors"),
        ({"source": "a"}, None, "without sources"),
        ({"source": 3}, "source", "a string"),
        ({"unknown": "what"}, "unknown", "error, drop or replace"),
        ({"prompt": "xyz"}, None, "unknown symbol 'x'"),
        ({"logit_bias": {"ab": 1}}, "logit_bias", "single symbols"),
        ({"logit_bias": [1]}, "logit_bias", "an object"),
        ({"logprobs": 101}, "logprobs", "at most 100; got 101"),
        ({"max_tokens": 100_001}, "max_tokens", "at most 100,000; got 100,001"),
        ({"n": 1025}, "n", "at most 1,024 texts"),
        ({"n": 1024, "max_tokens": 100_000}, "max_tokens", "at most 16,777,216"),
        ({"regex": "a" * 10_001}, "regex", "at most 10,000 characters"),
        ({"stop": ["a" * 5000] * 2}, "stop", "at most 10,000 characters"),
        ({"prompt": "a" * 100_001}, "prompt", "at most 100,000 symbols; got 100,001"),
        ({"contains": "x"}, None, "it does not know"),
    ],
)
def test_what_is_wrong_is_refused_in_words(
    company: tuple[Running, dict[str, unspool.Generator]], body: dict[str, Any], param: str | None, words: str
) -> None:
    answer = ask(company[0], **({"model": "chars"} | body))
    error = error_of(answer)
    assert answer.status_code == 400, error
    assert words in error["message"]
    assert error["param"] == param


def test_a_prompt_is_read_where_no_token_is_asked_for(
    company: tuple[Running, dict[str, unspool.Generator]],
) -> None:
    running, models = company
    answer = ask(running, model="chars", prompt="bad", max_tokens=0, echo=True, logprobs=0).json()
    (choice,), expected = answer["choices"], models["chars"].score(["bad"], ended=False)[0]
    assert (choice["text"], choice["finish_reason"]) == ("bad", "length")
    assert choice["logprobs"]["tokens"] == ["b", "a", "d"]
    assert choice["logprobs"]["top_logprobs"] is None
    assert choice["logprobs"]["token_logprobs"] == pytest.approx(expected.token_logprobs.tolist(), abs=1e-5)
    assert answer["usage"] == {"prompt_tokens": 3, "completion_tokens": 0, "total_tokens": 3}


def test_usage_counts_all_that_was_drawn(company: tuple[Running, dict[str, unspool.Generator]]) -> None:
    body = {"model": "chars", "prompt": ["a", "bad"], "n": 2, "max_tokens": 7, "ignore_eos": True}
    usage = {"prompt_tokens": 4, "completion_tokens": 28, "total_tokens": 32}
    assert ask(company[0], **body).json()["usage"] == usage
    events = ask(company[0], **body, stream=True, stream_options={"include_usage": True}).text.split("\n\n")
    last = json.loads(events[-3].removeprefix("data: "))
    assert (last["choices"], last["usage"]) == ([], usage)
    assert json.loads(events[0].removeprefix("data: "))["usage"] is None


def test_an_answer_names_its_seed(company: tuple[Running, dict[str, unspool.Generator]]) -> None:
    first = ask(company[0], model="chars").json()
    again = ask(company[0], model="chars", seed=first["seed"]).json()
    other = ask(company[0], model="chars").json()
    assert first["choices"] == again["choices"]
    assert first["seed"] != other["seed"]
