"""Distinct-n and self-BLEU, worked out by hand."""

import math

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._evaluation.audit.diversity import distinct_n, measure_diversity, ngrams, self_bleu

CAT = ["the", "cat", "sat", "on", "the", "mat"]
DOG = ["the", "dog", *CAT[2:]]


def test_distinct_n_by_hand() -> None:
    assert distinct_n([CAT, DOG], 1) == 6 / 12
    assert distinct_n([CAT, DOG], 2) == 7 / 10
    assert distinct_n(["aaaa"], 2) == 1 / 3
    assert distinct_n(["a"], 2) is None


def test_self_bleu_by_hand() -> None:
    """Two sentences of six words that share 5, 3, 2 and 1 of their 6, 5, 4 and 3 n-grams."""
    expected = (5 / 6 * 3 / 5 * 2 / 4 * 1 / 3) ** 0.25
    assert self_bleu([CAT, DOG]) == pytest.approx(expected)


def test_brevity_and_an_order_without_a_match() -> None:
    """Of two words all are matched, no trigram is there: each of two orders counts 0.1 of one."""
    short = ["the", "mat"]
    of_short = math.exp(1 - 6 / 2) * (1 * 1 * 0.1 * 0.1) ** 0.25
    of_long = (2 / 6 * 1 / 5 * 0.1 / 4 * 0.1 / 3) ** 0.25
    assert self_bleu([short, CAT]) == pytest.approx((of_short + of_long) / 2)


def test_the_ends_of_the_scale() -> None:
    assert self_bleu([CAT, CAT, CAT]) == pytest.approx(1)
    assert self_bleu(["abc", "def"]) == 0
    assert self_bleu(["abc"]) is None


def by_pairs(texts: list[str]) -> float:
    """Count every text against every other one, as the definition says."""
    total = 0.0
    for i, text in enumerate(texts):
        others = texts[:i] + texts[i + 1 :]
        logs = []
        for n in (1, 2, 3, 4):
            own = ngrams(text, n)
            matches = sum(
                min(own.count(gram), max(ngrams(other, n).count(gram) for other in others))
                for gram in set(own)
            )
            logs.append(
                -math.inf if n == 1 and not matches else math.log((matches or 0.1) / max(1, len(own)))
            )
        nearest = min((abs(len(other) - len(text)), len(other)) for other in others)[1]
        total += math.exp(min(0.0, 1 - nearest / len(text)) + sum(logs) / 4)
    return total / len(texts)


@settings(max_examples=100, deadline=None)
@given(texts=st.lists(st.text("abc", min_size=1, max_size=9), min_size=2, max_size=6))
def test_self_bleu_is_what_all_pairs_give(texts: list[str]) -> None:
    assert self_bleu(texts) == pytest.approx(by_pairs(texts))


def test_empty_texts_are_left_out() -> None:
    measured = measure_diversity(["the cat", "", "  ", "the cat"])
    assert measured.texts == 2
    assert measured.distinct_words == (0.5, 0.5, None, None)
    assert measured.self_bleu_characters == pytest.approx(1)
