"""Fresh starts in document mode: who forgets is a function of seed and step."""

import numpy as np

from unspool._training.state_dropout import forget_some


def test_some_lanes_forget_everything_and_the_others_nothing() -> None:
    state = np.ones((2, 2, 500, 3), np.float32)
    fresh = forget_some(state, 0.2, seed=1, step=7)
    forgot = fresh[0, 0, :, 0] == 0
    assert 60 < forgot.sum() < 140  # 100 expected; beyond this in one of 10^5 seeds
    assert not fresh[:, :, forgot].any()
    assert np.array_equal(fresh[:, :, ~forgot], state[:, :, ~forgot])
    assert state.all()


def test_who_forgets_depends_on_seed_and_step_alone() -> None:
    state = np.ones((1, 1, 100, 2), np.float32)
    first = forget_some(state, 0.3, seed=1, step=7)
    assert np.array_equal(first, forget_some(state, 0.3, seed=1, step=7))
    assert not np.array_equal(first, forget_some(state, 0.3, seed=1, step=8))
    assert not np.array_equal(first, forget_some(state, 0.3, seed=2, step=7))


def test_a_chance_of_zero_forgets_nothing() -> None:
    state = np.ones((1, 2, 50, 2), np.float32)
    assert np.array_equal(forget_some(state, 0.0, seed=0, step=1), state)


def test_a_chance_of_one_forgets_everything() -> None:
    state = np.ones((2, 2, 50, 2), np.float32)
    assert not any(forget_some(state, 1.0, seed=3, step=step).any() for step in range(1, 50))
