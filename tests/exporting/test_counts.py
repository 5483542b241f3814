"""Counts of the training text leave with a model where they are asked for, and do there what they do here."""

import importlib
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import unspool
from tests.exporting.cases import asked_of
from tests.exporting.runners.js import node
from tests.exporting.test_js import ENGINES, LINES, written
from unspool._artifacts.model_folder import SavedModel
from unspool._errors import ArtifactError, ConfigError
from unspool._exporting.exporter import ModelToExport
from unspool._exporting.exporters import EXPORTERS, export
from unspool._exporting.web_model import web_spec
from unspool._importing.own_web import model_of_js_export, model_of_page
from unspool._kernels.counts import CountMixer
from unspool._model.saving import saved

TAKING = [name for name, exporter in EXPORTERS.items() if exporter.counts]


@cache
def counted(counts: int = 6) -> unspool.Generator:
    """Train a small model with counts, whose weights are then drawn: none of them is another."""
    sizes: dict[str, Any] = {"hidden_size": 16, "epochs": 2, "batch_size": 4, "seed": 2}
    model = unspool.train(LINES * 4, progress=False, counts=counts, **sizes)
    assert model.counts is not None
    weights = np.random.default_rng(1).uniform(0.2, 0.9, model.counts.weights.shape).astype(np.float32)
    return replace(model, counts=replace(model.counts, weights=weights))


def logprobs(model: unspool.Generator, ids: np.ndarray[Any, Any]) -> np.ndarray[Any, Any]:
    state = model.runner.initial_state(1, model.parameters)
    logits, _ = model.runner.logits(model.parameters, ids[:, None], state, reset_id=model.tokenizer.eos_id)
    rows = logits[:, 0].astype(np.float64)
    return rows - np.log(np.exp(rows).sum(axis=1, keepdims=True))


def test_html_and_js_take_counts() -> None:
    assert TAKING == ["html", "js"]


@pytest.mark.parametrize("to", EXPORTERS)
@pytest.mark.parametrize("with_counts", [True, False])
def test_it_computes_what_the_model_does_or_refuses(to: str, with_counts: bool, tmp_path: Path) -> None:
    if (needs := EXPORTERS[to].needs) is not None:
        pytest.importorskip(needs)
    model = counted()
    if with_counts and to not in TAKING:
        expected = f"this target takes no counts along: expected html or js, got {to}"
        with pytest.raises(ConfigError, match=expected):
            model.export(to, tmp_path / "out", with_counts=True)
        assert list(tmp_path.iterdir()) == []
        return
    path = model.export(to, tmp_path / "out", with_counts=with_counts)
    one, asked = model if with_counts else model.without_counts(), asked_of(saved(model), 60)
    runner = importlib.import_module(f"tests.exporting.runners.{to}")
    got, wanted = runner.logprobs(path, saved(one), asked), logprobs(one, asked.ids)
    np.testing.assert_allclose(got[:, 1:], wanted[:, 1:], rtol=0, atol=1e-4)
    other = logprobs(model.without_counts() if with_counts else model, asked.ids)
    assert np.abs(wanted[:, 1:] - other[:, 1:]).max() > 0.1


def test_a_model_without_counts_has_none_to_take(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="there are no counts to take along: expected a model with counts"):
        counted().without_counts().export("js", tmp_path / "out", with_counts=True)


@pytest.mark.parametrize("counts", [1, 6, 16])
def test_a_seed_gives_the_same_texts_as_in_python(counts: int, tmp_path: Path) -> None:
    model = counted(counts)
    path = export(saved(model), "js", tmp_path / "out", with_counts=True)[0]
    options: dict[str, Any] = {"seed": 5, "temperature": 1.0, "max_new_tokens": 40}
    prompts = ["the ", "", "dog", "the cat sat on the ma"] * 50
    wanted = [text.text for i, p in enumerate(prompts) for text in model.generate(p, first=i, **options)]
    for texts in written(path, [{"prompt": prompt} for prompt in prompts], options):
        assert sum(text["text"] == one for text, one in zip(texts, wanted, strict=True)) >= len(prompts) - 1
    assert len(set(wanted)) > len(prompts) / 4


def test_scores_and_next_symbols_are_those_of_python(tmp_path: Path) -> None:
    model = counted()
    path = export(saved(model), "js", tmp_path / "out", with_counts=True)[0]
    run = "results.push([model.nextSymbols('the c', {top: 5}), model.score('the cat sat')]);"
    for following, scores in node(path, {}, run, ENGINES):
        for one, (symbol, chance) in zip(following, model.next_symbols("the c", top=5), strict=True):
            assert (one["symbol"], one["probability"]) == (symbol, pytest.approx(chance, abs=1e-5))
        bits = -model.score(["the cat sat"])[0].token_logprobs / np.log(2)
        np.testing.assert_allclose([one["bits"] for one in scores], bits, rtol=0, atol=1e-4)


@pytest.mark.parametrize("to", TAKING)
def test_they_come_back(to: str, tmp_path: Path) -> None:
    model = saved(counted())
    read = {"js": model_of_js_export, "html": model_of_page}[to]
    for with_counts in (True, False):
        path = export(model, to, tmp_path / f"{with_counts}", with_counts=with_counts)[0]
        back = read(path).counts
        assert (back is None) == (not with_counts)
    assert model.counts is not None
    table = read(tmp_path / "True").counts
    assert table is not None
    for name, array in model.counts.arrays().items():
        assert np.array_equal(getattr(table, name), array)
        assert getattr(table, name).dtype == array.dtype


def changed_module(model: SavedModel, folder: Path, change: Any) -> Path:
    import json

    spec = json.loads(json.dumps(web_spec(ModelToExport(model, "x"))))
    change(spec["counts"])
    path = folder / "model.js"
    path.write_text(f"\nconst spec = JSON.parse('{json.dumps(spec)}');\n", "utf-8")
    return path


@pytest.mark.parametrize(
    "change",
    [
        lambda counts: counts.pop("tokens"),
        lambda counts: counts.update(more=counts["tokens"]),
        lambda counts: counts["symbols"].update(uint16="AAA"),
        lambda counts: counts["symbols"].update(shape=[1, 2]),
        lambda counts: counts["symbols"].pop("uint16"),
        lambda counts: counts.update(firstChild=3),
        lambda counts: counts.update(tokens=counts["counts"]),
    ],
)  # fmt: skip
def test_damaged_counts_are_refused(change: Any, tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="counts: expected a table of counts"):
        model_of_js_export(changed_module(saved(counted()), tmp_path, change))


def test_counts_of_another_vocabulary_are_refused(tmp_path: Path) -> None:
    model = saved(counted())
    assert model.counts is not None
    more = model.counts.tokens.copy()
    more[-1] = model.network.symbols
    with pytest.raises(ValueError, match="vocab_size"):
        CountMixer(replace(model.counts, tokens=more), model.network.symbols, threads=1)
    other = replace(model, counts=replace(model.counts, tokens=more))
    with pytest.raises(ArtifactError, match="counts: expected a table of counts"):
        model_of_js_export(changed_module(other, tmp_path, lambda counts: None))
