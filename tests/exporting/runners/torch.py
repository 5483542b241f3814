"""Runs what the exporter "torch" writes: its own file, imported from where it was written."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from tests.exporting.programs import imported
from unspool._artifacts.model_folder import SavedModel

torch = pytest.importorskip("torch")
torch.set_num_threads(1)  # small networks, and tests side by side


def load(path: Path) -> Any:
    """Import model.py of a folder and load the model beside it."""
    return imported(path / "model.py", "torch_model.py").TextGenerator.load(path)


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Compute the log-probabilities after each id; a text begins anew at each `<eos>`.  # (T, V)."""
    generator = load(path)
    L, S, H = model.network.state_shape
    context = None if asked.context is None else torch.from_numpy(asked.context)
    if asked.source is None:
        vector = None if asked.start is None else asked.start.tolist()
        first = generator.first_state(vector=vector)
    else:
        first = generator.encode(asked.source.tolist(), torch.zeros(S, L, 1, H))
    rows = []
    for text in np.split(asked.ids, np.flatnonzero(asked.ids == model.tokenizer.eos_id)):
        if len(text):
            logits, _ = generator(torch.from_numpy(text).long()[:, None], first, context)
            rows.append(torch.log_softmax(logits[:, 0], dim=-1).detach().numpy())
    return np.concatenate(rows)
