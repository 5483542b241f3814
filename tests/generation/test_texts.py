"""Texts that end at a string, whole and in pieces."""

import numpy as np
import pytest

from unspool._generation.generated_ids import GeneratedIds
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.texts import cut, generation_of, streamed_text, withheld
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(list("abcd "))


@pytest.mark.parametrize(
    ("text", "after", "stops", "kept", "which"),
    [
        ("a b", 2, ("b",), "a ", "b"),
        ("dog cat.", 4, ("at", "cat"), "dog ", "cat"),  # both end in one place: the longest
        ("dog cat.", 4, (".", "ca"), "dog ", "ca"),  # the one that ends first
        ("cat cat", 4, ("cat",), "cat ", "cat"),  # one before the last symbol did not count
        ("aaa", 2, ("aa",), "a", "aa"),
    ],
)
def test_where_a_text_is_cut(text: str, after: int, stops: tuple[str, ...], kept: str, which: str) -> None:
    assert cut(text, GenerationOptions(stop=stops), after=after) == (kept, which)
    assert cut(text, GenerationOptions(stop=stops, include_stop=True), after=after) == (kept + which, which)


@pytest.mark.parametrize(
    ("text", "count"),
    [("", 0), ("x", 0), ("xab", 2), ("xabc", 0), ("a", 1), ("aab", 2), ("xy", 1), ("ab y", 1)],
)
def test_what_may_yet_be_cut_is_withheld(text: str, count: int) -> None:
    assert withheld(text, ("abc", "yz")) == count


def pieces_of(text: str, sizes: list[int], reason: str) -> list[GeneratedIds]:
    ids = TOKENIZER.encode(text)
    places = np.cumsum([0, *sizes, len(ids)])
    cuts = [ids[a:b] for a, b in zip(places, [*places[1:-1], len(ids)], strict=False)]
    return [
        GeneratedIds(ids=part, logprobs=np.zeros(len(part), np.float32), finish_reason=None)
        for part in cuts[:-1]
    ] + [GeneratedIds(ids=cuts[-1], logprobs=np.zeros(len(cuts[-1]), np.float32), finish_reason=reason)]


@pytest.mark.parametrize("sizes", [[], [1] * 8, [3, 2], [6]], ids=str)
@pytest.mark.parametrize("include", [False, True])
def test_a_stream_never_shows_what_is_cut(sizes: list[int], include: bool) -> None:
    options = GenerationOptions(stop="ab d", include_stop=include)
    text = "abcab ab d"
    pieces = pieces_of(text, sizes, "stop")
    assert "".join(streamed_text(TOKENIZER, iter(pieces), options)) == ("abcab ab d" if include else "abcab ")
    ended = pieces_of("abcab ab ", [3, 2], "length")  # what was withheld comes once nothing can follow
    assert "".join(streamed_text(TOKENIZER, iter(ended), options)) == "abcab ab "


def test_a_cut_text_says_where_it_stopped() -> None:
    (drawn,) = pieces_of("ab cd", [], "stop")
    text = generation_of(TOKENIZER, TOKENIZER.encode("d"), drawn, GenerationOptions(stop=("c", "cd")))
    assert (text.text, text.continuation, text.stop_reason) == ("dab ", "ab ", "cd")
    assert len(text.ids) == len(text.token_logprobs) == 5
