"""Runs what the exporter "keras" writes: Keras loads it, without a custom object."""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.exporting.cases import Asked
from unspool._artifacts.model_folder import SavedModel


def logprobs(path: Path, model: SavedModel, asked: Asked) -> NDArray[np.float32]:
    """Compute the log-probabilities after each id; a text begins anew at each `<eos>`.  # (T, V)."""
    import keras

    loaded, network = keras.saving.load_model(path / "model.keras"), model.network
    told: dict[str, Any] = {}
    if network.start_size is not None:
        told["start"] = np.ones((1, 1), np.float32) if asked.start is None else asked.start[None]
    if asked.source is not None:
        told["source"] = np.eye(network.source_vocab_size, dtype=np.float32)[asked.source][None]
    rows = []
    for text in np.split(asked.ids, np.flatnonzero(asked.ids == model.tokenizer.eos_id)):
        if not len(text):
            continue
        hot = network.embedding_size is None
        inputs = told | {
            "symbols": np.eye(network.symbols, dtype=np.float32)[text][None] if hot else text[None]
        }
        if asked.context is not None:
            inputs["context"] = np.tile(asked.context, (1, len(text), 1))
        rows.append(keras.ops.convert_to_numpy(loaded(inputs if len(inputs) > 1 else inputs["symbols"]))[0])
    with np.errstate(divide="ignore"):
        return np.log(np.concatenate(rows))
