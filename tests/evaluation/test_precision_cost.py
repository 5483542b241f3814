"""What a rounding costs, beside a relative entropy that is worked by hand."""

from dataclasses import replace

import numpy as np
import pytest

from tests.artifacts.models import make_model
from unspool._artifacts import SavedModel
from unspool._evaluation.precision_cost import precision_cost


def one_place(bias: list[float]) -> SavedModel:
    """Make a model whose next symbol depends on its output bias alone: a, b, or the end."""
    model = make_model(symbols="ab")
    zeros = {name: np.zeros_like(array) for name, array in model.parameters.items()}
    assert zeros["output.bias"].shape == (4,)  # <pad>, a, b, <eos>
    return replace(model, parameters=zeros | {"output.bias": np.array(bias, np.float32)})


def test_it_is_the_relative_entropy_over_the_characters() -> None:
    """The exact model draws a, b and the end with 1/2, 1/4, 1/4; the other with 1/3 each.

    A place loses 1/2 · log2(3/2) + 2 · 1/4 · log2(3/4) = 0.0849625 bits, and of 4 places 3 are characters.
    """
    exact = one_place([0, np.log(0.5), np.log(0.25), np.log(0.25)])
    lost = precision_cost(exact, one_place([0, 0, 0, 0]))
    assert lost == pytest.approx(0.0849625 * 4 / 3, abs=0.03)  # 512 texts, 2,000 places
    assert precision_cost(exact, exact) == 0


def test_a_model_that_writes_nothing_loses_nothing() -> None:
    exact = one_place([0, -40, -40, 0])
    assert precision_cost(exact, one_place([0, 0, 0, 0])) == 0


def test_an_encoder_is_left_out() -> None:
    model = make_model(source_vocab_size=5)
    other = {name: array + name.startswith("encoder") for name, array in model.parameters.items()}
    assert precision_cost(model, replace(model, parameters=other)) == 0
