"""What the server reads: the same numbers as the library's own functions."""

from collections.abc import Iterator
from typing import Any

import httpx
import pytest

import unspool
from tests.serving.conftest import Running, error_of, serving
from tests.serving.texts.company import save_models
from unspool._serving.limits import Limits
from unspool._serving.served import Served

Company = tuple[Running, dict[str, unspool.Generator]]


@pytest.fixture(scope="module")
def company(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Company]:
    """Run a server of small models of every kind."""
    folder = tmp_path_factory.mktemp("company")
    models = save_models(folder)
    with serving(Served(roots=(folder,), limits=Limits(max_prompt=100))) as running:
        yield running, models


def ask(company: Company, path: str, **body: Any) -> Any:
    answer = httpx.post(f"{company[0].address}/v1/{path}", json=body, timeout=20)
    assert answer.status_code == 200, answer.text
    return answer.json()


@pytest.mark.parametrize(("name", "text"), [("chars", "bad"), ("words", "bad anna"), ("bytes", "né")])
def test_a_text_becomes_tokens_and_comes_back(company: Company, name: str, text: str) -> None:
    tokenizer = company[1][name].tokenizer
    found = ask(company, "tokenize", model=name, text=text)
    assert found["tokens"] == tokenizer.encode(text).tolist()
    assert found["symbols"] == [tokenizer.symbols[token - 1] for token in found["tokens"]]
    assert found["count"] == len(found["tokens"])
    assert ask(company, "detokenize", model=name, tokens=found["tokens"]) == {"text": text}


def test_scores_are_those_of_the_model(company: Company) -> None:
    texts, model = ["bad", "", "gag"], company[1]["chars"]
    answer = ask(company, "score", model="chars", input=texts, prompt="a", detail=True)
    expected = model.score(texts, prompt="a")
    for index, (row, score, text) in enumerate(zip(answer["data"], expected, texts, strict=True)):
        assert (row["index"], row["characters"]) == (index, len(text))
        assert (row["logprob"], row["bits_per_character"]) == (score.total_logprob, score.bits_per_character)
        surprisal = model.surprisal(text, prompt="a")
        assert row["symbols"] == [
            list(pair) for pair in zip(surprisal.symbols, surprisal.bits.tolist(), strict=True)
        ]
    assert "symbols" not in ask(company, "score", model="chars", input="a")["data"][0]


def test_what_is_known_of_texts_changes_their_scores(company: Company) -> None:
    models = company[1]
    told = {"label": "two"}
    found = ask(company, "score", model="context", input="bad", context=told)["data"][0]["logprob"]
    assert found == models["context"].conditioned_on(told).score(["bad"])[0].total_logprob
    found = ask(company, "score", model="vector", input="bad", vector=[1, -1])["data"][0]["logprob"]
    assert found == models["vector"].conditioned_on(vector=[1, -1]).score(["bad"])[0].total_logprob
    found = ask(company, "score", model="pairs", input="bad", source="abc")["data"][0]["logprob"]
    assert found == models["pairs"].conditioned_on(source="abc").score(["bad"])[0].total_logprob


def test_labels_are_those_of_the_model(company: Company) -> None:
    answer = ask(company, "classify", model="context", input=["bad", "gag"])
    expected = company[1]["context"].classify(["bad", "gag"], by="label")
    assert [row["label"] for row in answer["data"]] == [one.value for one in expected]
    assert [row["probabilities"] for row in answer["data"]] == [one.probabilities for one in expected]


def test_what_may_follow_is_what_the_model_says(company: Company) -> None:
    model = company[1]["chars"]
    assert ask(company, "next", model="chars", prompt="ba", top=3)["symbols"] == [
        list(pair) for pair in model.next_symbols("ba", top=3)
    ]
    told = {"size": 3.5}
    assert ask(company, "next", model="context", context=told)["symbols"] == [
        list(pair) for pair in company[1]["context"].conditioned_on(told).next_symbols("")
    ]


@pytest.mark.parametrize(
    ("path", "body", "words"),
    [
        ("tokenize", {}, "text must be a string"),
        ("tokenize", {"text": "a" * 101}, "at most 100 symbols; got 101"),
        ("tokenize", {"text": "x"}, "unknown symbol 'x'"),
        ("tokenize", {"text": "a", "texts": "a"}, "unknown option 'texts'"),
        ("detokenize", {"tokens": [99]}, "whole numbers from 0 to 8"),
        ("detokenize", {"tokens": [2**40]}, "a list of ids"),
        ("detokenize", {"tokens": "a"}, "a list of ids"),
        ("score", {"input": 3}, "a list of strings"),
        ("score", {"input": []}, "a list of strings"),
        ("score", {"input": ["a" * 60] * 2}, "at most 100 symbols; got 120"),
        ("score", {"input": "a", "detail": 1}, "true or false"),
        ("score", {"input": "a", "context": {"label": "one"}}, "without context"),
        ("score", {"input": "a", "source": ["a", "b"]}, "source must be a string"),
        ("classify", {"input": "a"}, "no attribute with values"),
        ("classify", {"input": "a", "attribute": "label"}, "without context"),
        ("next", {"top": 0}, "≥ 1"),
        ("next", {"prompt": 1}, "a string"),
    ],
)
def test_what_is_wrong_is_refused_in_words(company: Company, path: str, body: Any, words: str) -> None:
    answer = httpx.post(f"{company[0].address}/v1/{path}", json={"model": "chars"} | body, timeout=20)
    assert answer.status_code == 400
    assert words in error_of(answer)["message"]


def test_models_are_listed_and_told_of(company: Company) -> None:
    address, models = company[0].address, company[1]
    listed = httpx.get(f"{address}/v1/models").json()
    assert [model["id"] for model in listed["data"]] == sorted(models)
    one = httpx.get(f"{address}/v1/models/vector").json()
    assert (one["id"], one["object"], one["created"] > 0) == ("vector", "model", True)
    told = one["unspool"]
    assert told["parameters"] == models["vector"].num_parameters
    assert told["symbols"] == models["vector"].tokenizer.vocab_size
    assert (told["tokenizer"], told["vector_size"], told["takes_source"]) == ("char", 2, False)
    assert told["attributes"] == [
        {"name": "label", "kind": "category", "values": ["one", "two"]},
        {"name": "size", "kind": "number", "values": None},
    ]
    assert told["defaults"]["max_new_tokens"] == 200
    assert not told["novelty_index"]
    assert httpx.get(f"{address}/v1/models/chars").json()["unspool"]["novelty_index"]
    assert httpx.get(f"{address}/v1/models/nobody").status_code == 404
