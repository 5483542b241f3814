"""Lines of metrics.jsonl for the tests."""

from typing import Any

from unspool._json_files import json_text


def step(number: int, bits: float = 4.0, **more: Any) -> dict[str, Any]:
    values = {
        "epoch": 1, "progress": 0.5, "loss": bits * 0.7, "bits_per_character": bits, "learning_rate": 0.01,
        "grad_norm": 1.0, "characters": 100 * number, "characters_per_second": 1000.0, "seconds": number / 10,
    }  # fmt: skip
    return {"kind": "step", "step": number, **values, **more}


def evaluation(number: int, held_out: float | None, training: float = 3.0, **more: Any) -> dict[str, Any]:
    values = {
        "epoch": 1, "training_loss": training * 0.7, "training_bits_per_character": training, "loss": 2.0,
        "bits_per_character": held_out, "perplexity": 9.0, "best": True, "seconds": number / 10,
        "measured_characters": 1000, "exact": None,
    }  # fmt: skip
    return {"kind": "evaluation", "step": number, **values, **more}


def sample(number: int, text: str, **more: Any) -> dict[str, Any]:
    return {
        "kind": "sample", "step": number, "epoch": 1, "prompt": "", "temperature": 0.8, "text": text,
        "source": None, **more,
    }  # fmt: skip


def finish(number: int) -> dict[str, Any]:
    return {
        "kind": "finish", "step": number, "epoch": 1, "reason": "epochs", "best_step": number,
        "best_bits_per_character": 3.5, "seconds": number / 10,
    }  # fmt: skip


def text_of(*lines: dict[str, Any]) -> bytes:
    return "".join(f"{json_text(line)}\n" for line in lines).encode()
