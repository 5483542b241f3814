"""State dictionaries of PyTorch: what comes in computes what PyTorch does, and what does not fit is named."""

from pathlib import Path

import numpy as np
import pytest

import unspool
from tests.importing.foreign import CELLS, SYMBOLS, check_same, network, state_of, written
from unspool._importing.torch_state import joined


@pytest.mark.parametrize("layers", [1, 2])
@pytest.mark.parametrize("cell", CELLS)
@pytest.mark.parametrize(
    "options", [{}, {"embedding": 3}, {"bias": False}], ids=["one-hot", "embedding", "no bias"]
)
def test_it_computes_what_pytorch_does(
    cell: str, layers: int, options: dict[str, int], tmp_path: Path
) -> None:
    model = network(cell, layers, **options)
    imported = unspool.import_model(written(tmp_path / "x.safetensors", state_of(model)), tokenizer=SYMBOLS)
    assert (imported.network.cell, imported.network.num_layers) == (cell, layers)
    assert imported.tokenizer.symbols == ("a", "b", "c", " ")
    check_same(model, imported)


def test_the_gates_change_their_order(tmp_path: Path) -> None:
    """A GRU whose gates have numbers of their own: r, z, n there, z, r, h here; n keeps its second bias."""
    rows = np.repeat(np.array([1, 2, 3], np.float32), 2)[:, None]  # r, z, n of two units
    state = {
        "g.weight_ih_l0": rows * np.ones((6, 3), np.float32),
        "g.weight_hh_l0": rows * np.ones((6, 2), np.float32),
        "g.bias_ih_l0": rows[:, 0] * 10,
        "g.bias_hh_l0": rows[:, 0] * 100,
        "o.weight": np.zeros((3, 2), np.float32),
        "o.bias": np.arange(3, dtype=np.float32),
    }
    path = written(tmp_path / "x.safetensors", state)
    parameters = unspool.import_model(path, tokenizer=["<pad>", "a", "<eos>"]).parameters
    assert parameters["layers.0.input_kernel"][1].tolist() == [2, 2, 1, 1, 3, 3]
    assert parameters["layers.0.recurrent_kernel"][0].tolist() == [2, 2, 1, 1, 3, 3]
    assert parameters["layers.0.bias"].tolist() == [220, 220, 110, 110, 30, 30]
    assert parameters["layers.0.recurrent_bias"].tolist() == [300, 300]


def test_a_bias_of_zeros_changes_no_bit_of_the_other() -> None:
    one = np.array([-0.0, 1, 2, 3], np.float32)
    both, left = joined(one, np.array([0, 5, 0, 7], np.float32), split=3)
    assert both.tobytes() == np.array([-0.0, 6, 2, 3], np.float32).tobytes()
    assert left.tolist() == [7]


@pytest.mark.parametrize("kept", ["emb.weight", "head.weight"])
def test_a_tied_output_is_one_matrix_under_either_name(kept: str, tmp_path: Path) -> None:
    model = network("lstm", embedding=7)
    model["head"].weight = model["emb"].weight
    state = state_of(model)
    del state[({"emb.weight", "head.weight"} - {kept}).pop()]
    imported = unspool.import_model(written(tmp_path / "x.safetensors", state), tokenizer=SYMBOLS)
    assert imported.network.tied_output
    check_same(model, imported)


def test_modules_in_a_row_are_one_stack(tmp_path: Path) -> None:
    model = network("lstm", 2)
    state = state_of(model)
    names = {
        name: name.replace("rnn.", "rnn1.").replace("_l0", "_l0") for name in state if name.endswith("_l0")
    }
    names |= {
        name: name.replace("rnn.", "rnn2.").replace("_l1", "_l0") for name in state if name.endswith("_l1")
    }
    moved = {names.get(name, name): array for name, array in reversed(state.items())}
    check_same(model, unspool.import_model(written(tmp_path / "x.safetensors", moved), tokenizer=SYMBOLS))


@pytest.mark.parametrize("kind", [np.float64, np.float16])
def test_other_numbers_become_float32(kind: type, tmp_path: Path) -> None:
    state = {name: array.astype(kind) for name, array in state_of(network("rnn")).items()}
    imported = unspool.import_model(written(tmp_path / "x.safetensors", state), tokenizer=SYMBOLS)
    wanted = state["rnn.weight_hh_l0"].astype(np.float32).T
    np.testing.assert_array_equal(imported.parameters["layers.0.recurrent_kernel"], wanted)


def test_bfloat16_becomes_float32(tmp_path: Path) -> None:
    torch = pytest.importorskip("torch")
    from safetensors.torch import save_file

    model = network("rnn").to(torch.bfloat16)
    save_file(model.state_dict(), tmp_path / "x.safetensors")
    imported = unspool.import_model(tmp_path / "x.safetensors", tokenizer=SYMBOLS)
    wanted = model["rnn"].weight_hh_l0.detach().float().numpy().T
    np.testing.assert_array_equal(imported.parameters["layers.0.recurrent_kernel"], wanted)


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"bidirectional": True}, "of a bidirectional layer"),
        ({"proj_size": 3}, "with proj_size"),
    ],
)
def test_what_unspool_has_not_is_refused(options: dict[str, int], message: str, tmp_path: Path) -> None:
    path = written(tmp_path / "x.safetensors", state_of(network("lstm", **options)))
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.import_model(path, tokenizer=SYMBOLS)


@pytest.mark.parametrize(
    ("name", "shape", "message"),
    [
        ("rnn.weight_ih_l1", (28, 5), r"rnn.l1: input kernel: expected shape \(7, 28\), got shape \(5, 28\)"),
        ("rnn.weight_hh_l1", (24, 7), r"rnn.weight_hh_l1: expected 1, 3 or 4 times as many rows"),
        ("rnn.bias_hh_l0", (27,), r"rnn.bias_hh_l0: expected shape \(28,\), got shape \(27,\)"),
        ("head.weight", (6, 9), r"head.weight: expected shape \(6, 7\), got shape \(6, 9\)"),
        ("head.bias", (4,), r"head.bias: expected shape \(6,\), got shape \(4,\)"),
        ("second.weight", (6, 7), r"second.weight: expected shape \(6, 6\), got shape \(6, 7\)"),
        ("norm.weight", (7,), "expected nn.LSTM.* got beside the recurrent layers .*norm.weight"),
        ("decoder.weight_ih_l0", (28, 7), "one stack of recurrent layers, got decoder. and rnn."),
    ],
)
def test_what_does_not_fit_is_named(name: str, shape: tuple[int, ...], message: str, tmp_path: Path) -> None:
    state = state_of(network("lstm", 2)) | {name: np.ones(shape, np.float32)}
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.import_model(written(tmp_path / "x.safetensors", state), tokenizer=SYMBOLS)


def test_an_encoder_beside_a_decoder_is_no_stack(tmp_path: Path) -> None:
    state = {
        f"encoder.{name}": array for name, array in state_of(network("gru")).items() if "head" not in name
    }
    with pytest.raises(unspool.ArtifactError, match="cannot be told apart"):
        unspool.import_model(
            written(tmp_path / "x.safetensors", state | state_of(network("gru"))), tokenizer=SYMBOLS
        )
