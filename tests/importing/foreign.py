"""Networks of PyTorch in files, and what PyTorch itself computes with them."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import save_file

import unspool
from tests.exporting.cases import Asked, logprobs_of
from unspool._model.saving import saved

SYMBOLS = ["<pad>", "a", "b", "c", " ", "<eos>"]  # the ids here and there are the same
CELLS = {"rnn": "RNN", "lstm": "LSTM", "gru": "GRU"}


def network(cell: str, layers: int = 1, *, embedding: int | None = None, **options: Any) -> Any:
    """Make a network of PyTorch with random weights, as people write it."""
    torch = pytest.importorskip("torch")
    torch.manual_seed(4)
    parts = {
        "rnn": getattr(torch.nn, CELLS[cell])(
            embedding or len(SYMBOLS), 7, layers, batch_first=True, **options
        ),
        "head": torch.nn.Linear(7, len(SYMBOLS)),
    }
    if embedding:
        parts["emb"] = torch.nn.Embedding(len(SYMBOLS), embedding)
    return torch.nn.ModuleDict(parts)


def state_of(model: Any) -> dict[str, NDArray[Any]]:
    """Give the arrays of a network by their names."""
    return {name: np.array(tensor.numpy()) for name, tensor in model.state_dict().items()}


def written(path: Path, state: dict[str, NDArray[Any]]) -> Path:
    """Write arrays as a safetensors file."""
    save_file({name: np.ascontiguousarray(array) for name, array in state.items()}, path)
    return path


def logits_of(model: Any, ids: NDArray[np.int32]) -> NDArray[np.float32]:
    """Compute what PyTorch does.  # (T, V)."""
    import torch

    with torch.no_grad():
        read = torch.from_numpy(ids.astype(np.int64))[None]
        inputs = (
            model["emb"](read) if "emb" in model else torch.nn.functional.one_hot(read, len(SYMBOLS)).float()
        )
        return model["head"](model["rnn"](inputs)[0])[0].numpy()


def check_same(model: Any, imported: unspool.Generator) -> None:
    """Compare the log-probabilities of what follows a text, without those of padding."""
    ids = np.array([5, 1, 2, 4, 3, 3, 1], np.int32)
    logits = logits_of(model, ids)[:, 1:]
    wanted = logits - np.log(np.exp(logits).sum(axis=1, keepdims=True))
    got = logprobs_of(saved(imported), Asked(ids))[:, 1:]
    np.testing.assert_allclose(got, wanted, rtol=0, atol=1e-5)
