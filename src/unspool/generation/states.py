"""What a network remembers of a text, as numbers to keep, to add and to mix."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool.configuration import check, is_real
from unspool.errors import ConfigError


@dataclass(frozen=True, eq=False)
class State:
    """Hold the state of a network that has read `<eos>` and a text.

    Generation goes straight on from it. States of the same network can be added, subtracted, multiplied with
    numbers and interpolated; `values` is a plain array, to be saved as any other.

    Args:
        values: Hidden state, and for an LSTM cell state, of each layer, float32.  # (L, S, H)

    Raises:
        ConfigError: If that is no array of three axes and finite numbers.
    """

    values: NDArray[np.float32]

    def __post_init__(self) -> None:
        """Make an array of its own that nobody changes."""
        object.__setattr__(self, "values", _frozen(self.values))

    def __add__(self, other: "State") -> "State":
        return State(self.values + _values_like(self, other))

    def __sub__(self, other: "State") -> "State":
        return State(self.values - _values_like(self, other))

    def __mul__(self, factor: float) -> "State":
        check("factor of a state", factor, "a number", is_real(factor))
        return State(self.values * np.float32(factor))

    __rmul__ = __mul__

    def __neg__(self) -> "State":
        return self * -1.0


def interpolate(a: State, b: State, share: float) -> State:
    """Mix two states.

    Args:
        a: The state at share 0.
        b: The state at share 1; of the same network.
        share: How much of b, usually in [0, 1].

    Raises:
        ConfigError: If the states are not of one network, or the share is no number.
    """
    check("share", share, "a number", is_real(share))
    return a * (1.0 - share) + b * share


def stacked_states(states: list[State], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Put states side by side as engines take them.

    Args:
        states: One for each sequence.
        shape: (L, S, H) of the network.

    Returns:
        The states.  # (L, S, N, H)

    Raises:
        ConfigError: If one is of another network.
    """
    for state in states:
        found = state.values.shape
        check("state", f"{found}", f"a state of this network (shape {shape})", found == shape)
    return np.stack([state.values for state in states], axis=2)


def _frozen(values: ArrayLike) -> NDArray[np.float32]:
    try:
        array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise ConfigError("a state", expected="an array (L, S, H)", got=type(values).__name__) from None
    if array.ndim != 3 or not np.isfinite(array).all():
        got = f"shape {array.shape}" if array.ndim != 3 else "numbers that are not finite"
        raise ConfigError("a state", expected="an array (L, S, H) of finite numbers", got=got)
    array.flags.writeable = False
    return array


def _values_like(state: State, other: object) -> NDArray[np.float32]:
    fits = isinstance(other, State) and other.values.shape == state.values.shape
    check("other state", other, f"a state of the same network (shape {state.values.shape})", fits)
    return other.values  # type: ignore[attr-defined, no-any-return]
