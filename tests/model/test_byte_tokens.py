"""A model of bytes does what a model of characters does, and never shows half a character too early."""

import dataclasses
import itertools
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.cli.play_models import cyclic
from unspool._cli.output.text_files import may_have_lines
from unspool._cli.play.prediction import Predictor, View
from unspool._errors import ConfigError
from unspool._evaluation.character_grid import cells_of
from unspool._generation.options.generation_options import GenerationOptions
from unspool._text.novelty import NoveltyIndex
from unspool._text.records import Records
from unspool._text.tokenizers.bytes import ByteTokenizer

TEXT = "né€ 🎈."  # no byte stands there twice
TEXTS = [f"Öl – {word} fällt, 北京 {number}" for word in ("groß", "Zürich", "🎈") for number in range(30)]


SMALL = unspool.NetworkConfig(hidden_size=4)


def trained(texts: Any, folder: Path, **options: Any) -> unspool.Generator:
    return unspool.train(texts, out=folder / "run", training=unspool.TrainingConfig(epochs=1), **options)


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    return cyclic(TEXT, tokenizer="bytes")


@pytest.fixture(scope="module")
def wild(tmp_path_factory: pytest.TempPathFactory) -> unspool.Generator:
    """Make a model that has learnt next to nothing and writes any bytes."""
    return trained(TEXTS, tmp_path_factory.mktemp("wild"), tokenizer="bytes", network=SMALL)


def test_it_is_trained_saved_scored_and_audited(wild: unspool.Generator, tmp_path: Path) -> None:
    assert isinstance(wild.tokenizer, ByteTokenizer)
    wild.save(tmp_path / "model")
    again = unspool.load(tmp_path / "model")
    assert again.tokenizer == wild.tokenizer
    (score,) = again.score(["groß 世"])
    assert len(score.token_logprobs) == len("groß 世".encode()) + 1
    bits = -score.token_logprobs.sum() / np.log(2)
    assert score.bits_per_character == pytest.approx(bits / len("groß 世"), rel=1e-5)
    assert again.evaluate(TEXTS).characters == sum(map(len, TEXTS))
    assert (
        trained([f"你好 ñandú {n}" for n in range(40)], tmp_path, init_from=again).tokenizer == wild.tokenizer
    )
    assert "byte by byte" in (tmp_path / "run" / "README.md").read_text("utf-8")


def test_what_it_writes_is_text(model: unspool.Generator) -> None:
    (text,) = model.generate("n", temperature=0)
    assert (text.text, text.continuation, text.finish_reason) == (TEXT, TEXT[1:], "stop")
    (cut,) = model.generate("n", temperature=0, max_new_tokens=4)
    assert cut.text == "né\ufffd"  # the limit is within the euro sign
    assert model.beam_search("n", num_beams=2)[0].text == TEXT


@pytest.mark.parametrize("limit", range(1, len(TEXT.encode()) + 2))
def test_a_stream_has_no_half_characters(model: unspool.Generator, limit: int) -> None:
    pieces = list(model.stream(temperature=0, max_new_tokens=limit))
    (whole,) = model.generate(temperature=0, max_new_tokens=limit)
    assert "".join(pieces) == whole.text
    assert not any("\ufffd" in piece for piece in pieces[:-1])


@pytest.mark.parametrize("seed", range(5))
def test_a_stream_of_any_bytes_is_the_text(wild: unspool.Generator, seed: int) -> None:
    options = {"temperature": 3.0, "seed": seed, "max_new_tokens": 60}
    assert "".join(wild.stream("ñ", **options)) == wild.generate("ñ", **options)[0].continuation


def test_strings_end_or_forbid_whole_characters(model: unspool.Generator, wild: unspool.Generator) -> None:
    (text,) = model.generate(temperature=0, stop=["x", "€"])
    assert (text.text, text.stop_reason) == ("né", "€")
    assert "".join(model.stream(temperature=0, stop=["€ "], include_stop=True)) == "né€ "
    plain = model.generate(temperature=0.7, n=20, seed=1)
    forbidden = model.generate(temperature=0.7, n=20, seed=1, bad_words=["é€"])
    assert any("é€" in text.text for text in plain)
    assert not any("é€" in text.text for text in forbidden)
    for text in wild.generate(n=20, seed=0, max_new_tokens=40, bad_words=["ä", "e"]):
        assert "ä" not in text.text
        assert "e" not in text.text


def test_a_bias_is_of_one_byte(model: unspool.Generator) -> None:
    (text,) = model.generate(temperature=0, logit_bias={"n": -99.0}, max_new_tokens=1)
    assert not text.text.startswith("n")
    with pytest.raises(ConfigError, match="single symbols of the model"):
        model.generate(logit_bias={"é": 1.0})


def test_constraints_are_refused(model: unspool.Generator) -> None:
    with pytest.raises(ConfigError, match="do not work with the bytes tokenizer; train with"):
        model.generate(constraint=unspool.Constraint(regex="[a-z]+"))


def test_bytes_belong_to_their_character(model: unspool.Generator) -> None:
    one = model.surprisal("né🎈")
    assert one.symbols == ("n", "\\xc3", "\\xa9", "\\xf0", "\\x9f", "\\x8e", "\\x88", "<eos>")
    assert one.spans.tolist() == [[0, 1], *[[1, 2]] * 2, *[[2, 3]] * 4, [3, 3]]
    bits = one.bits.tolist()
    cells = cells_of(one)
    assert [cell.shown for cell in cells[:3]] == ["n", "é", "🎈"]
    assert [cell.bits for cell in cells] == pytest.approx(
        [bits[0], sum(bits[1:3]), sum(bits[3:7]), bits[7]], abs=1e-5
    )


def test_what_comes_next_is_named(model: unspool.Generator) -> None:
    ((name, chance), *_) = model.next_symbols("n")
    assert name == "\\xc3"
    assert chance > 0.9
    ratio = model.likelihood_ratios(["é世"], model, unknown="drop")
    assert next(iter(ratio)).dropped == 0


def test_play_shows_characters(model: unspool.Generator) -> None:
    options = dataclasses.replace(GenerationOptions(), seed=0)
    seen = Predictor(model, count=1).predict(View("né世", 2, options))
    assert seen.next_symbols[0][0] == "\\xe2"
    assert seen.suggestion.text == TEXT[2:]
    assert seen.strangers == ()
    assert len(seen.surprisals) == 3
    assert all(bits is not None for bits in seen.surprisals)
    assert seen.surprisals[1] == pytest.approx(0.24, abs=0.1)  # two bytes


@pytest.mark.parametrize("block", [1, 2, 3, 5, 7, 1 << 20])
def test_its_texts_are_known_wherever_a_block_ends(monkeypatch: pytest.MonkeyPatch, block: int) -> None:
    from unspool._text import novelty
    from unspool._text.encoding.corpus import encode_corpus
    from unspool._text.encoding.recipe import EncodingRecipe
    from unspool._text.records import Records

    monkeypatch.setattr(novelty, "BLOCK", max(block, 4))
    encoded = encode_corpus(Records.of(TEXTS), EncodingRecipe(tokenizer="bytes"))
    index = NoveltyIndex.of_stream(encoded.training, encoded.tokenizer, by_line=False)
    assert index.hashes.tolist() == NoveltyIndex.of(TEXTS).hashes.tolist()


def test_pairs_have_bytes_on_both_sides(tmp_path: Path) -> None:
    pairs = list(itertools.product(["é", "世"], ["ä", "🎈"]))
    model = trained(pairs * 9, tmp_path, tokenizer="bytes", network=SMALL)
    assert [text.finish_reason for text in model.generate(source="é世", n=2)]


def test_names_of_bytes_come_a_line_each(tmp_path: Path) -> None:
    names = ["anna", "bob", "caro", "dan"] * 9
    model = trained(names, tmp_path, tokenizer="bytes", network=SMALL)
    assert not may_have_lines(model, [""])
    assert may_have_lines(model, ["a\n"])
    document = Records.of(["\n".join(names)], document=True)
    assert may_have_lines(trained(document, tmp_path / "verses", tokenizer="bytes", network=SMALL), [""])
