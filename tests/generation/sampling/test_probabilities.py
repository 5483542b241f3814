"""The probabilities that are shown are those of what is drawn."""

from typing import Any

import numpy as np
import pytest

from unspool._generation.options.generation_options import GenerationOptions
from unspool._generation.sampling.draw import next_token
from unspool._generation.sampling.probabilities import probabilities

LOGITS = np.array([-np.inf, 2.0, 1.0, 0.0, 2.0, -3.0], dtype=np.float32)


def test_a_distribution_worked_by_hand() -> None:
    halves = np.log([1e-30, 0.5, 0.25, 0.25])
    np.testing.assert_allclose(
        probabilities(halves, GenerationOptions()), [0, 0.5, 0.25, 0.25], rtol=1e-9, atol=1e-20
    )
    # all three are top choices, of which the last is left in one case of four
    mixed = probabilities(halves, GenerationOptions(xtc_probability=0.25))
    np.testing.assert_allclose(mixed, [0, 0.375, 0.1875, 0.4375], rtol=1e-9, atol=1e-20)
    squares = probabilities(halves, GenerationOptions(temperature=0.5))
    np.testing.assert_allclose(squares, [0, 4 / 6, 1 / 6, 1 / 6], rtol=1e-9, atol=1e-20)
    np.testing.assert_array_equal(probabilities(LOGITS, GenerationOptions(temperature=0)), [0, 1, 0, 0, 0, 0])


@pytest.mark.parametrize(
    "options",
    [{}, {"temperature": 0.5}, {"temperature": 2.0, "top_k": 2}, {"top_p": 0.8}, {"min_p": 0.2},
     {"xtc_probability": 1.0}, {"temperature": 1e-30}, {"temperature": 0.0}],
    ids=str,
)  # fmt: skip
def test_they_are_how_often_each_symbol_is_drawn(options: dict[str, Any]) -> None:
    chosen = GenerationOptions(**options)
    grid = (np.arange(4000) + 0.5) / 4000
    drawn = np.bincount([next_token(LOGITS, chosen, random) for random in grid], minlength=len(LOGITS))
    found = probabilities(LOGITS, chosen)
    assert found.sum() == pytest.approx(1)
    np.testing.assert_allclose(found, drawn / len(grid), atol=1e-3)
