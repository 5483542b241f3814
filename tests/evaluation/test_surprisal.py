"""The surprisal of each symbol, and the characters that it belongs to."""

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import UnknownSymbolError
from unspool._evaluation.surprisal import Surprisal, surprisals

from .scorers import CUT, CUT_WORDS, WORDS, scorer


def one(text: str, *arguments: object, **options: object) -> Surprisal:
    (result,) = surprisals(scorer(*arguments, **options), [text])  # type: ignore[arg-type]
    return result


def places(result: Surprisal) -> list[tuple[str, str]]:
    """List each symbol with the characters that it stands for."""
    spans = result.spans.tolist()
    return [
        (symbol, result.text[begin:end]) for symbol, (begin, end) in zip(result.symbols, spans, strict=True)
    ]


def test_bits_are_those_of_the_score() -> None:
    result = one("cab")
    (score,) = scorer().scores(["cab"])
    np.testing.assert_allclose(result.bits, -score.token_logprobs / math.log(2), rtol=1e-6)
    assert result.total_bits == pytest.approx(-score.total_logprob / math.log(2))
    assert result.bits_per_character == score.bits_per_character
    assert places(result) == [("c", "c"), ("a", "a"), ("b", "b"), ("<eos>", "")]
    assert one("cab", ended=False).symbols == ("c", "a", "b")
    assert one("", ended=False).symbols == ()


def test_words_have_their_characters() -> None:
    result = one("the oil.", WORDS)
    assert places(result) == [("the", "the"), (" ", " "), ("oil", "oil"), (".", "."), ("<eos>", "")]


def test_what_became_of_unknown_symbols_is_told() -> None:
    with pytest.raises(UnknownSymbolError):
        one("axb")
    dropped = one("axb", unknown="drop")
    assert dropped.text == "axb"
    assert places(dropped) == [("a", "a"), ("b", "b"), ("<eos>", "")]
    assert dropped.spans.tolist() == [[0, 1], [2, 3], [3, 3]]
    nearest = one("aÉb", unknown="replace")
    assert places(nearest)[1] == ("é", "É")
    assert nearest.replaced.tolist() == [False, True, False, False]
    cut = one("axb", CUT)
    assert places(cut)[1] == ("<unk>", "x")
    assert cut.replaced.tolist() == [False, True, False, False]
    words = one("the new oil", CUT_WORDS)
    assert places(words)[2] == ("<unk>", "new")


def test_texts_are_shown_as_the_model_reads_them() -> None:
    assert one("e\u0301").text == "\u00e9"


@given(st.text("abc éxÉ"), st.sampled_from(["drop", "replace"]))
def test_spans_are_in_order_and_cover_all_but_what_was_dropped(text: str, unknown: str) -> None:
    result = one(text, unknown=unknown)
    flat = result.spans.reshape(-1)
    assert (np.diff(flat) >= 0).all()
    covered = sum(end - begin for begin, end in result.spans.tolist())
    lost = sum(character in "xÉ" for character in text) if unknown == "drop" else 0
    assert covered == len(text) - lost
    assert len(result.symbols) == len(result.bits) == len(result.spans) == len(result.replaced)
    assert all(s == t for (s, t), r in zip(places(result)[:-1], result.replaced, strict=False) if not r)
