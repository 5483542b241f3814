"""Two models on the same texts, whatever their vocabularies."""

import pytest

from unspool._errors import UnknownSymbolError
from unspool._evaluation import scorer as scores
from unspool._evaluation.likelihood_ratio import likelihood_ratios, shared_text
from unspool._text.tokenizers.registry import CharTokenizer

from .scorers import CHARACTERS, CUT, WORDS, scorer


def test_a_model_is_as_good_as_itself() -> None:
    (one,) = likelihood_ratios(scorer(), scorer(), ["abc"])
    assert (one.log_likelihood_ratio, one.bits_per_character, one.dropped) == (0.0, 0.0, 0)


def test_the_ratio_is_the_difference_of_the_scores() -> None:
    texts = ["abc", "", "cab é"]
    ours, theirs = scorer(), scorer(seed=1)
    scores = zip(ours.scores(texts), theirs.scores(texts), strict=True)
    for (mine, other), one in zip(scores, likelihood_ratios(ours, theirs, texts), strict=True):
        assert one.log_likelihood_ratio == mine.total_logprob - other.total_logprob
        if one.bits_per_character is not None:
            assert one.bits_per_character == other.bits_per_character - mine.bits_per_character
    (back,) = likelihood_ratios(theirs, ours, texts[:1])
    (forth,) = likelihood_ratios(ours, theirs, texts[:1])
    assert back.log_likelihood_ratio == -forth.log_likelihood_ratio


def test_what_either_does_not_know_is_dropped_for_both() -> None:
    small = CharTokenizer(("a", "b"))
    with pytest.raises(UnknownSymbolError, match="text 2"):
        list(likelihood_ratios(scorer(), scorer(small), ["ab", "abc"]))
    (one,) = likelihood_ratios(scorer(), scorer(small, unknown="drop"), ["acbx"])
    (alone,) = scorer().scores(["ab"])
    assert one.dropped == 2
    assert one.score.total_logprob == pytest.approx(alone.total_logprob)
    assert len(one.against.token_logprobs) == 3


def test_replaced_symbols_are_counted() -> None:
    (one,) = likelihood_ratios(scorer(), scorer(CUT), ["abc"])
    assert (one.score.unknown, one.against.unknown, one.dropped) == (0, 1, 0)


@pytest.mark.parametrize(
    ("text", "left", "lost"),
    [("the oil", "the oil", 0), ("the-oil", "", 2), ("a the x", "a the ", 1), ("", "", 0)],
)
def test_words_that_grow_together_are_looked_at_again(text: str, left: str, lost: int) -> None:
    letters = CharTokenizer(tuple("theoila ."))
    found, count = shared_text(text, (letters, WORDS))
    assert (found, count) == (left, lost)
    assert shared_text(found, (letters, WORDS)) == (found, 0)
    assert shared_text("é", (CHARACTERS,)) == ("é", 0)


@pytest.mark.parametrize("knows_less", ["the first", "the second"])
def test_an_error_names_the_text_by_its_place_among_all(
    knows_less: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(scores, "TEXTS_AT_ONCE", 1)
    pair = scorer(), scorer(CharTokenizer(("a", "b")))
    ours, theirs = pair[::-1] if knows_less == "the first" else pair
    with pytest.raises(UnknownSymbolError, match=r"text 13\b"):
        list(likelihood_ratios(ours, theirs, ["a", "b", "c"], first=10))


def test_what_only_the_first_drops_is_dropped_for_both() -> None:
    small = CharTokenizer(("a", "b"))
    ratios = list(likelihood_ratios(scorer(small, unknown="drop"), scorer(), ["cc", "ab", "acb"]))
    assert [one.dropped for one in ratios] == [2, 0, 1]
    assert ratios[0].bits_per_character is None
    assert ratios[1].log_likelihood_ratio == ratios[2].log_likelihood_ratio
