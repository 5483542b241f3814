"""Digests of trained models of each kind: their weights, tokenizers, configurations and measurements."""

import json
from pathlib import Path
from typing import Any

from safetensors.numpy import load_file

from .models import KINDS, resumed, stopped, trained
from .writing import digest, rounded, steady

STOPPED = ("lstm", "tied", "dropped", "averaged", "document", "steered", "pairs")
STEP = 9
CHECKPOINT = "checkpoint/last.safetensors"


def weights(path: Path) -> str:
    """Compute a digest of all tensors of a file, their names and shapes."""
    tensors = sorted(load_file(path).items())
    told = "".join(f"{name} {tensor.dtype} {tensor.shape}\n" for name, tensor in tensors)
    return digest(told.encode() + b"".join(tensor.tobytes() for _, tensor in tensors))


def text_file(path: Path) -> str:
    """Compute a digest of a text file without what was measured; "none" where there is none."""
    return digest(steady(path.read_text("utf-8"), Path.cwd()).encode()) if path.exists() else "none"


def facts(folder: Path) -> dict[str, Any]:
    """Describe a trained model."""
    measured = [json.loads(row) for row in (folder / "metrics.jsonl").read_text("utf-8").splitlines()]
    figures = [row for row in measured if row["kind"] == "evaluation"]
    novelty = folder / "novelty.safetensors"
    return {
        "weights": weights(folder / "model.safetensors"),
        "checkpoint": weights(folder / CHECKPOINT),
        "novelty": weights(novelty) if novelty.exists() else "none",
        "metrics": text_file(folder / "metrics.jsonl"),
        "config": text_file(folder / "config.json"),
        "lines": len(measured),
        "tokenizer": text_file(folder / "tokenizer.json"),
        "source_tokenizer": text_file(folder / "source_tokenizer.json"),
        "generation": text_file(folder / "generation_config.json"),
        "card": text_file(folder / "README.md"),
        "bits": [row["bits_per_character"] for row in figures],
    }


def digests() -> str:
    """Return the digests of every kind, and of some that were stopped and went on."""
    told: dict[str, Any] = {name: facts(trained(name)) for name in KINDS}
    for name in STOPPED:
        folder = Path(f"{name}-stopped")
        stopped(name, folder, step=STEP)
        told[folder.name] = {"checkpoint": weights(folder / CHECKPOINT)}
        resumed(name, folder)
        told[f"{name}-resumed"] = facts(folder)
    return json.dumps(rounded(told), indent=1, ensure_ascii=False) + "\n"
