"""A second opinion: Hugging Face's own processors leave the same symbols with the same probabilities.

Not in the `test` extra, for transformers takes 170 MB with what it needs: ``pip install transformers torch``
to run them.
"""

from typing import Any

import numpy as np
import pytest

from tests.generation.sampling.test_filters import WORKED as SAMPLERS_WORKED
from tests.generation.sampling.test_penalties import WORKED as PENALTIES_WORKED
from unspool._generation.options.generation_options import ROWS, GenerationOptions, StageRow
from unspool._generation.sampling.draw import next_weights

V = 50
PROMPT, WRITTEN = [3, 4, 3, 9, 4], [7, 3, 4]

CASES: list[tuple[dict[str, Any], str, dict[str, Any]]] = [
    ({"temperature": 0.7}, "TemperatureLogitsWarper", {"temperature": 0.7}),
    ({"top_k": 7}, "TopKLogitsWarper", {"top_k": 7}),
    ({"top_p": 0.8}, "TopPLogitsWarper", {"top_p": 0.8}),
    ({"min_p": 0.1}, "MinPLogitsWarper", {"min_p": 0.1}),
    ({"typical_p": 0.6}, "TypicalLogitsWarper", {"mass": 0.6}),
    ({"typical_p": 0.2}, "TypicalLogitsWarper", {"mass": 0.2}),
    ({"epsilon_cutoff": 0.02}, "EpsilonLogitsWarper", {"epsilon": 0.02}),
    ({"epsilon_cutoff": 0.9}, "EpsilonLogitsWarper", {"epsilon": 0.9}),
    ({"eta_cutoff": 0.001}, "EtaLogitsWarper", {"epsilon": 0.001}),
    ({"eta_cutoff": 0.3}, "EtaLogitsWarper", {"epsilon": 0.3}),
    ({"eta_cutoff": 0.99}, "EtaLogitsWarper", {"epsilon": 0.99}),
    ({"repetition_penalty": 1.7}, "RepetitionPenaltyLogitsProcessor", {"penalty": 1.7}),
    ({"no_repeat_ngram_size": 1}, "NoRepeatNGramLogitsProcessor", {"ngram_size": 1}),
    ({"no_repeat_ngram_size": 2}, "NoRepeatNGramLogitsProcessor", {"ngram_size": 2}),
    ({"no_repeat_ngram_size": 3}, "NoRepeatNGramLogitsProcessor", {"ngram_size": 3}),
    (
        {"logit_bias": {5: 2.5, 7: -1.0}},
        "SequenceBiasLogitsProcessor",
        {"sequence_bias": [[[5], 2.5], [[7], -1.0]]},
    ),
]


@pytest.fixture
def processors() -> Any:
    pytest.importorskip("torch")
    return pytest.importorskip(
        "transformers.generation.logits_process",
        reason="install transformers, which is large, to compare",
    )


def test_every_penalty_and_sampler_is_worked_by_hand_or_has_a_peer() -> None:
    compared = {name for ours, _, _ in CASES for name in ours}
    worked = {name for name, _, _ in SAMPLERS_WORKED} | {
        name for ours, _ in PENALTIES_WORKED for name in ours
    }
    assert {name for name, row in ROWS.items() if isinstance(row, StageRow)} <= compared | worked


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("ours", "name", "theirs"), CASES, ids=str)
def test_the_same_distribution_is_left(
    processors: Any, ours: dict[str, Any], name: str, theirs: dict[str, Any], seed: int
) -> None:
    import torch

    logits = np.random.default_rng(seed).normal(0, 2, V).astype(np.float32)
    ids = torch.tensor([PROMPT + WRITTEN])
    scores = getattr(processors, name)(**theirs)(ids, torch.from_numpy(logits)[None])
    wanted = torch.softmax(scores[0].double(), dim=0).numpy()
    weights = next_weights(
        logits, GenerationOptions(**ours), prompt=np.array(PROMPT), written=np.array(WRITTEN)
    )
    np.testing.assert_allclose(weights / weights.sum(), wanted, rtol=0, atol=1e-6)


def test_the_default_order_is_theirs(processors: Any) -> None:
    import torch

    chain = (
        ("TemperatureLogitsWarper", {"temperature": 1.4}),
        ("TopKLogitsWarper", {"top_k": 12}),
        ("TopPLogitsWarper", {"top_p": 0.8}),
        ("MinPLogitsWarper", {"min_p": 0.15}),
        ("TypicalLogitsWarper", {"mass": 0.7}),
    )
    options = GenerationOptions(temperature=1.4, top_k=12, top_p=0.8, min_p=0.15, typical_p=0.7)
    for seed in range(20):
        logits = np.random.default_rng(seed).normal(0, 2, V).astype(np.float32)
        scores = torch.from_numpy(logits)[None]
        for name, arguments in chain:
            scores = getattr(processors, name)(**arguments)(torch.tensor([PROMPT]), scores)
        weights = next_weights(logits, options)
        wanted = torch.softmax(scores[0].double(), dim=0).numpy()
        np.testing.assert_allclose(weights / weights.sum(), wanted, rtol=0, atol=1e-6)
