"""Tiny scorers, of characters and of words, for the tests of what is built on scores."""

from typing import Any

from unspool._engines.cpu import CpuEngine
from unspool._evaluation.scorer import Scorer
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer, Tokenizer, WordTokenizer

CHARACTERS = CharTokenizer(("a", "b", "c", " ", "é"))
CUT = CharTokenizer(("a", "b", " "), unk=True)
WORDS = WordTokenizer(("the", " ", "oil", ".", "a"))
CUT_WORDS = WordTokenizer(("the", " ", "oil"), unk=True)


def scorer(tokenizer: Tokenizer = CHARACTERS, *, seed: int = 0, scale: float = 3, **options: Any) -> Scorer:
    config = NetworkConfig(hidden_size=10, vocab_size=tokenizer.vocab_size)
    parameters = {name: scale * array for name, array in initialize(config, seed).items()}
    return Scorer(CpuEngine(config, threads=1), parameters, tokenizer, **options)
