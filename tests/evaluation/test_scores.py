import math
from typing import Any

import numpy as np
import pytest

from unspool.engines.cpu import CpuEngine
from unspool.errors import UnknownSymbolError
from unspool.evaluation import scores
from unspool.evaluation.scores import score_texts
from unspool.evaluation.streams import evaluate_stream
from unspool.network.config import NetworkConfig
from unspool.network.parameters import initialize
from unspool.text.streams import TokenStream
from unspool.text.tokenizers import CharTokenizer

TOKENIZER = CharTokenizer(("a", "b", "c", " ", "é"))
CONFIG = NetworkConfig(hidden_size=10, vocab_size=TOKENIZER.vocab_size)
ENGINE = CpuEngine(CONFIG, threads=1)
TEXTS = ["abc", "", "a", "cab cab " * 100, "bc", "é a"]


def parameters() -> dict[str, Any]:
    return {name: 3 * array for name, array in initialize(CONFIG, 0).items()}


def score(texts: list[str], **options: Any) -> list[scores.TextScore]:
    return score_texts(ENGINE, parameters(), TOKENIZER, texts, **options)


def test_scores_come_in_order_and_add_up() -> None:
    results = score(TEXTS)
    for text, result in zip(TEXTS, results, strict=True):
        assert result.token_logprobs.shape == (len(text) + 1,)
        assert (result.token_logprobs < 0).all()
        assert result.total_logprob == pytest.approx(float(result.token_logprobs.sum()), rel=1e-5)
        if text:
            bits = -result.total_logprob / math.log(2) / len(text)
            assert result.bits_per_character == pytest.approx(bits)
    assert results[1].bits_per_character is None


def test_probabilities_of_everything_that_can_follow_sum_to_one() -> None:
    firsts = [math.exp(score([symbol])[0].token_logprobs[0]) for symbol in TOKENIZER.symbols]
    ends = math.exp(score([""])[0].token_logprobs[0])
    assert sum(firsts) + ends == pytest.approx(1.0, rel=1e-5)


def test_company_changes_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    together = score(TEXTS)
    monkeypatch.setattr(scores, "TEXTS_AT_ONCE", 2)
    monkeypatch.setattr(scores, "BATCH_SYMBOLS", 1)
    for a, b in zip(together, score(TEXTS), strict=True):
        np.testing.assert_allclose(a.token_logprobs, b.token_logprobs, rtol=1e-4, atol=1e-6)


def test_scores_agree_with_the_evaluation_of_a_stream() -> None:
    ids = [np.append(TOKENIZER.encode(text), TOKENIZER.eos_id) for text in TEXTS]
    starts = np.cumsum([0, *map(len, ids)])[:-1]
    stream = TokenStream(np.concatenate(ids).astype(np.uint8), starts, sum(map(len, TEXTS)))
    whole = evaluate_stream(ENGINE, parameters(), stream, eos_id=TOKENIZER.eos_id, document=False)
    total = sum(result.total_logprob for result in score(TEXTS))
    assert whole.loss == pytest.approx(-total / len(stream.ids), rel=1e-5)


def test_texts_are_normalized_and_strangers_are_refused_by_name() -> None:
    decomposed = "e\u0301"
    assert score([decomposed])[0].total_logprob == score(["\u00e9"])[0].total_logprob
    with pytest.raises(UnknownSymbolError, match="text 2"):
        score(["a", "x"])
    assert len(score(["a", "ax"], unknown="drop")[1].token_logprobs) == 2


def test_no_texts_give_no_scores() -> None:
    assert score([]) == []
