"""Scores and evaluations that adapt to what they have read."""

import numpy as np
import pytest

import unspool
from unspool._errors import ConfigError
from unspool._kernels.adapting import AdaptiveCounts

TEXTS = ["anna", "hanna", "banana", "ananas"] * 9
AGAIN = ["banana nahna ", "hanna ban"]


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    texts = [*TEXTS, "na hn ba"]
    return unspool.train(
        texts, hidden_size=8, epochs=1, threads=1, sample_prompts=[], validation_fraction=None
    )


def nats_of(model: unspool.Generator, text: str) -> np.ndarray:
    return -model.score([text])[0].token_logprobs


def test_a_score_is_that_of_its_text_alone(model: unspool.Generator) -> None:
    texts = [text * 8 for text in AGAIN]
    plain, adapted = model.score(texts), model.score(texts, adapt=True)
    for text, before, after in zip(texts, plain, adapted, strict=True):
        assert after.total_logprob > before.total_logprob
        ids = np.append(model.tokenizer.encode(text), model.tokenizer.eos_id).astype(np.int32)
        by_hand = AdaptiveCounts(None).adapt(ids, -before.token_logprobs)
        np.testing.assert_allclose(-after.token_logprobs, by_hand, atol=1e-6)
    (alone,) = model.score(texts[1:], adapt=True)
    np.testing.assert_allclose(alone.token_logprobs, adapted[1].token_logprobs, atol=1e-6)


def test_a_prompt_is_read_before(model: unspool.Generator) -> None:
    prompt = AGAIN[0]
    (plain,) = model.score([AGAIN[0]], prompt=prompt)
    (adapted,) = model.score([AGAIN[0]], prompt=prompt, adapt=True)
    assert adapted.total_logprob > plain.total_logprob
    assert model.score([AGAIN[0]], adapt=True)[0].total_logprob == pytest.approx(
        model.score([AGAIN[0]])[0].total_logprob, abs=0.5
    )


def test_an_evaluation_goes_on_from_text_to_text(model: unspool.Generator) -> None:
    texts = AGAIN * 6
    plain, adapted = model.evaluate(texts), model.evaluate(texts, adapt=True)
    rows = [np.append(model.tokenizer.encode(text), model.tokenizer.eos_id) for text in texts]
    nats = np.concatenate([nats_of(model, text) for text in texts])
    by_hand = AdaptiveCounts(model.tokenizer.eos_id).adapt(np.concatenate(rows).astype(np.int32), nats)
    assert adapted.loss == pytest.approx(by_hand.mean(), abs=1e-5)
    assert adapted.loss < plain.loss
    assert (adapted.symbols, adapted.characters) == (plain.symbols, plain.characters)


def test_a_document_is_read_from_its_start_to_its_end(model: unspool.Generator) -> None:
    text = "".join(AGAIN) * 6
    adapted = model.evaluate([text], document=True, adapt=True)
    assert adapted.loss < model.evaluate([text], document=True).loss
    ids = np.append(model.tokenizer.encode(text), model.tokenizer.eos_id).astype(np.int32)
    by_hand = AdaptiveCounts(None).adapt(ids, nats_of(model, text))
    assert adapted.loss == pytest.approx(by_hand.mean(), abs=1e-5)


def test_what_cannot_adapt(model: unspool.Generator) -> None:
    with pytest.raises(ConfigError, match="adapt must be true or false"):
        model.score(["na"], adapt="yes")  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="adapt must be true or false"):
        model.evaluate(["na"], adapt=1)  # type: ignore[arg-type]
    pairs = [{"a": text, "b": text} for text in TEXTS]
    answers = unspool.train(
        pairs, source="a", target="b", hidden_size=4, epochs=1, threads=1, sample_prompts=[]
    )
    with pytest.raises(ConfigError, match="sources"):
        answers.evaluate(unspool.read_records(pairs, source_text="a", text="b"), adapt=True)
