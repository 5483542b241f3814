"""Subwords are learnt by the most frequent pairs, and nothing is unknown."""

import json
from collections import Counter
from itertools import pairwise
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

import unspool
from unspool import BpeTokenizer
from unspool._errors import ConfigError, TokenizerError
from unspool._text.tokenizers.merging import PIECE, count_pieces, learn_symbols
from unspool._text.tokenizers.registry import tokenizer_from_json

LEARNT = ["the cat sat on the mat, the end", "naïve café 日本語 日本", "12 12 123"]


def learnt_plainly(pieces: dict[str, int], most: int) -> list[str]:
    """Learn as the paper does: count all pairs anew after each one that was put together."""
    runs, symbols = {tuple(piece): count for piece, count in pieces.items()}, []
    while len(symbols) < most:
        pairs: Counter[tuple[str, str]] = Counter()
        for run, count in runs.items():
            for pair in pairwise(run):
                pairs[pair] += count
        best = min(pairs, key=lambda pair: (-pairs[pair], pair), default=None)
        if best is None or pairs[best] < 2:
            break
        symbols.append("".join(best))
        merged: Counter[tuple[str, ...]] = Counter()
        for run, count in runs.items():
            out: list[str] = []
            for symbol in run:
                if out and (out[-1], symbol) == best:
                    out[-1] += symbol
                else:
                    out.append(symbol)
            merged[tuple(out)] += count
        runs = dict(merged)
    return list(dict.fromkeys(symbols))


@given(
    st.dictionaries(st.text("abc", min_size=1, max_size=8), st.integers(1, 5), max_size=8), st.integers(0, 9)
)
def test_it_learns_as_the_paper_does(pieces: dict[str, int], most: int) -> None:
    assert learn_symbols(pieces, most) == learnt_plainly(pieces, most)


def test_pieces_are_words_numbers_marks_and_spaces() -> None:
    text = "a  the_end 12é!? “x” \n\tb² हिन्दी"
    assert "".join(PIECE.findall(text)) == text
    assert count_pieces(["a a, a"]) == {"a": 1, " a": 2, ",": 1}


@settings(max_examples=500, deadline=None)
@given(st.text(max_size=60))
def test_every_text_comes_back(text: str) -> None:
    tokenizer = BpeTokenizer.fit(LEARNT, normalization=None)
    ids = tokenizer.encode(text).tolist()
    assert tokenizer.decode(ids) == text
    assert sum(tokenizer.decoded_lengths[ids]) == len(text)


@pytest.mark.slow
@pytest.mark.parametrize("size", [258, 300, 50_000])
def test_a_million_texts_come_back(size: int) -> None:
    """The texts are of all of Unicode, and of the letters that the tokenizer has learnt."""
    import numpy as np

    tokenizer = BpeTokenizer.fit(LEARNT * 2, max_vocab_size=size, normalization=None)
    random = np.random.default_rng(size)
    letters = np.array(sorted(set("".join(LEARNT))))
    for _ in range(333):
        codes = random.integers(0, 0x110000 - 0x800, (500, 8))
        codes += 0x800 * (codes >= 0xD800)
        texts = ["".join(map(chr, row)) for row in codes.tolist()]
        texts += ["".join(row) for row in random.choice(letters, (500, 8)).tolist()]
        encoded = tokenizer.encode_texts(texts)
        assert tokenizer.decode(encoded.ids) == "".join(texts)
        assert encoded.lengths.sum() == len(encoded.ids)


@given(st.lists(st.text("the cat,12é\n ", max_size=9), max_size=6))
def test_a_text_is_cut_into_the_longest_symbols_wherever_its_pieces_end(texts: list[str]) -> None:
    tokenizer = BpeTokenizer.fit(LEARNT)
    known = sorted(tokenizer.symbols[256:], key=len, reverse=True)
    for text in map(tokenizer.normalize, texts):
        rest, expected = text, []
        while rest:
            expected.append(next((symbol for symbol in known if rest.startswith(symbol)), rest[0]))
            rest = rest[len(expected[-1]) :]
        assert tokenizer.split(text) == expected
        ids = [i for piece in expected for i in tokenizer.piece_ids(piece)]
        assert tokenizer.encode(text).tolist() == ids


def test_rare_characters_are_left_to_their_bytes() -> None:
    tokenizer = BpeTokenizer.fit(["日本 日本 日語 é"], max_vocab_size=258 + 4)
    assert tokenizer.symbols[256:] == ("日", "本", " 日")  # no other pair is there twice
    assert tokenizer.encode("語").tolist() == [byte + 1 for byte in "語".encode()]
    assert BpeTokenizer.fit([], max_vocab_size=258).vocab_size == 258


@pytest.mark.parametrize("size", [257, 50, True, 300.0])
def test_a_vocabulary_has_room_for_the_bytes(size: Any) -> None:
    with pytest.raises(
        ConfigError, match=r"max_vocab_size must be a whole number ≥ 258, or None, with the bpe"
    ):
        BpeTokenizer.fit(["a"], max_vocab_size=size)


@pytest.mark.parametrize("symbols", [["a"], ["a b"], ["ab", "ab"], [""], ["a,"], [3], "ab", [" "]])
def test_impossible_symbols_are_refused(symbols: Any) -> None:
    content = json.loads(BpeTokenizer(["th"]).to_json()) | {"symbols": symbols}
    with pytest.raises(TokenizerError, match=r"^here: symbol"):
        tokenizer_from_json(json.dumps(content), where="here")


def test_a_model_of_subwords_writes_scores_and_stops() -> None:
    model = unspool.train(LEARNT * 9, tokenizer="bpe", epochs=2, hidden_size=8, seed=0, progress=False)
    surprisal = model.surprisal("the 語 cat")
    assert surprisal.spans.tolist()[-1] == [9, 9]
    assert sorted({tuple(span) for span in surprisal.spans.tolist()})[0] == (0, 3)
    (score,) = model.score(["the 語 cat"])
    assert abs(float(surprisal.bits.sum()) / 9 - float(score.bits_per_character or 0)) < 1e-5
    for text in model.generate(n=30, seed=1, stop=["he", "é"], max_new_tokens=20):
        assert "he" not in text.text
        assert "é" not in text.text
