"""Small models to save, and ways to break what was saved."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from unspool._artifacts import SavedModel, save_model
from unspool._artifacts.kept_precision import Arrays
from unspool._artifacts.model_folder import CONFIG, MODEL, TOKENIZER
from unspool._artifacts.tensor_files import tensor_file_bytes
from unspool._json_files import fingerprint
from unspool._network.config import NetworkConfig
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer


def make_model(seed: int = 0, symbols: str = "abc", **network: Any) -> SavedModel:
    """Make a model that differs from that of any other seed in every file."""
    tokenizer = CharTokenizer(symbols)
    config = NetworkConfig(vocab_size=tokenizer.vocab_size, **{"hidden_size": 2, "cell": "gru", **network})
    return SavedModel(
        network=config,
        tokenizer=tokenizer,
        parameters=initialize(config, seed),
        training={"epochs": 3, "seed": seed, "learning_rate": 0.1 + seed, "prompts": ["", "Москва"]},
        data={"source": "titles.csv", "text": ["title"]},
        generation_config={"temperature": 0.8, "max_new_tokens": 100 + seed},
    )


def save(folder: Path, model: SavedModel, *, card: str = "# A model\n") -> None:
    """Save a model with everything it holds."""
    save_model(
        folder,
        network=model.network,
        tokenizer=model.tokenizer,
        parameters=model.parameters,
        training=model.training,
        card=card,
        generation_config=model.generation_config,
        data=model.data,
    )


def same(a: SavedModel, b: SavedModel) -> bool:
    """Tell whether two models are one and the same to the bit, what they advise for sampling apart."""
    arrays = list(a.parameters) == list(b.parameters) and all(
        np.array_equal(values, b.parameters[name]) and values.dtype == b.parameters[name].dtype
        for name, values in a.parameters.items()
    )
    told = [(m.network, m.tokenizer, m.training, m.data) for m in (a, b)]
    return arrays and told[0] == told[1]


def change_json(folder: Path, name: str, key: str, value: Any) -> None:
    """Change one key of a JSON file, however deep ("network.cell"); fingerprints stay as they were."""
    values = json.loads((folder / name).read_text("utf-8"))
    at, (*parents, last) = values, key.split(".")
    for parent in parents:
        at = at[parent]
    if value is None:
        del at[last]
    else:
        at[last] = value
    (folder / name).write_text(json.dumps(values), "utf-8")


def seal(folder: Path, parameters: Arrays, **content: Any) -> None:
    """Write model.safetensors to fit the other files as they are now, whatever they say."""
    prints = {
        name: fingerprint(json.loads((folder / name).read_text("utf-8"))) for name in (CONFIG, TOKENIZER)
    }
    whole = {"format_version": 1, "fingerprints": prints, **content}
    (folder / MODEL).write_bytes(tensor_file_bytes(parameters, whole))
