import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._engines.cpu import CpuEngine
from unspool._errors import UnknownSymbolError
from unspool._evaluation import scorer as scores
from unspool._evaluation.scorer import Scorer
from unspool._evaluation.streams import evaluate_stream
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.records import Record
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(("a", "b", "c", " ", "é"))
CONFIG = NetworkConfig(hidden_size=10, vocab_size=TOKENIZER.vocab_size)
ENGINE = CpuEngine(CONFIG, threads=1)
TEXTS = ["abc", "", "a", "cab cab " * 100, "bc", "é a"]


def parameters() -> dict[str, Any]:
    return {name: 3 * array for name, array in initialize(CONFIG, 0).items()}


def score(texts: list[str], **options: Any) -> list[scores.TextScore]:
    return list(Scorer(ENGINE, parameters(), TOKENIZER, **options).scores(texts))


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
    monkeypatch.setattr(scores, "TEXTS_AT_ONCE", 4)
    monkeypatch.setattr(scores, "CHARACTERS_AT_ONCE", 5)
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


@pytest.mark.parametrize("prompt", ["", "cab ", "a"])
@pytest.mark.parametrize("ended", [True, False])
def test_scores_are_those_of_the_logits(prompt: str, ended: bool) -> None:
    text = "bac é"
    (result,) = score([text], prompt=prompt, ended=ended)
    ids = [TOKENIZER.eos_id, *TOKENIZER.encode(prompt + text).tolist(), TOKENIZER.eos_id]
    read = np.array(ids[:-1], np.int32)[:, None]
    logits, _ = ENGINE.logits(parameters(), read, ENGINE.initial_state(1))
    rows = logits[:, 0].astype(np.float64)  # (T, V)
    logprobs = rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))
    expected = [logprobs[place, target] for place, target in enumerate(ids[1:])][len(prompt) :]
    expected = expected if ended else expected[:-1]
    np.testing.assert_allclose(result.token_logprobs, expected, rtol=1e-4)
    assert result.total_logprob == pytest.approx(sum(expected), rel=1e-5)
    assert result.bits_per_character == pytest.approx(-sum(expected) / math.log(2) / len(text), rel=1e-5)


@given(st.text("abc é"), st.text("abc é", max_size=20))
def test_a_text_is_as_probable_as_its_beginning_and_then_its_rest(prompt: str, text: str) -> None:
    whole = score([prompt + text])[0].total_logprob
    beginning = score([prompt], ended=False)[0].total_logprob
    rest = score([text], prompt=prompt)[0].total_logprob
    assert whole == pytest.approx(beginning + rest, rel=1e-4, abs=1e-5)


def test_a_beginning_of_nothing_is_certain() -> None:
    empty, symbol = score(["", "a"], ended=False)
    assert (empty.total_logprob, empty.bits_per_character, len(empty.token_logprobs)) == (0.0, None, 0)
    assert len(symbol.token_logprobs) == 1


def test_strangers_are_counted_and_unk_takes_them_by_itself() -> None:
    dropped = score(["axb", "xx", "a"], unknown="drop")
    assert [result.unknown for result in dropped] == [1, 2, 0]
    assert dropped[0].bits_per_character == pytest.approx(-dropped[0].total_logprob / math.log(2) / 2)
    with_unk = CharTokenizer(("a", "b", "c", " "), unk=True)  # as many ids as the other
    (result,) = Scorer(ENGINE, parameters(), with_unk).scores(["aé"])
    assert (result.unknown, len(result.token_logprobs)) == (1, 3)


def test_an_error_names_the_text_by_its_place_among_all(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "TEXTS_AT_ONCE", 2)
    results = Scorer(ENGINE, parameters(), TOKENIZER).scores(iter(["a", "b", "c", "x"]))
    assert len([next(results), next(results)]) == 2  # what was read before is scored before
    with pytest.raises(UnknownSymbolError, match="text 4"):
        list(results)


def test_a_block_is_full_at_its_texts_or_its_characters(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scores, "TEXTS_AT_ONCE", 3)
    monkeypatch.setattr(scores, "CHARACTERS_AT_ONCE", 6)
    texts = ["a", "b", "c", "d", "ee", "fff", "gg", "hhhh", Record("i" * 6), "j"]
    assert list(scores.blocks(texts)) == [texts[:3], texts[3:6], texts[6:8], texts[8:9], texts[9:]]
    assert list(scores.blocks(texts[:3])) == [texts[:3]]


def test_texts_before_these_count_for_messages() -> None:
    with pytest.raises(UnknownSymbolError, match=r"text 12\b"):
        list(Scorer(ENGINE, parameters(), TOKENIZER).scores(["a", "x"], first=10))
