"""The face of the native optimizers refuses what does not fit together."""

import numpy as np
import pytest

from unspool._kernels.optimizers import Coefficients, optimizer_step


@pytest.mark.parametrize(("decays", "slots"), [(1, 2), (3, 2), (2, 3)])
def test_every_parameter_has_a_decay_and_there_are_two_slots(decays: int, slots: int) -> None:
    def arrays() -> list[np.ndarray]:
        return [np.ones(3, np.float32), np.ones(5, np.float32)]

    rates = Coefficients(step=1, learning_rate=0.1, beta1=0.9, beta2=0.9, epsilon=1e-8)
    with pytest.raises(ValueError, match="expected 2 decays and 2 slots"):
        optimizer_step(
            0, arrays(), arrays(), [arrays() for _ in range(slots)], [0.0] * decays,
            coefficients=rates, clip_norm=None,
        )  # fmt: skip
