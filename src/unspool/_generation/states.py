"""The state of a network after a text, as numbers that can be saved, added and interpolated."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unspool._configuration import check, is_real
from unspool._errors import ConfigError
from unspool._views.short_repr import short_repr


@dataclass(frozen=True, eq=False)
class State:
    """The state of a network that has read `<eos>` and a text.

    Generation can continue from it. States of the same network can be added, subtracted, multiplied by
    numbers and interpolated. `values` is a plain array that can be saved.

    Args:
        values: Hidden state of each layer, and for an LSTM the cell state, float32.  # (L, S, H)

    Raises:
        ConfigError: If `values` is not an array of three axes and finite numbers.

    Example:
        >>> from unspool import State
        >>> (State([[[1.0, 2.0]]]) * 2).values.tolist()
        [[[2.0, 4.0]]]
    """

    values: NDArray[np.float32]

    __repr__ = short_repr

    def __post_init__(self) -> None:
        """Copy the values to an array that cannot be changed."""
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

    def interpolate(self, other: "State", share: float) -> "State":
        """Return a state between this one and another.

        Args:
            other: The state at share 1, of the same network.
            share: Share of the other state in the result, usually in [0, 1].

        Raises:
            ConfigError: If the states are not of the same network, or the share is not a number.

        Example:
            >>> from unspool import State
            >>> State([[[0.0]]]).interpolate(State([[[4.0]]]), 0.25).values.tolist()
            [[[1.0]]]
        """
        check("share", share, "a number", is_real(share))
        return self * (1.0 - share) + other * share


def stacked_states(states: list[State], shape: tuple[int, int, int]) -> NDArray[np.float32]:
    """Stack states in one array for an engine.

    Args:
        states: A state for each sequence.
        shape: (L, S, H) of the network.

    Returns:
        The states.  # (L, S, N, H)

    Raises:
        ConfigError: If a state is of another network.
    """
    for state in states:
        actual = state.values.shape
        check("state", f"{actual}", f"a state of this network (shape {shape})", actual == shape)
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
