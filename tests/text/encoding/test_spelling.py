"""What ``<unk>`` stands for is spelled: by a model of the training text alone, once for each ``<unk>``."""

import dataclasses
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.encoded_corpus import EncodedCorpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.split import is_held_out
from unspool._text.reading.sources import read_records
from unspool._text.records import Record
from unspool._text.streams import builder, stream
from unspool._text.streams.stream import TokenStream
from unspool._text.tokenizers.registry import TOKENIZERS, Tokenizer, WordTokenizer, tokenizer_from_json
from unspool._text.tokenizers.spelling_model import SpellingModel

ANIMALS = ["ape", "bat", "cow", "dog", "eel", "fox", "gnu", "hen", "ibis", "jay", "koi", "lynx"]
TEXTS = [f"a {one} or a {other}" for one in ANIMALS for other in ANIMALS if one != other]
FEW = 9  # with <pad>, <unk> and <eos>: the space, "a", "or" and three animals


def cut_off(tokenizer: Tokenizer, texts: list[str]) -> list[str]:
    """Return the pieces of texts that have no symbol, in their order."""
    return [piece for text in texts for piece in tokenizer.split(text) if not tokenizer.piece_ids(piece)]


def nats_of(corpus: EncodedCorpus, texts: list[str]) -> list[float]:
    model = corpus.tokenizer.spelling_model
    assert model is not None
    return [model.nats(word) for word in cut_off(corpus.tokenizer, texts)]


def check(corpus: EncodedCorpus, part: TokenStream, texts: list[str]) -> None:
    """Fail unless a part has the nats of its texts, one number for each ``<unk>``."""
    assert part.spelling is not None
    assert len(part.spelling) == np.count_nonzero(part.ids == corpus.tokenizer.unk_id)
    np.testing.assert_allclose(part.spelling, nats_of(corpus, texts), rtol=1e-6)
    assert part.spelling_nats == pytest.approx(sum(nats_of(corpus, texts)))
    assert part.unspelled == 0


def split(texts: list[str], fraction: float) -> tuple[list[str], list[str]]:
    out = [is_held_out(text, fraction=fraction) for text in texts]
    return (
        [text for text, held in zip(texts, out, strict=True) if not held],
        [text for text, held in zip(texts, out, strict=True) if held],
    )


@pytest.mark.parametrize("small", [False, True], ids=["memory", "file"])
@pytest.mark.parametrize(("kind", "most"), [("word", FEW), ("char", 8)])
def test_held_out_words_teach_no_spelling(
    monkeypatch: pytest.MonkeyPatch, kind: str, most: int, small: bool
) -> None:
    if small:
        monkeypatch.setattr(builder, "SPILL", 10)
        monkeypatch.setattr(builder, "BLOCK", 7)
        monkeypatch.setattr(stream, "BLOCK", 5)
    recipe = EncodingRecipe(tokenizer=kind, max_vocab_size=most, validation_fraction=0.3)
    corpus = encode_corpus([Record(text) for text in TEXTS], recipe)
    training, held_out = split(TEXTS, 0.3)
    assert len(training) > len(held_out) > 0
    words = Counter(cut_off(corpus.tokenizer, training))
    assert corpus.tokenizer.spelling_model == SpellingModel.fit(words)
    check(corpus, corpus.training, training)
    check(corpus, corpus.validation, held_out)


def test_other_validation_texts_teach_no_spelling_either() -> None:
    recipe = EncodingRecipe(tokenizer="word", max_vocab_size=4, validation_fraction=0.5)
    for document in (False, True):
        corpus = encode_corpus(
            [Record("a b c a")], dataclasses.replace(recipe, document=document), [Record("xyz a")]
        )
        assert corpus.tokenizer.symbols == (" ", "<unk>")
        assert corpus.tokenizer.spelling_model == SpellingModel.fit({"a": 2, "b": 1, "c": 1})
        check(corpus, corpus.validation, ["xyz a"])


def test_the_end_of_a_document_teaches_no_spelling() -> None:
    text = " ".join(TEXTS)
    recipe = EncodingRecipe(tokenizer="word", max_vocab_size=FEW, document=True, validation_fraction=0.25)
    corpus = encode_corpus([Record(text)], recipe)
    pieces = corpus.tokenizer.split(text)
    cut = int(len(pieces) * 0.75)
    assert len(corpus.training) == cut
    head, tail = pieces[:cut], pieces[cut:]
    assert corpus.tokenizer.spelling_model == SpellingModel.fit(Counter(cut_off(corpus.tokenizer, head)))
    check(corpus, corpus.training, head)
    check(corpus, corpus.validation, tail)
    again = encode_corpus([Record(text)], recipe.continued(corpus.tokenizer))
    check(again, again.training, head)
    check(again, again.validation, tail)


def test_an_existing_tokenizer_spells_words_that_it_has_never_seen() -> None:
    made = WordTokenizer.fit(TEXTS, max_vocab_size=FEW)
    new = [*TEXTS[:30], "a unicorn or a 猫"]
    recipe = EncodingRecipe(tokenizer=made, validation_fraction=0.3)
    corpus = encode_corpus([Record(text) for text in new], recipe)
    training, held_out = split(new, 0.3)
    check(corpus, corpus.training, training)
    check(corpus, corpus.validation, held_out)


@pytest.mark.parametrize("kind", ["word", "char"])
def test_a_file_is_spelled_as_its_lines_are_and_from_the_cache(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    path = tmp_path / "texts.txt"
    path.write_text("\n".join(TEXTS) + "\n")
    recipe = EncodingRecipe(tokenizer=kind, max_vocab_size=8, validation_fraction=0.3)
    monkeypatch.setattr("unspool._text.encoding.cache.LEAST_SOURCE", 0)
    monkeypatch.setenv("UNSPOOL_CACHE", str(tmp_path / "cache"))
    training, held_out = split(TEXTS, 0.3)
    first = encode_corpus(read_records(path), recipe)
    again = encode_corpus(read_records(path), recipe)
    known = encode_corpus(read_records(path), recipe.continued(first.tokenizer))
    assert "taken" in (again.note or "")
    for corpus in (first, again, known):
        check(corpus, corpus.training, training)
        check(corpus, corpus.validation, held_out)


def test_parts_of_a_stream_have_their_own_spellings() -> None:
    recipe = EncodingRecipe(tokenizer="word", max_vocab_size=FEW)
    corpus = encode_corpus([Record(text) for text in TEXTS], recipe)
    whole = corpus.training
    chosen = np.array([7, 3, 100, 4])
    check(corpus, whole.take(chosen), [TEXTS[i] for i in chosen])
    check(corpus, whole.beginning(len(corpus.tokenizer.split(TEXTS[0])) + 1), TEXTS[:1])


@pytest.mark.parametrize("kind", [kind for kind in TOKENIZERS if kind not in ("bytes", "bpe")])
def test_a_tokenizer_keeps_its_spelling_model_in_its_file(kind: str) -> None:
    made = TOKENIZERS[kind].fit(TEXTS, max_vocab_size=8)
    assert made.spelling_model is not None
    text = made.to_json()
    assert '"format_version": 2' in text
    assert tokenizer_from_json(text, where="tokenizer.json") == made
    whole = TOKENIZERS[kind].fit(TEXTS)
    assert whole.spelling_model is None
    assert '"format_version": 1' in whole.to_json()


def test_a_tokenizer_that_grows_keeps_it() -> None:
    made = WordTokenizer.fit(TEXTS, max_vocab_size=FEW)
    grown = encode_corpus([Record("a unicorn")], EncodingRecipe(tokenizer=made, grow=True))
    assert grown.tokenizer.spelling_model == made.spelling_model
    check(grown, grown.training, [])


def test_an_older_tokenizer_does_not_spell() -> None:
    older = WordTokenizer(("a", " "), unk=True)
    corpus = encode_corpus([Record("a cat or a dog")], EncodingRecipe(tokenizer=older))
    assert corpus.training.spelling is None
    assert corpus.training.spelling_nats == 0
    assert corpus.training.unspelled == 3
    head, tail = corpus.training.tail_split(0.5)
    assert head.unspelled + tail.unspelled == 3
