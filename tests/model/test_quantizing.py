"""A rounded model is a model: it writes, scores, saves, and goes on from a folder."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._exporting.exporters import export
from unspool._model.saving import saved
from unspool._network.quantization import rounded

TEXTS = ["anna", "otto", "hanna", "ada", "bob"] * 12
PAIRS = [unspool.Record(text, source=text[::-1]) for text in TEXTS]


def texts(model: unspool.Generator, *prompt: str, **options: Any) -> list[str]:
    return [text.text for text in model.generate(*prompt, seed=1, **options)]


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    return unspool.train(TEXTS, progress=False, hidden_size=9, epochs=2, threads=1)


@pytest.mark.parametrize("precision", ["int8", "float16"])
def test_it_is_the_model_of_the_rounded_parameters(
    model: unspool.Generator, precision: str, tmp_path: Path
) -> None:
    small = model.quantized(precision.upper())
    wanted = replace(model, parameters=rounded(model.parameters, precision))
    small.save(tmp_path / "small")
    read = unspool.load(tmp_path / "small", threads=1)
    assert read.quantization == small.quantization
    for each in (small, read):
        assert texts(each, "a", n=9) == texts(wanted, "a", n=9)
        assert each.score(["anna"])[0].total_logprob == wanted.score(["anna"])[0].total_logprob
    assert small.score(["anna"])[0].total_logprob != model.score(["anna"])[0].total_logprob
    assert model.quantization is None  # it is left as it was


def test_the_loss_on_texts_is_the_difference_of_two_evaluations(model: unspool.Generator) -> None:
    small = model.quantized("int8", on=TEXTS[:5])
    before, after = (each.evaluate(TEXTS[:5]).bits_per_character for each in (model, small))
    assert small.quantization.bits_per_character_lost == after - before != 0
    assert small.quantization.measured_on == "5 texts in memory"
    assert model.quantized("int8").quantization.measured_on == "its own texts"


def test_texts_that_can_be_read_once_are_kept(model: unspool.Generator) -> None:
    small = model.quantized("int8", on=(text for text in TEXTS[:5]))
    lost = model.quantized("int8", on=TEXTS[:5]).quantization.bits_per_character_lost
    assert small.quantization.bits_per_character_lost == lost


def test_a_model_of_pairs_says_what_was_measured(tmp_path: Path) -> None:
    model = unspool.train(PAIRS, progress=False, hidden_size=9, epochs=1, threads=1)
    small = model.quantized("int8")
    assert small.quantization.measured_on == "its own texts, written without a source"
    small.save(tmp_path / "small")
    assert texts(unspool.load(tmp_path / "small"), source="anna") == texts(small, source="anna")
    before, after = (each.evaluate(PAIRS[:5]).bits_per_character for each in (model, small))
    assert model.quantized("int8", on=PAIRS[:5]).quantization.bits_per_character_lost == after - before


@pytest.mark.parametrize(
    "options", [{"start_size": 0}, {"tokenizer": "word"}, {"tokenizer": "bytes"}], ids=str
)
def test_the_loss_on_its_own_texts_is_measured_for_any_model(options: dict[str, Any]) -> None:
    model = unspool.train(TEXTS, progress=False, hidden_size=9, epochs=1, threads=1, **options)
    lost = model.quantized("int8").quantization.bits_per_character_lost
    assert 0 < abs(lost) < 0.01


def test_a_vector_is_left_open_for_its_own_texts() -> None:
    records = [unspool.Record(text, vector=np.array([len(text) / 5, 1], np.float32)) for text in TEXTS]
    small = unspool.train(records, progress=False, hidden_size=9, epochs=1, threads=1).quantized("int8")
    assert 0 < abs(small.quantization.bits_per_character_lost) < 0.01


def test_what_cannot_be_rounded_is_refused(model: unspool.Generator) -> None:
    with pytest.raises(unspool.ConfigError, match="precision must be one of float16, int8; got 'float32'"):
        model.quantized("float32")
    already = "the model is int8 already: expected a model in float32; round the model that it was made from"
    with pytest.raises(unspool.ConfigError, match=already):
        model.quantized("int8").quantized("float16")
    huge = {**model.parameters, "output.bias": np.full_like(model.parameters["output.bias"], 1e5)}
    with pytest.raises(unspool.ConfigError, match=r"output\.bias: a number is too large for float16"):
        replace(model, parameters=huge).quantized("float16")


def test_what_it_is_told_makes_it_float32_again(tmp_path: Path) -> None:
    records = [unspool.Record(text, context={"end": text[-1]}) for text in TEXTS]
    model = unspool.train(records, progress=False, hidden_size=9, epochs=1, threads=1)
    told = model.quantized("float16").conditioned_on({"end": "a"})
    assert told.quantization is None
    told.save(tmp_path / "told")
    assert texts(unspool.load(tmp_path / "told"), n=9) == texts(told, n=9)


def test_the_card_and_the_history_go_along(model: unspool.Generator, tmp_path: Path) -> None:
    small = model.quantized("int8")
    assert small.history == model.history
    small.save(tmp_path / "small")
    card = (tmp_path / "small" / "README.md").read_text("utf-8")
    assert f"They are kept in {small.quantization.sentence}." in card
    bare = replace(small)
    bare.save(tmp_path / "bare")
    card = (tmp_path / "bare" / "README.md").read_text("utf-8")
    assert f"Its parameters are kept in {small.quantization.sentence}." in card


def test_another_training_may_start_from_it_and_is_float32(model: unspool.Generator) -> None:
    small = model.quantized("int8")
    more = unspool.train(TEXTS, init_from=small, progress=False, epochs=1, threads=1)
    assert more.quantization is None


def test_an_export_in_the_same_precision_costs_what_the_rounding_did(
    model: unspool.Generator, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("unspool._exporting.exporters.writer_of", lambda _: lambda _: {"x": b""})
    small = saved(model.quantized("int8", on=TEXTS[:5]))
    exported = export(small, "html", tmp_path / "x.html", precision="int8")[1]
    assert exported.cost == small.quantization.bits_per_character_lost
    for name, array in small.parameters.items():
        np.testing.assert_array_equal(exported.model.parameters[name], array)
