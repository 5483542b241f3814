"""Counts that are learnt beside a network: their weights are the best ones, and their folder is whole."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from unspool._artifacts.belonging import COUNTS
from unspool._errors import ConfigError
from unspool._evaluation import mixing
from unspool._evaluation.mixing import Mixture, fitted_weights
from unspool._kernels.counts import MOST_ORDER
from unspool._running import counting
from unspool._text.streams.stream import TokenStream
from unspool._training import config

WORDS = ["anna", "hanna", "banana", "ananas", "nana", "ban", "bank", "hank"]
TEXTS = [f"{a} {b}" for a in WORDS for b in WORDS] * 2
TEXT_OF = [1, 2, 3, 4] * 100
SMALL: dict[str, Any] = {"hidden_size": 6, "epochs": 2, "threads": 1, "sample_prompts": []}


def random_mixture(places: int = 400) -> Mixture:
    draw = np.random.default_rng(0)
    both = draw.normal(0, 2, (2, places, 5)).astype(np.float32)
    both -= np.log(np.exp(both).sum(axis=2, keepdims=True))
    p = np.exp(0.7 * both[0] + 0.4 * both[1])
    p /= p.sum(axis=1, keepdims=True)
    targets = np.array([draw.choice(5, p=row / row.sum()) for row in p.astype(float)], np.int32)
    return Mixture(both[0], both[1], targets, draw.integers(0, 3, places).astype(np.int32))


def nats(weights: Any, mixture: Mixture) -> float:
    own, counted = weights
    mixed = own * mixture.network.astype(float) + counted * mixture.counts.astype(float)
    mixed -= np.log(np.exp(mixed).sum(axis=1, keepdims=True))
    return float(-mixed[np.arange(len(mixed)), mixture.targets].sum())


def test_no_other_weights_are_better(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(mixing, "PRIOR_SYMBOLS", 1e-9)
    mixture = random_mixture()
    found = fitted_weights(mixture, rows=3)
    for row in range(3):
        here = mixture.used == row
        part = Mixture(*(getattr(mixture, name)[here] for name in ("network", "counts", "targets", "used")))
        for step in np.array([[1, 0], [0, 1], [1, 1], [1, -1]]) * 1e-3:
            around = [nats(found[row] + sign * step, part) for sign in (-1, 0, 1)]
            assert around[1] < min(around[0], around[2])  # a concave likelihood has one maximum


def test_weights_of_places_that_are_never_met_are_those_of_all() -> None:
    mixture = random_mixture()
    found = fitted_weights(replace(mixture, used=np.full_like(mixture.used, 2)), rows=4)
    np.testing.assert_allclose(found[0], found[1])
    np.testing.assert_allclose(found[0], found[3])
    np.testing.assert_allclose(found[0], found[2], atol=0.05)
    assert abs(found[0] - [0.7, 0.4]).max() < 0.2  # what the targets were drawn by


def test_counts_predict_better_than_a_small_network_alone() -> None:
    alone, both = (unspool.train(TEXTS, counts=counts, **SMALL) for counts in (None, "4"))
    assert alone.counts is None
    assert both.counts is not None
    assert both.counts.order == 4
    held_out = [f"{a} {b} {c}" for a, b, c in zip(WORDS, WORDS[1:], WORDS[2:], strict=False)]
    assert both.evaluate(held_out).bits_per_character < 0.8 * alone.evaluate(held_out).bits_per_character
    for name, array in alone.parameters.items():
        np.testing.assert_array_equal(both.parameters[name], array)  # the network is the same
    (line,) = [line for line in both.history if line["kind"] == "counts"]
    assert line["bits_per_character"] < line["network_bits_per_character"]
    assert line["bytes"] == both.counts.nbytes


def test_one_distribution_in_writing_scoring_searching_and_reports() -> None:
    model = unspool.train(TEXTS, counts="4", **SMALL)
    for text in model.generate(n=5, seed=1, max_new_tokens=40):
        (score,) = model.score([text.text])
        assert text.total_logprob == pytest.approx(score.total_logprob, abs=1e-3)
    best = model.beam_search("han", num_beams=4, max_new_tokens=40)[0]
    (score,) = model.score([best.text.removeprefix("han")], prompt="han")
    assert best.total_logprob == pytest.approx(score.total_logprob, abs=1e-3)


def test_the_folder_is_the_model(tmp_path: Path) -> None:
    run = tmp_path / "run"
    model = unspool.train(TEXTS, out=run, counts=3, **SMALL)
    loaded = unspool.load(run, threads=1)
    texts = [text.text for text in model.generate(n=9, seed=3)]
    assert [text.text for text in loaded.generate(n=9, seed=3)] == texts
    loaded.save(tmp_path / "copy")
    copy = unspool.load(tmp_path / "copy")
    assert [text.text for text in copy.generate(n=9, seed=3)] == texts
    (run / COUNTS).unlink()
    assert unspool.load(run).counts is None
    assert unspool.train(TEXTS, out=run, resume=True).counts is not None  # it is made again
    assert [text.text for text in unspool.load(run).generate(n=9, seed=3)] == texts
    unspool.train(TEXTS, out=run, overwrite=True, **SMALL)
    assert not (run / COUNTS).exists()


def test_a_run_that_goes_on_counts_again(tmp_path: Path) -> None:
    first = unspool.train(TEXTS, out=tmp_path, counts=3, **SMALL)
    again = unspool.train(TEXTS, out=tmp_path, resume=True, epochs=3)
    whole = unspool.train(TEXTS, counts=3, **SMALL | {"epochs": 3})
    assert first.counts is not None
    assert again.counts is not None
    assert whole.counts is not None
    assert not np.array_equal(first.counts.weights, again.counts.weights)
    kinds = [line["kind"] for line in again.history if line["kind"] in ("counts", "finish")]
    assert kinds == ["finish", "counts"]
    assert unspool.train(TEXTS, out=tmp_path, resume=True, counts=None).counts is None


def test_counts_that_do_not_help_are_left_out(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert unspool.train(TEXTS, out=tmp_path / "good", counts="auto", **SMALL).counts is not None
    monkeypatch.setattr(counting, "LEAST_GAIN", 0.99)
    model = unspool.train(TEXTS, out=tmp_path / "bad", counts="auto", **SMALL)
    assert model.counts is None
    assert not (tmp_path / "bad" / COUNTS).exists()
    (line,) = [line for line in model.history if line["kind"] == "counts"]
    assert line["kept"] is False


def test_without_held_out_text_the_usual_weights_are_taken() -> None:
    model = unspool.train(TEXTS, counts="2", validation_fraction=None, **SMALL)
    assert model.counts is not None
    assert np.unique(model.counts.weights).tolist() == pytest.approx(sorted(mixing.USUAL_WEIGHTS))


def test_a_document_and_a_context() -> None:
    text = "\n".join(TEXTS)
    document = unspool.train([text], document=True, counts="5", **SMALL)
    assert document.counts is not None
    rows = [{"text": text, "label": "ab"[number % 2]} for number, text in enumerate(TEXTS)]
    steered = unspool.train(rows, text="text", context="label", counts="5", **SMALL)
    assert steered.counts is not None
    (text_of_a,) = steered.conditioned_on({"label": "a"}).generate(n=1, seed=1, max_new_tokens=20)
    assert text_of_a.text


@pytest.mark.parametrize("counts", [0, 17, "eight", "-1", 2.5, "1" * 99, True])
def test_orders_that_are_refused(counts: Any) -> None:
    with pytest.raises(ConfigError, match="counts must be auto, or a whole number from 1 to 16, or None"):
        unspool.TrainingConfig(counts=counts)


def test_pairs_are_refused_before_the_training() -> None:
    with pytest.raises(ConfigError, match="sources"):
        unspool.train([{"a": w, "b": w} for w in WORDS], source="a", target="b", counts=3, **SMALL)


def test_the_longest_context_is_that_of_the_kernels() -> None:
    assert config.MOST_ORDER == MOST_ORDER


@pytest.mark.parametrize(("length", "order"), [(1, 2), (5, 3), (9, 5), (20, 8), (400, 8)])
def test_short_texts_get_short_contexts(length: int, order: int) -> None:
    records = [TEXT_OF[:length]] * 3
    ids = np.concatenate([[*record, 9] for record in records]).astype(np.uint8)
    starts = np.arange(3, dtype=np.int64) * (length + 1)
    assert counting.usual_order(TokenStream(ids, starts, 3 * length)) == order
