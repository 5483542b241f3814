"""Guess numbers, against all texts of a tiny vocabulary counted one by one."""

import itertools
import math

import numpy as np
import pytest

from unspool._engines.cpu import CpuEngine
from unspool._errors import ConfigError
from unspool._evaluation import guess_numbers
from unspool._evaluation.guess_numbers import TIE, GuessNumbers
from unspool._evaluation.scorer import Scorer
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer

LONGEST = 9  # longer texts are less probable than every text that is asked for
ALPHABET = "ab"


def tiny(*, end_bias: float = 1.0, prompt: str = "") -> Scorer:
    tokenizer = CharTokenizer(tuple(ALPHABET))
    config = NetworkConfig(hidden_size=6, vocab_size=tokenizer.vocab_size)
    parameters = {name: 2 * array for name, array in initialize(config, 1).items()}
    parameters["output.bias"][tokenizer.eos_id] += end_bias
    return Scorer(CpuEngine(config, threads=1), parameters, tokenizer, prompt=prompt)


def every_text(scorer: Scorer) -> dict[str, float]:
    texts = ["".join(t) for size in range(LONGEST + 1) for t in itertools.product(ALPHABET, repeat=size)]
    return {text: s.total_logprob for text, s in zip(texts, scorer.scores(texts), strict=True)}


@pytest.mark.parametrize("prompt", ["", "ab"])
def test_estimates_are_right_within_their_error(prompt: str) -> None:
    scorer = tiny(prompt=prompt)
    logprobs = every_text(scorer)
    drawn = GuessNumbers.draw(scorer, samples=20_000, seed=3)
    asked = ["", "a", "b", "ab", "ba", "aab", "abab", "bbbb"]
    misses = []
    for text in asked:
        exact = sum(logprob > logprobs[text] + TIE for logprob in logprobs.values())
        share = sum(math.exp(p) for p in logprobs.values() if p > logprobs[text] + TIE)
        found = drawn.of(logprobs[text])
        assert found.guess_number == pytest.approx(exact, abs=4 * found.standard_error + 1e-9)
        assert found.percentile == pytest.approx(100 * (1 - share), abs=1.5)
        misses.append((found.guess_number - exact) / max(found.standard_error, 1e-9))
        assert not found.lower_bound
    assert max(logprobs, key=logprobs.__getitem__) in asked
    assert any(found != 0 for found in misses)  # it is an estimate and not the count


def test_errors_are_as_large_as_they_say() -> None:
    scorer = tiny()
    logprobs = every_text(scorer)
    target = logprobs["abab"]
    exact = sum(logprob > target + TIE for logprob in logprobs.values())
    found = [GuessNumbers.draw(scorer, samples=500, seed=seed).of(target) for seed in range(60)]
    scores = np.array([(one.guess_number - exact) / one.standard_error for one in found])
    assert abs(scores.mean()) < 0.6
    assert 0.6 < scores.std() < 1.5


def test_the_most_probable_text_comes_first() -> None:
    scorer = tiny()
    logprobs = every_text(scorer)
    first = GuessNumbers.draw(scorer, samples=200, seed=0).of(max(logprobs.values()))
    assert (first.guess_number, first.log2_guess_number, first.percentile) == (0.0, -math.inf, 100.0)
    assert first.standard_error == pytest.approx(math.exp(-max(logprobs.values())) / 200)


def test_texts_beyond_a_float_have_a_logarithm() -> None:
    found = GuessNumbers(np.array([-1.0, -900.0, -950.0]), np.array([])).of(-1000.0)
    assert found.guess_number == math.inf
    assert found.log2_guess_number == pytest.approx((950 - math.log(3)) / math.log(2))
    assert found.percentile == 0


def test_samples_that_were_cut_make_it_a_lower_bound() -> None:
    numbers = GuessNumbers(np.array([-1.0, -2.0, -3.0]), np.array([-5.0]))
    assert not numbers.of(-2.0).lower_bound
    assert numbers.of(-2.0).percentile == 75
    assert numbers.of(-6.0).lower_bound
    told = (
        "guess numbers need a model that ends its texts: got 10 samples, none of which ended within 20 "
        "symbols; train on one text per line rather than on one document"
    )
    with pytest.raises(ConfigError, match=f"^{told}$"):
        GuessNumbers.draw(tiny(end_bias=-50), samples=10, max_symbols=20)
    with pytest.raises(ConfigError, match="samples"):
        GuessNumbers.draw(tiny(), samples=1)


def test_an_unk_is_spelled() -> None:
    """Texts of "a" and of words in its place: those are drawn with their spelling, as they are scored."""
    tokenizer = CharTokenizer.fit(["aab", "aac", "ab", "a"], max_vocab_size=4)
    assert tokenizer.symbols == ("a", "<unk>")
    config = NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    zeros = {name: np.zeros_like(array) for name, array in initialize(config, 0).items()}
    scorer = Scorer(CpuEngine(config, threads=1), zeros, tokenizer)
    model, third = tokenizer.spelling_model, -math.log(3)
    assert model is not None
    words = ("".join(letters) for size in range(5) for letters in itertools.product("abc", repeat=size))
    symbols = [third, *(third - model.nats(word) for word in words)]  # "a", and <unk> with each spelling

    def more_probable(least: float, so_far: float = 0.0) -> int:
        ended = so_far + third > least
        return ended + sum(more_probable(least, so_far + one) for one in symbols if so_far + one > least)

    drawn = GuessNumbers.draw(scorer, samples=20_000, seed=1)
    for text, score in zip(["aab", "b", "aba"], scorer.scores(["aab", "b", "aba"]), strict=True):
        found = drawn.of(score.total_logprob)
        exact = more_probable(score.total_logprob + TIE)
        assert found.guess_number == pytest.approx(exact, abs=4 * found.standard_error), text


def test_an_estimate_and_its_error_are_those_of_the_weights() -> None:
    """Of four samples two are more probable: their weights are e and e², the others weigh nothing."""
    numbers = GuessNumbers(np.array([-2.0, -1.0, -3.0]), np.array([-5.0]))
    weights = np.array([math.e, math.e**2, 0.0, 0.0])
    found = numbers.of(-2.5)
    assert found.guess_number == pytest.approx(weights.mean())
    assert found.log2_guess_number == pytest.approx(math.log2(weights.mean()))
    assert found.standard_error == pytest.approx(weights.std(ddof=1) / 2)
    assert (found.percentile, found.lower_bound) == (50.0, False)
    beside = numbers.of(-2.0 - TIE / 2)  # as probable as one of them, but for rounding
    assert beside.guess_number == pytest.approx(math.e / 4)
    assert numbers.of(-2.0 - 2 * TIE).guess_number == pytest.approx(weights.mean())
    last = numbers.of(-6.0)
    assert (last.percentile, last.lower_bound) == (0.0, True)
    assert last.guess_number == pytest.approx((math.e + math.e**2 + math.e**3) / 4)


def test_samples_are_drawn_in_blocks_and_none_twice(monkeypatch: pytest.MonkeyPatch) -> None:
    whole = GuessNumbers.draw(tiny(), samples=20, seed=3)
    monkeypatch.setattr(guess_numbers, "AT_ONCE", 7)
    parts = GuessNumbers.draw(tiny(), samples=20, seed=3)
    assert parts.samples == whole.samples == 20
    for total in (-1.0, -3.0, -5.0, -8.0):
        assert parts.of(total).guess_number == pytest.approx(whole.of(total).guess_number, rel=1e-4)
    assert GuessNumbers.draw(tiny(), samples=2).samples == 2
    assert GuessNumbers.draw(tiny(), samples=20, seed=4).of(-5.0) != whole.of(-5.0)
