"""The writer with tensors writes what the native one writes, whatever is asked, and in any company."""

from typing import Any

import numpy as np
import pytest

import unspool
from unspool._engines import make_engine
from unspool._engines.reference_writer import ReferenceWriter
from unspool._generation.engine_request import EngineRequest
from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.filters import FILTERS
from unspool._generation.writer import generate

pytest.importorskip("torch")

from unspool._engines.torch_sampling import TORCH_FILTERS
from unspool._engines.torch_writer import TorchWriter, is_plain

TEXTS = [f"{a} {b}" for a in ("oil", "team", "rain", "price") for b in ("rises", "wins", "falls", "ends")]
SEEDS = 300
PLAIN: list[dict[str, Any]] = [
    {},
    {"temperature": 0},
    {"temperature": [1.2, 0.5, 0.9], "temperature_steps": 8},
    {"top_k": 3, "top_p": 0.9},
    {"min_p": 0.1, "logit_bias": {"o": 1.5, "e": -2.0}},
    {"typical_p": 0.7},
    {"top_n_sigma": 1.0, "samplers": ["top_n_sigma", "temperature"]},
    {"epsilon_cutoff": 0.05, "temperature": 1.5},
    {"eta_cutoff": 0.1},
    {"xtc_probability": 0.5, "xtc_threshold": 0.1},
    {"mirostat_tau": 2.0},
    {"stop": ["is", "a"], "include_stop": True},
]


@pytest.fixture(scope="module")
def models(tmp_path_factory: pytest.TempPathFactory) -> dict[str, unspool.Generator]:
    """Train a small model, and load it with both engines."""
    folder = tmp_path_factory.mktemp("model") / "m"
    unspool.train(TEXTS, out=folder, hidden_size=16, epochs=60, cell="gru", threads=1, progress=False)
    return {name: unspool.load(folder, engine=name, threads=1) for name in ("cpu", "torch")}


def test_every_sampler_has_one_for_tensors() -> None:
    assert list(TORCH_FILTERS) == list(FILTERS)


@pytest.mark.parametrize("options", PLAIN, ids=lambda options: "-".join(options) or "usual")
def test_nearly_every_text_is_that_of_the_native_engine(
    options: dict[str, Any], models: dict[str, unspool.Generator]
) -> None:
    values = {"n": SEEDS, "seed": 7, "max_new_tokens": 24, **options}
    ours, its = (models[name].generate(["", "r"], **values) for name in ("cpu", "torch"))
    same = [a.text == b.text for a, b in zip(ours, its, strict=True)]
    assert sum(same) >= 0.99 * 2 * SEEDS
    assert len({each.text for each in ours}) >= (1 if options.get("temperature") == 0 else 6)


@pytest.mark.parametrize(
    "options", [{"repetition_penalty": 1.3}, {"logprobs": 2}, {"echo": True}, {"no_repeat_ngram_size": 2}]
)
def test_what_looks_at_the_text_is_written_by_the_plain_writer(
    options: dict[str, Any], models: dict[str, unspool.Generator]
) -> None:
    ours, its = (
        models[name].generate("r", n=20, seed=7, max_new_tokens=12, **options) for name in ("cpu", "torch")
    )
    assert sum(a.text == b.text for a, b in zip(ours, its, strict=True)) >= 19


def test_sequences_of_all_kinds_join_and_leave_without_changing_another() -> None:
    config = unspool.NetworkConfig(hidden_size=8, num_layers=2, vocab_size=9)
    engine = make_engine("torch", config, threads=1)
    random = np.random.default_rng(1)
    from unspool._network.parameters import initialize

    parameters = {
        name: values + random.normal(0, 0.6, values.shape).astype(np.float32)
        for name, values in initialize(config, 2).items()
    }
    states = random.normal(0, 0.5, (2, 2, 2, 8)).astype(np.float32)
    kinds: list[tuple[dict[str, Any], dict[str, Any]]] = [
        ({"temperature": 1.0}, {}),
        ({"logprobs": 2, "echo": True}, {}),
        ({"mirostat_tau": 1.5}, {}),
        ({"top_k": 4}, {"states": states}),
    ]
    prompts = [np.array([1, 2, 3], np.int32), np.zeros(0, np.int32)]
    requests = [
        EngineRequest(prompts, GenerationOptions(seed=5, max_new_tokens=15, **options), **more)
        for options, more in kinds
    ]
    assert [is_plain(request) for request in requests] == [True, False, True, True]
    alone = [generate(ReferenceWriter(engine, parameters), request) for request in requests]
    writer, found = engine.writer(parameters), {}
    assert isinstance(writer, TorchWriter)
    ids = []
    for request in requests:  # each joins while those before it are under way
        ids += [*writer.add(request, whole=True)]
        written = writer.advance(2)
        assert written.ids.tolist() == sorted(written.ids.tolist())
        found |= dict(written.pieces())
    extra = writer.add(requests[0])
    assert writer.remove(extra[0])
    assert not writer.remove(extra[0])
    writer.remove(extra[1])
    while len(writer):
        found |= dict(writer.advance(3, whole=True).pieces())
    assert sorted(found) == sorted(ids)
    for i, wanted in zip(ids, [each for texts in alone for each in texts], strict=True):
        np.testing.assert_array_equal(found[i].ids, wanted.ids)
        np.testing.assert_allclose(found[i].logprobs, wanted.logprobs, rtol=1e-4, atol=1e-5)
        assert found[i].finish_reason == wanted.finish_reason
        assert (found[i].alternatives is None) == (wanted.alternatives is None)
        assert (found[i].prompt_logprobs is None) == (wanted.prompt_logprobs is None)
