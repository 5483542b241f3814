"""What a corpus knows of its symbols comes back with its files."""

from pathlib import Path

import pytest

from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.corpus_files import load_corpus, save_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.records import Records


@pytest.mark.parametrize(
    ("texts", "lengths"),
    [
        (["ab ab ab.", "ab."], {"ab": 2, " ": 1, ".": 1}),  # only the most frequent symbol is long
        (["a a a bc", "a"], {"a": 1, " ": 1, "bc": 2}),  # only the rarest one
        (["a b", "a"], None),  # all have one character
    ],
)
def test_the_lengths_of_symbols_come_back(
    tmp_path: Path, texts: list[str], lengths: dict[str, int] | None
) -> None:
    saved = encode_corpus(Records.of(texts), EncodingRecipe(tokenizer="word"))
    loaded = load_corpus(tmp_path, save_corpus(tmp_path, saved))
    found = loaded.training.symbol_lengths
    if lengths is None:
        assert found is None
    else:
        assert found is not None
        assert dict(zip(loaded.tokenizer.symbols, found[1:].tolist(), strict=False)) == lengths
    assert loaded.training.fingerprint() == saved.training.fingerprint()
