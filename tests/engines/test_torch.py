"""The torch engine against PyTorch's own layers: the oracle is held to something outside this project."""

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.engines.variants import VOCAB_SIZE, make_case, parameters_of
from unspool._engines import make_engine
from unspool._errors import ConfigError
from unspool._network.cells import CELLS
from unspool._network.config import NetworkConfig

torch = pytest.importorskip("torch")

from unspool._engines.torch import TORCH_CELLS, TorchEngine  # noqa: E402  (after the check that PyTorch is there)

WITH_LAYER = [name for name, row in TORCH_CELLS.items() if not isinstance(row.layer, str)]


def test_every_cell_has_a_step_and_a_layer_or_the_words_for_none() -> None:
    assert TORCH_CELLS.keys() == CELLS.keys()
    for name, row in TORCH_CELLS.items():
        assert row.layer if isinstance(row.layer, str) else set(row.gates) == set(CELLS[name].gates)


def rows(matrix: NDArray[np.float64], config: NetworkConfig) -> "torch.Tensor":
    """Turn our columns of gates (.., G·H) into PyTorch's rows (G·H, ..) in PyTorch's order."""
    blocks = dict(zip(config.kind.gates, np.split(matrix, len(config.kind.gates), axis=-1), strict=True))
    return torch.tensor(np.concatenate([blocks[gate] for gate in TORCH_CELLS[config.cell].gates], axis=-1).T)


def torch_layers(config: NetworkConfig, parameters: dict[str, NDArray[np.float64]]) -> "torch.nn.Module":
    """Build PyTorch's own layers with our parameters."""
    module = (
        TORCH_CELLS[config.cell]
        .layer(config.embedding_size or VOCAB_SIZE, config.hidden_size, config.num_layers)
        .double()
    )
    H = config.hidden_size
    with torch.no_grad():
        for layer in range(config.num_layers):
            ours = f"layers.{layer}."
            hidden_bias = np.zeros_like(parameters[ours + "bias"])
            if ours + "recurrent_bias" in parameters:
                hidden_bias[-H:] = parameters[ours + "recurrent_bias"]
            named = {"weight_ih": parameters[ours + "input_kernel"], "bias_ih": parameters[ours + "bias"]}
            named |= {"weight_hh": parameters[ours + "recurrent_kernel"], "bias_hh": hidden_bias}
            for name, values in named.items():
                getattr(module, f"{name}_l{layer}").copy_(rows(values, config))
    return module


@pytest.mark.parametrize("cell", WITH_LAYER)
@pytest.mark.parametrize(("num_layers", "embedding_size"), [(1, None), (2, 5)])
def test_the_networks_are_those_of_pytorch(cell: str, num_layers: int, embedding_size: int | None) -> None:
    config = NetworkConfig(
        cell=cell, num_layers=num_layers, embedding_size=embedding_size, hidden_size=7, vocab_size=VOCAB_SIZE
    )
    parameters = {name: values.astype(np.float64) for name, values in parameters_of(config).items()}
    case, engine = make_case(config, 9, 3), TorchEngine(config, threads=1, dtype="float64")
    logits, state = engine.logits(parameters, case.window.ids, case.state)
    table = parameters["embedding"] if embedding_size else np.eye(VOCAB_SIZE)
    before = torch.tensor(case.state.astype(np.float64)).transpose(0, 1)  # (S, L, B, H)
    first = tuple(part.contiguous() for part in before) if len(before) == 2 else before[0].contiguous()
    with torch.no_grad():
        hidden, after = torch_layers(config, parameters)(torch.tensor(table[case.window.ids]), first)
    wanted = hidden.numpy() @ parameters["output.kernel"] + parameters["output.bias"]
    np.testing.assert_allclose(logits[..., 1:], wanted[..., 1:], rtol=1e-10, atol=1e-12)
    last = np.stack([part.numpy() for part in (after if len(before) == 2 else (after,))], axis=1)
    np.testing.assert_allclose(state, last, rtol=1e-10, atol=1e-12)


def test_the_precision_is_what_was_asked_for() -> None:
    config = NetworkConfig(hidden_size=4, vocab_size=VOCAB_SIZE)
    case = make_case(config, 3, 2)
    for dtype in ("float32", "float64"):
        engine = TorchEngine(config, dtype=dtype)
        _, gradients, state = engine.loss_and_gradients(
            parameters_of(config), case.window, engine.initial_state(2), reset_id=None
        )
        assert {str(array.dtype) for array in [state, *gradients.values()]} == {dtype}


@pytest.mark.parametrize("arguments", [{"threads": 0}, {"threads": True}, {"dtype": "float16"}])
def test_a_value_out_of_range_is_refused(arguments: dict[str, object]) -> None:
    with pytest.raises(ConfigError, match=next(iter(arguments))):
        TorchEngine(NetworkConfig(vocab_size=5), **arguments)  # type: ignore[arg-type]


def test_a_network_without_vocabulary_is_refused() -> None:
    with pytest.raises(ConfigError, match="vocab_size"):
        make_engine("torch", NetworkConfig())
