"""Bits per character include the spelling of what is read as ``<unk>``: vocabularies can be compared."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from click.testing import CliRunner

import unspool
from unspool._cli.app import app
from unspool._evaluation.surprisal import surprisals
from unspool._model.scoring import make_scorer
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import Tokenizer, WordTokenizer
from unspool._text.tokenizers.spelling_model import SpellingModel

TEXTS = ["a cat", "a dog", "a cat"]
WORDS = WordTokenizer.fit(TEXTS, max_vocab_size=5)  # "a", " ", and <unk> for cat and dog
OLDER = WordTokenizer(WORDS.symbols[:-1], unk=True)


def even(tokenizer: Tokenizer) -> unspool.Generator:
    """Make a model to which every symbol is equally probable."""
    network = unspool.NetworkConfig(hidden_size=4, vocab_size=tokenizer.vocab_size)
    zeros = {name: np.zeros_like(array) for name, array in initialize(network, 0).items()}
    return unspool.Generator(network=network, tokenizer=tokenizer, parameters=zeros)


def spelled(word: str) -> float:
    return SpellingModel.fit({"cat": 2, "dog": 1}).nats(word)


def test_bits_per_character_worked_by_hand() -> None:
    assert WORDS.symbols == ("a", " ", "<unk>")
    result = even(WORDS).evaluate(TEXTS)
    nats = 12 * math.log(4)  # three words of four symbols and their ends; <pad> cannot come
    assert result.loss == pytest.approx(math.log(4))
    assert result.perplexity == pytest.approx(4)
    bits = (nats + 2 * spelled("cat") + spelled("dog")) / math.log(2) / 15
    assert result.bits_per_character == pytest.approx(bits)
    assert result.unspelled is None


def test_a_score_is_that_of_the_spelled_word() -> None:
    model = even(WORDS)
    dog, known, stranger = model.score(["a dog", "a a", "a unicorn"])
    np.testing.assert_allclose(
        dog.token_logprobs, [-math.log(4)] * 2 + [-math.log(4) - spelled("dog"), -math.log(4)], rtol=1e-6
    )
    assert dog.total_logprob == pytest.approx(-4 * math.log(4) - spelled("dog"))
    assert dog.bits_per_character == pytest.approx(-dog.total_logprob / math.log(2) / 5)
    assert known.total_logprob == pytest.approx(-4 * math.log(4))
    assert stranger.total_logprob == pytest.approx(-4 * math.log(4) - spelled("unicorn"))
    (shown,) = surprisals(make_scorer(model), ["a dog"])
    assert shown.total_bits == pytest.approx(-dog.total_logprob / math.log(2))


def test_a_score_is_that_of_an_evaluation() -> None:
    model = even(WORDS)
    total = -math.fsum(score.total_logprob for score in model.score(TEXTS)) / math.log(2) / 15
    assert model.evaluate(TEXTS).bits_per_character == pytest.approx(total)


def test_all_texts_of_one_word_have_the_probability_1_at_most() -> None:
    """A word model gives no more probability to words than there is, however they are spelled."""
    letters = "acdgot"
    words = [a + b + c for a in letters for b in ["", *letters] for c in ["", *letters]]
    scores = even(WORDS).score(sorted(set(words)))
    together = math.fsum(math.exp(score.total_logprob) for score in scores)
    assert 1 / 16 < together < 2 / 16  # <unk> or "a", and the end: 1/4 · 1/4 each


@pytest.mark.parametrize("size", [4, 5, 6, 8, 10])
def test_no_smaller_vocabulary_is_better(size: int) -> None:
    """A model knows how often each word comes: no code of single words is shorter than that (Gibbs)."""
    animals = ["cat", "dog", "gnu", "fox", "hen", "jay", "koi"]
    texts = [f"{one} or {other}" for place, one in enumerate(animals) for other in animals[place:]]
    bits = []
    for most in (None, size):
        tokenizer = WordTokenizer.fit(texts, max_vocab_size=most)
        model = even(tokenizer)
        ids = [i for text in texts for i in (*tokenizer.encode(text, unknown="replace"), tokenizer.eos_id)]
        counts = np.bincount(ids, minlength=tokenizer.vocab_size)
        with np.errstate(divide="ignore"):
            model.parameters["output.bias"][:] = np.maximum(np.log(counts), -100)
        bits.append(model.evaluate(texts).bits_per_character)
    assert bits[0] < bits[1]


def test_it_is_the_same_after_saving(tmp_path: Path) -> None:
    network = unspool.NetworkConfig(hidden_size=8)
    options: dict[str, Any] = {"tokenizer": "word", "max_vocab_size": 6, "network": network, "epochs": 1}
    model = unspool.train(["a cat", "a dog", "a cow", "a cat"] * 30, out=tmp_path / "run", **options)
    new = ["a cat", "a unicorn"]
    before = model.evaluate(new)
    assert unspool.load(tmp_path / "run").evaluate(new) == before
    assert before.unspelled is None
    lines = [line for line in model.history if line.get("kind") == "evaluation"]
    alone = lines[-1]["training_loss"] / math.log(2) * len("a c ") / 5  # nats of four symbols
    assert lines[-1]["training_bits_per_character"] > alone
    assert "`<unk>`, in bits per character | spelled" in (tmp_path / "run" / "README.md").read_text()


def test_an_older_model_says_what_it_leaves_out(tmp_path: Path) -> None:
    model = even(OLDER)
    result = model.evaluate(TEXTS)
    assert result.unspelled == 3
    assert result.bits_per_character == pytest.approx(12 * math.log(4) / math.log(2) / 15)
    model.save(tmp_path / "model")
    texts = tmp_path / "texts.txt"
    texts.write_text("\n".join(TEXTS))
    for command in ("eval", "score"):
        done = CliRunner().invoke(app, [command, str(tmp_path / "model"), str(texts)])
        assert "without the spelling of <unk>" in done.stderr
    assert (
        "without the spelling of <unk>" in CliRunner().invoke(app, ["info", str(tmp_path / "model")]).stdout
    )
    even(WORDS).save(tmp_path / "new")
    assert "spelling" not in CliRunner().invoke(app, ["eval", str(tmp_path / "new"), str(texts)]).stderr
