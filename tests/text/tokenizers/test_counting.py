"""Counting, and the order in which symbols get their ids."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import TokenizerError
from unspool._kernels.lines import Numbering
from unspool._text.tokenizers import counting
from unspool._text.tokenizers.counting import SymbolCounter, rank

batches = st.lists(st.lists(st.text(alphabet="abcé世👍 ", max_size=8), max_size=4), max_size=4)


@given(batches)
def test_characters_are_counted_like_any_symbols(batches: list[list[str]]) -> None:
    fast, plain = Numbering(), SymbolCounter(list)
    for texts in batches:
        for mine, its in zip(fast.number_texts(texts), plain.number_texts(texts), strict=True):
            assert mine.tolist() == its.tolist()
    assert fast.symbols() == plain.symbols()
    assert fast.counts().tolist() == plain.counts().tolist()


@given(batches)
def test_frequent_symbols_come_first_and_ties_by_first_appearance(batches: list[list[str]]) -> None:
    counter = Numbering()
    for texts in batches:
        counter.number_texts(texts)
    # An ordinary dictionary keeps the order of first appearance, and `sorted` is stable: the Keras way.
    counts = Counter("".join("".join(texts) for texts in batches))
    assert rank(counter).symbols == sorted(counts, key=lambda symbol: -counts[symbol])


@given(st.text(alphabet="abcdefg", min_size=1), st.integers(4, 9))
def test_the_table_gives_the_id_of_each_number(text: str, size: int) -> None:
    counter = Numbering()
    numbers, _ = counter.number_texts([text])
    ranking = rank(counter, max_vocab_size=size)
    spellings = ["<pad>", *ranking.symbols, *(["<unk>"] if ranking.unk else []), "<eos>"]
    assert len(spellings) <= size
    decoded = [spellings[i] for i in ranking.table[numbers]]
    assert decoded == [symbol if symbol in ranking.symbols else "<unk>" for symbol in text]
    assert spellings[ranking.table[0]] == "<eos>"
    assert ranking.lost == decoded.count("<unk>")
    assert ranking.table.dtype == np.uint32


def test_a_corpus_of_words_that_never_repeat_is_given_up_in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_DISTINCT", 3)
    assert SymbolCounter(str.split).number_texts(["a b c a"])[0].tolist() == [1, 2, 3, 1]
    with pytest.raises(TokenizerError, match=r"different words .* choose the char tokenizer"):
        SymbolCounter(str.split).number_texts(["a b c d"])


def test_more_symbols_than_a_tokenizer_holds_need_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(counting, "MOST_SYMBOLS", 3)
    counter = Numbering()
    counter.number_texts(["abc"])
    assert rank(counter).symbols == ["a", "b", "c"]
    counter.number_texts(["d"])
    with pytest.raises(TokenizerError, match="expected at most 3, got 4; choose a max_vocab_size"):
        rank(counter)
    assert rank(counter, max_vocab_size=5).symbols == ["a", "b"]
