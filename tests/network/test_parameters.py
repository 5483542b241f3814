"""Parameters: their names and number, and what they are before the first step."""

import math
from dataclasses import replace

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig
from unspool._network.parameters import (
    count_parameters,
    grow,
    initialize,
    layer_parameters,
    output_kernel,
    parameter_shapes,
)


@pytest.mark.parametrize(("vocab_size", "count"), [(83, 119_251), (84, 119_892)])
def test_the_lessons_model_has_its_number_of_parameters(vocab_size: int, count: int) -> None:
    assert count_parameters(NetworkConfig(vocab_size=vocab_size)) == count


def test_names_and_shapes_are_those_of_the_file() -> None:
    config = NetworkConfig(cell="gru", hidden_size=7, num_layers=2, embedding_size=5, vocab_size=11)
    assert list(parameter_shapes(config).items()) == [
        ("embedding", (11, 5)),
        ("layers.0.input_kernel", (5, 21)),
        ("layers.0.recurrent_kernel", (7, 21)),
        ("layers.0.bias", (21,)),
        ("layers.0.recurrent_bias", (7,)),
        ("layers.1.input_kernel", (7, 21)),
        ("layers.1.recurrent_kernel", (7, 21)),
        ("layers.1.bias", (21,)),
        ("layers.1.recurrent_bias", (7,)),
        ("output.kernel", (7, 11)),
        ("output.bias", (11,)),
    ]


def test_only_a_gru_with_reset_after_has_a_recurrent_bias() -> None:
    with_bias = [
        (cell, after)
        for cell in CELLS
        for after in (True, False)
        if "layers.0.recurrent_bias"
        in parameter_shapes(NetworkConfig(cell=cell, reset_after=after, vocab_size=9))
    ]
    assert with_bias == [("gru", True)]


def test_a_one_hot_first_layer_reads_from_a_table() -> None:
    shapes = parameter_shapes(NetworkConfig(hidden_size=7, vocab_size=11))
    assert shapes["layers.0.input_kernel"] == (11, 28)
    assert "embedding" not in shapes


def test_the_vocabulary_must_be_known() -> None:
    with pytest.raises(ConfigError, match="vocab_size"):
        parameter_shapes(NetworkConfig())


def test_a_seed_gives_its_own_values_and_always_the_same() -> None:
    config = NetworkConfig(hidden_size=7, num_layers=2, vocab_size=11)
    first, again, other = initialize(config, 5), initialize(config, 5), initialize(config, 6)
    for name, values in first.items():
        np.testing.assert_array_equal(values, again[name])
        assert values.dtype == np.float32
        assert values.flags.c_contiguous
        assert values.ndim == 1 or (values != other[name]).any()
    assert (first["layers.1.input_kernel"] != first["layers.1.recurrent_kernel"]).any()


def test_a_further_layer_leaves_the_others_as_they_were() -> None:
    one, two = (initialize(NetworkConfig(hidden_size=7, num_layers=L, vocab_size=11), 0) for L in (1, 2))
    for name, values in one.items():
        np.testing.assert_array_equal(values, two[name])


@pytest.mark.parametrize("seed", [-1, 1.0, None, True])
def test_a_bad_seed_is_refused(seed: object) -> None:
    with pytest.raises(ConfigError, match="seed"):
        initialize(NetworkConfig(vocab_size=9), seed)  # type: ignore[arg-type]


@pytest.mark.parametrize("cell", CELLS)
def test_recurrent_rows_are_orthonormal(cell: str) -> None:
    values = initialize(NetworkConfig(cell=cell, hidden_size=40, vocab_size=9), 1)[
        "layers.0.recurrent_kernel"
    ]
    np.testing.assert_allclose(values @ values.T, np.eye(40), atol=1e-5)


def test_kernels_fill_glorots_range() -> None:
    values = initialize(NetworkConfig(hidden_size=64, embedding_size=32, num_layers=2, vocab_size=90), 2)
    for name in ("embedding", "layers.0.input_kernel", "layers.1.input_kernel", "output.kernel"):
        limit = math.sqrt(6 / sum(values[name].shape))
        assert 0.97 * limit < np.abs(values[name]).max() <= limit
        assert values[name].std() == pytest.approx(limit / math.sqrt(3), rel=0.05)
        assert abs(values[name].mean()) < 0.05 * limit


def test_biases_are_zero_but_the_forget_gates() -> None:
    config = NetworkConfig(hidden_size=6, num_layers=2, vocab_size=9)
    lstm, gru = initialize(config, 0), initialize(NetworkConfig(cell="gru", vocab_size=9), 0)
    for layer in (0, 1):
        np.testing.assert_array_equal(lstm[f"layers.{layer}.bias"], np.repeat([0, 1, 0, 0], 6))
    others = [lstm["output.bias"], gru["layers.0.bias"], gru["layers.0.recurrent_bias"], gru["output.bias"]]
    assert not any(bias.any() for bias in others)


def test_a_layers_arrays_are_gathered_by_name() -> None:
    config = NetworkConfig(cell="gru", hidden_size=4, num_layers=2, vocab_size=9)
    values = initialize(config, 0)
    layer = layer_parameters(values, 1)
    assert layer.input_kernel is values["layers.1.input_kernel"]
    assert layer.recurrent_kernel is values["layers.1.recurrent_kernel"]
    assert layer.bias is values["layers.1.bias"]
    assert layer.recurrent_bias is values["layers.1.recurrent_bias"]
    del values["layers.1.recurrent_bias"]
    assert layer_parameters(values, 1).recurrent_bias is None


@pytest.mark.parametrize(("embedding_size", "tied"), [(None, False), (3, False), (4, True)])
def test_growing_moves_every_number_to_its_symbols_new_place(embedding_size: int | None, tied: bool) -> None:
    old = NetworkConfig(
        cell="gru", hidden_size=4, embedding_size=embedding_size, tied_output=tied, vocab_size=4
    )
    new = replace(old, vocab_size=6, dropout=0.5, input_dropout=0.1, recurrent_dropout=0.2)
    before = initialize(old, 0)
    before["output.bias"][:] = [-9, -2, 1, 3]
    ids = np.array([0, 1, 2, 5])
    after = grow(before, old, new, ids=ids, seed=1)
    table = "embedding" if embedding_size else "layers.0.input_kernel"
    np.testing.assert_array_equal(after[table][ids], before[table])
    np.testing.assert_array_equal(output_kernel(after)[:, ids], output_kernel(before))
    np.testing.assert_array_equal(after["layers.0.recurrent_kernel"], before["layers.0.recurrent_kernel"])
    assert after["output.bias"].tolist() == [-9, -2, 1, -2, -2, 3]  # <pad>'s does not count
    assert np.ptp(after[table][3:5]) > 0


def test_growing_refuses_another_network() -> None:
    old = NetworkConfig(hidden_size=4, vocab_size=4)
    with pytest.raises(ConfigError, match="the network of the model to continue"):
        grow(initialize(old, 0), old, NetworkConfig(hidden_size=5, vocab_size=5), ids=np.arange(4), seed=0)


def test_a_tied_output_has_no_kernel_of_its_own() -> None:
    free = NetworkConfig(hidden_size=4, embedding_size=4, vocab_size=6)
    tied = replace(free, tied_output=True)
    assert set(parameter_shapes(free)) - set(parameter_shapes(tied)) == {"output.kernel"}
    assert list(parameter_shapes(tied))[-1] == "output.bias"
    assert count_parameters(free) - count_parameters(tied) == 4 * 6
    parameters = initialize(tied, 0)
    assert output_kernel(parameters).base is parameters["embedding"]
    own = initialize(free, 0)
    assert output_kernel(own) is own["output.kernel"]
