"""Samplers on distributions worked out by hand."""

from typing import Any

import numpy as np
import pytest

from unspool._generation.options.generation_options import SAMPLERS, GenerationOptions
from unspool._generation.sampling.draw import next_token
from unspool._generation.sampling.filters import (
    FILTERS,
    SamplerPlace,
    apply_filters,
    temperature,
    typical_p,
    weights_of,
)
from unspool._generation.sampling.random import sequence_keys, uniform
from unspool._kernels.writer import stage_names

NEVER = -np.inf
PLACE = SamplerPlace()
SCORES = np.log([0.25, 1.0, 0.5, 0.25])  # shares 1/8, 1/2, 1/4, 1/8
SCORES = np.concatenate([[NEVER], SCORES]) + 3.0  # a constant changes nothing


def kept(scores: np.ndarray) -> list[int]:
    return np.flatnonzero(scores > NEVER).tolist()


# the name of a sampler, its value or that and its setting, and the symbols that it leaves
WORKED: list[tuple[str, float | tuple[float, float], list[int]]] = [
    # the logits are 0, 2, 1, 0 times ln 2 and their deviation √11 / 4 times it: 2.412 and 1.206 of it apart
    ("top_n_sigma", 1.2, [2]), ("top_n_sigma", 1.21, [2, 3]), ("top_n_sigma", 2.41, [2, 3]),
    ("top_n_sigma", 2.42, [1, 2, 3, 4]), ("top_n_sigma", 0.001, [2]), ("top_n_sigma", 100, [1, 2, 3, 4]),
    ("top_k", 1, [2]), ("top_k", 2, [2, 3]), ("top_k", 4, [1, 2, 3, 4]), ("top_k", 9, [1, 2, 3, 4]),
    ("top_k", 3, [1, 2, 3]),  # of equals the first
    *(("top_p", p, [2]) for p in (0.01, 0.49)), *(("top_p", p, [2, 3]) for p in (0.51, 0.74)),
    ("top_p", 0.8, [1, 2, 3]), ("top_p", 1.0, [1, 2, 3, 4]),
    *(("min_p", p, [1, 2, 3, 4]) for p in (0.0, 0.2)), ("min_p", 0.3, [2, 3]), ("min_p", 1.0, [2]),
    # the entropy is 7/4 bits; the symbols' surprise 3, 1, 2 and 3 bits: away from it 5/4, 3/4, 1/4 and 5/4
    *(("typical_p", p, [3]) for p in (0.1, 0.24)), *(("typical_p", p, [2, 3]) for p in (0.26, 0.74)),
    ("typical_p", 0.76, [1, 2, 3]), ("typical_p", 1.0, [1, 2, 3, 4]),
    ("epsilon_cutoff", 0.12, [1, 2, 3, 4]), *(("epsilon_cutoff", p, [2, 3]) for p in (0.13, 0.24)),
    *(("epsilon_cutoff", p, [2]) for p in (0.26, 0.49, 0.6, 0.99)),  # that of 1/2 stays
    # exp(-entropy) is 2 ** -1.75, or 0.2973: below its square the cutoff is epsilon itself, 0.0884 there
    *(("eta_cutoff", e, [1, 2, 3, 4]) for e in (0.01, 0.088, 0.12, 0.17)),  # √0.17 · 0.2973 = 0.1226
    *(("eta_cutoff", e, [2, 3]) for e in (0.18, 0.5, 0.7)),  # 0.1261, 0.2102, 0.2487
    *(("eta_cutoff", e, [2]) for e in (0.71, 0.999)),  # 0.2505, 0.2972
    *(("xtc_probability", (1.0, t), [4]) for t in (0, 0.12)),  # the least probable, and of equals the last
    *(("xtc_probability", (1.0, t), [1, 3, 4]) for t in (0.13, 0.24)),
    *(("xtc_probability", (1.0, t), [1, 2, 3, 4]) for t in (0.26, 0.6)),
    ("xtc_probability", (0.0, 0.1), [1, 2, 3, 4]),
    *(("mirostat_tau", (tau, 0.1), [2]) for tau in (0.1, 0.99)),  # at first at most 2 · tau bits
    ("mirostat_tau", (1.01, 0.1), [2, 3]),
    ("mirostat_tau", (1.51, 0.1), [1, 2, 3, 4]),
]  # fmt: skip


@pytest.mark.parametrize(("name", "value", "ids"), WORKED)
def test_a_sampler_leaves_what_is_worked_by_hand(name: str, value: Any, ids: list[int]) -> None:
    values = value if isinstance(value, tuple) else (value,)
    assert kept(FILTERS[name](SCORES, SamplerPlace(), *values)) == ids


def test_typical_p_may_leave_the_most_probable_out() -> None:
    scores = np.log([0.4, *[0.1] * 6])  # 2.5 bits on average: 3.3 bits are nearer to it than 1.3
    assert kept(typical_p(scores, PLACE, 0.5)) == [1, 2, 3, 4, 5]


def test_xtc_comes_as_often_as_it_should_whatever_else_is_drawn() -> None:
    """The stream is another for each text, and no part of that of the draws."""
    keys = sequence_keys(3, 50)
    after = [
        [len(kept(FILTERS["xtc_probability"](SCORES, SamplerPlace(i, key), 0.3, 0.1))) for i in range(100)]
        for key in keys
    ]
    happens = np.array(after) == 1
    assert abs(happens.mean() - 0.3) < 0.02  # three deviations
    assert len({tuple(row) for row in happens.tolist()}) == 50
    draws = np.array([[uniform(key, i) for i in range(100)] for key in keys])
    assert abs(np.corrcoef(happens.ravel(), draws.ravel())[0, 1]) < 0.05


def test_mirostat_follows_the_surprise_of_what_was_drawn() -> None:
    """The tokens have the shares 1/8, 1/2, 1/4 and 1/8: 3, 1, 2 and 3 bits. The limit is 2.02 at first."""
    options, memory, bits = GenerationOptions(mirostat_tau=1.01, mirostat_eta=1.0), {}, np.log2(3)
    steps = [
        (0.9, 3, 3.03 - bits),  # of 2/3 and 1/3 the second: log2 3 bits, which is log2 3 - 1.01 too many
        (0.9, 2, 4.04 - bits),  # the only one with 1.4 bits: no surprise
        (0.1, 2, 6.05 - 2 * bits),  # of two again the first: log2 3 - 1 bits
        (0.1, 2, 8.06 - 3 * bits),
        (0.99, 4, 6.07 - 3 * bits),  # 3.3 bits: all four, and this one has 3
    ]
    for random, token, limit in steps:
        assert next_token(SCORES, options, random, memory=memory) == token
        assert memory["mirostat_tau"] == pytest.approx(limit)
    greedy = GenerationOptions(mirostat_tau=1.0, temperature=0)
    assert (next_token(SCORES, greedy, 0.9, memory=memory), len(memory)) == (2, 1)


@pytest.mark.parametrize("t", [1e-3, 0.3, 2.0, 1e4])
def test_top_n_sigma_is_the_same_at_every_temperature(t: float) -> None:
    scores = np.random.default_rng(0).normal(0, 3, 50).astype(np.float32)
    before = FILTERS["top_n_sigma"](scores, PLACE, 1.1)
    assert 1 < len(kept(before)) < 49
    assert kept(FILTERS["top_n_sigma"](temperature(scores, PLACE, t), PLACE, 1.1)) == kept(before)


def test_top_n_sigma_keeps_equals_and_leaves_out_what_is_forbidden() -> None:
    scores = np.array([NEVER, 1.0, 1.0, NEVER, 1.0], np.float32)  # the deviation is 0
    assert kept(FILTERS["top_n_sigma"](scores, PLACE, 0.5)) == [1, 2, 4]
    two = np.array([0.1, 0.7, NEVER], np.float32)  # each is one deviation away from the mean
    assert kept(FILTERS["top_n_sigma"](two, PLACE, 2.0)) == [0, 1]


def test_temperature_divides() -> None:
    assert np.allclose(weights_of(temperature(SCORES, PLACE, 2.0))[1:], [0.5, 1, np.sqrt(0.5), 0.5])
    assert np.allclose(weights_of(temperature(SCORES, PLACE, 0.5))[1:], [1 / 16, 1, 0.25, 1 / 16])
    assert np.isneginf(temperature(SCORES, PLACE, 1e-40)).tolist() == [True, False, False, False, False]


def test_a_share_at_the_very_border() -> None:
    equal = np.array([NEVER, 2.0, 2.0, 2.0, 2.0])  # shares of 1/4, exactly
    for p, ids in ((0.25, [1]), (0.5, [1, 2]), (0.75, [1, 2, 3])):
        assert kept(FILTERS["top_p"](equal, PLACE, p)) == ids
        assert kept(FILTERS["typical_p"](equal, PLACE, p)) == ids
    assert kept(FILTERS["min_p"](equal, PLACE, 1.0)) == [1, 2, 3, 4]
    assert kept(FILTERS["epsilon_cutoff"](equal, PLACE, 0.25)) == [1, 2, 3, 4]
    assert kept(FILTERS["xtc_probability"](equal, PLACE, 1.0, 0.25)) == [4]


@pytest.mark.parametrize("name", FILTERS)
def test_a_filter_leaves_its_input_alone(name: str) -> None:
    before = SCORES.copy()
    settings = (0.1,) * (len(GenerationOptions().stage_values(name)) - 1)
    after = FILTERS[name](SCORES, SamplerPlace(), 1, *settings)
    assert np.array_equal(SCORES, before)
    if name != "temperature":
        assert np.array_equal(after[after > NEVER], SCORES[after > NEVER])


def test_the_table_is_the_documented_order() -> None:
    assert tuple(FILTERS) == SAMPLERS == stage_names()[1]


def test_filters_apply_one_after_the_other() -> None:
    # top_k 3 leaves 1/4, 1, 1/2; of these top_p 0.8 needs 1 and 1/2 (12/14); min_p 0.6 leaves the first
    assert kept(apply_filters(SCORES, GenerationOptions(top_k=3, top_p=0.8), PLACE)) == [2, 3]
    assert kept(apply_filters(SCORES, GenerationOptions(top_k=3, top_p=0.8, min_p=0.6), PLACE)) == [2]


def test_their_order_can_be_changed() -> None:
    # at temperature 2 the shares are .21 .41 .29 .21 of 1.12: 0.7 needs three of them, and at 1 it needs two
    hot = {"temperature": 2.0, "top_p": 0.7}
    assert kept(apply_filters(SCORES, GenerationOptions(**hot), PLACE)) == [1, 2, 3]
    later = GenerationOptions(**hot, samplers=("top_p", "temperature"))
    after = apply_filters(SCORES, later, PLACE)
    assert kept(after) == [2, 3]
    assert np.allclose(weights_of(after)[2:4], [1, np.sqrt(0.5)])


def test_no_filter_changes_nothing() -> None:
    assert apply_filters(SCORES, GenerationOptions(), PLACE) is SCORES
