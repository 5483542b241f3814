"""States are vectors: added, mixed, kept."""

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.states import State, stacked_states

A = State(np.arange(12, dtype=np.float32).reshape(1, 2, 6))
B = State(np.ones((1, 2, 6), np.float32))


def test_states_can_be_calculated_with() -> None:
    assert np.array_equal((A + B - B).values, A.values)
    assert np.array_equal((2 * A).values, (A * np.float64(2)).values)
    assert np.array_equal((-A + A).values, np.zeros((1, 2, 6)))
    assert np.array_equal(A.interpolate(B, 0).values, A.values)
    assert np.array_equal(A.interpolate(B, 1).values, B.values)
    assert np.allclose(A.interpolate(B, 0.25).values, 0.75 * A.values + 0.25)
    assert A.values.dtype == (A * 0.1).values.dtype == np.float32


def test_a_state_is_not_changed_from_outside() -> None:
    array = np.zeros((1, 1, 3))
    state = State(array)
    array[:] = 5
    assert not state.values.any()
    with pytest.raises(ValueError, match="read-only"):
        state.values[0, 0, 0] = 1


@pytest.mark.parametrize("wrong", ["abc", None, [1, 2], np.zeros((2, 3)), np.full((1, 1, 2), np.nan)])
def test_what_is_no_state_is_refused(wrong: object) -> None:
    with pytest.raises(ConfigError, match="a state: expected an array"):
        State(wrong)  # type: ignore[arg-type]


def test_states_of_other_networks_are_refused() -> None:
    other = State(np.ones((1, 2, 5), np.float32))
    with pytest.raises(ConfigError, match="other state: expected a state of the same network"):
        A + other
    with pytest.raises(ConfigError, match="other state"):
        A - 1.0  # type: ignore[operator]
    with pytest.raises(ConfigError, match="factor of a state"):
        A * "2"  # type: ignore[operator]
    with pytest.raises(ConfigError, match="share"):
        A.interpolate(B, None)  # type: ignore[arg-type]
    with pytest.raises(ConfigError, match="state"):
        stacked_states([A, other], (1, 2, 6))
    assert stacked_states([A, B], (1, 2, 6)).shape == (1, 2, 2, 6)
