"""The official client of OpenAI works unchanged."""

from collections.abc import Iterator
from pathlib import Path

import openai
import pytest

import unspool
from unspool._serving.guarding import hash_of
from unspool._serving.limits import Limits
from unspool._serving.served import Served

from .conftest import Running, serving
from .test_guarding import KEY


@pytest.fixture(scope="module")
def openai_client(running: Running) -> Iterator[openai.OpenAI]:
    """Return the client as its documentation makes it, with another address."""
    with openai.OpenAI(base_url=f"{running.address}/v1", api_key="none", max_retries=0) as found:
        yield found


@pytest.fixture(scope="module")
def model(models: Path) -> unspool.Generator:
    """Load the model that is served."""
    return unspool.load(models / "tiny", threads=1)


def test_it_lists_the_models(openai_client: openai.OpenAI) -> None:
    (listed,) = openai_client.models.list()
    assert (listed.id, listed.object) == ("tiny", "model")
    assert openai_client.models.retrieve("tiny").created == listed.created


def test_it_completes_a_prompt(openai_client: openai.OpenAI, model: unspool.Generator) -> None:
    done = openai_client.completions.create(
        model="tiny", prompt="oil ", seed=3, temperature=0.9, max_tokens=30
    )
    (text,) = model.generate("oil ", seed=3, temperature=0.9, max_new_tokens=30)
    assert done.choices[0].text == text.text[len("oil ") :]
    assert done.object == "text_completion"
    assert done.model == "tiny"
    assert done.choices[0].finish_reason == {"eos": "stop"}.get(text.finish_reason, text.finish_reason)
    assert done.usage is not None
    assert done.usage.total_tokens == done.usage.prompt_tokens + done.usage.completion_tokens


def test_it_takes_several_prompts_and_texts(openai_client: openai.OpenAI, model: unspool.Generator) -> None:
    done = openai_client.completions.create(
        model="tiny", prompt=["oil ", "team "], n=3, seed=5, temperature=0.7, max_tokens=20
    )
    texts = model.generate(["oil ", "team "], n=3, seed=5, temperature=0.7, max_new_tokens=20)
    assert [choice.index for choice in done.choices] == list(range(6))
    prompts = [prompt for prompt in ("oil ", "team ") for _ in range(3)]
    assert [prompt + choice.text for prompt, choice in zip(prompts, done.choices, strict=True)] == [
        text.text for text in texts
    ]


def test_it_streams(openai_client: openai.OpenAI) -> None:
    options = {"model": "tiny", "prompt": "oil ", "n": 2, "seed": 7, "max_tokens": 40}
    whole = openai_client.completions.create(**options)
    texts, reasons, usage = ["", ""], [None, None], None
    for chunk in openai_client.completions.create(
        **options, stream=True, stream_options={"include_usage": True}
    ):
        for choice in chunk.choices:
            texts[choice.index] += choice.text
            reasons[choice.index] = choice.finish_reason or reasons[choice.index]
        usage = chunk.usage or usage
    assert texts == [choice.text for choice in whole.choices]
    assert reasons == [choice.finish_reason for choice in whole.choices]
    assert usage == whole.usage


def test_it_reads_log_probabilities(openai_client: openai.OpenAI) -> None:
    done = openai_client.completions.create(
        model="tiny", prompt="oil ", seed=1, max_tokens=5, logprobs=2, echo=True
    )
    choice = done.choices[0]
    assert choice.text.startswith("oil ")
    assert choice.logprobs is not None
    assert "".join(choice.logprobs.tokens or []).startswith("oil ")
    assert len(choice.logprobs.tokens or []) == len(choice.logprobs.token_logprobs or [])
    assert all(len(each) >= 2 for each in (choice.logprobs.top_logprobs or [])[1:])


def test_what_openai_has_no_name_for_goes_into_the_extra_body(openai_client: openai.OpenAI) -> None:
    done = openai_client.completions.create(
        model="tiny", prompt="", seed=1, n=5, max_tokens=30, extra_body={"regex": "[a-e ]{3,9}", "top_k": 5}
    )
    assert all(3 <= len(choice.text) <= 9 and set(choice.text) <= set("abcde ") for choice in done.choices)


@pytest.mark.parametrize(
    ("options", "kind", "param"),
    [
        ({"model": "nothing"}, openai.NotFoundError, "model"),
        ({"model": "tiny", "temperature": -1}, openai.BadRequestError, "temperature"),
        ({"model": "tiny", "extra_body": {"topk": 3}}, openai.BadRequestError, "topk"),
        ({"model": "tiny", "prompt": "Ж"}, openai.BadRequestError, None),
    ],
)
def test_errors_are_its_exceptions(
    openai_client: openai.OpenAI,
    options: dict[str, object],
    kind: type[openai.APIStatusError],
    param: str | None,
) -> None:
    with pytest.raises(kind) as error:
        openai_client.completions.create(**{"prompt": "oil ", **options})
    assert error.value.param == param
    assert error.value.type == "invalid_request_error"


def test_a_wrong_key_is_its_exception_too(models: Path) -> None:
    with serving(Served(roots=(models,), keys=(hash_of(KEY.encode()),))) as running:
        address = f"{running.address}/v1"
        with openai.OpenAI(base_url=address, api_key="wrong-key-of-the-tests", max_retries=0) as client:
            with pytest.raises(openai.AuthenticationError) as error:
                client.models.list()
            assert error.value.code == "invalid_api_key"
        with openai.OpenAI(base_url=address, api_key=KEY, max_retries=0) as client:
            assert [model.id for model in client.models.list()] == ["tiny"]


def test_a_full_queue_is_a_rate_limit(models: Path) -> None:
    limits = Limits(max_concurrent=1, max_queue=0)
    with (
        serving(Served(roots=(models,), limits=limits)) as running,
        openai.OpenAI(base_url=f"{running.address}/v1", api_key="none", max_retries=0) as client,
    ):
        busy = client.completions.create(
            model="tiny", prompt="", stream=True, max_tokens=100_000, extra_body={"ignore_eos": True}
        )
        next(iter(busy))
        with pytest.raises(openai.RateLimitError) as error:
            client.completions.create(model="tiny", prompt="oil ", max_tokens=3)
        assert error.value.code == "queue_full"
        busy.close()
        client.with_options(max_retries=5).completions.create(model="tiny", prompt="oil ", max_tokens=3)
