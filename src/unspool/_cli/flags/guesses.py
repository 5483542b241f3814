"""Advice for a flag or a command that does not exist: what it is called here."""

import difflib
from collections.abc import Iterable

import click

# What people write by habit, and the flags that mean the same; the first of them that a command has counts.
FLAGS: dict[str, tuple[str, ...]] = {
    "lr": ("learning-rate",),
    "n-epochs": ("epochs",),
    "num-epochs": ("epochs",),
    "num-train-epochs": ("epochs",),
    "iterations": ("epochs",),
    "steps": ("epochs",),
    "time": ("minutes", "minutes-per-trial"),
    "bs": ("batch-size",),
    "per-device-train-batch-size": ("batch-size",),
    "seq-length": ("sequence-length",),
    "seq-len": ("sequence-length",),
    "block-size": ("sequence-length",),
    "context-length": ("sequence-length",),
    "units": ("hidden-size",),
    "hidden": ("hidden-size",),
    "hidden-dim": ("hidden-size",),
    "rnn-size": ("hidden-size",),
    "n-hidden": ("hidden-size",),
    "layers": ("num-layers",),
    "n-layers": ("num-layers",),
    "n-layer": ("num-layers",),
    "model-type": ("cell",),
    "rnn-type": ("cell",),
    "embed-size": ("embedding-size",),
    "emb-dim": ("embedding-size",),
    "wd": ("weight-decay",),
    "grad-clip": ("clip-norm",),
    "max-grad-norm": ("clip-norm",),
    "gradient-clipping": ("clip-norm",),
    "vocab": ("max-vocab-size",),
    "vocab-size": ("max-vocab-size",),
    "column": ("text",),
    "label": ("context",),
    "label-column": ("context",),
    "val": ("validation",),
    "valid-file": ("validation",),
    "eval-file": ("validation",),
    "output": ("out",),
    "output-dir": ("out",),
    "output-file": ("out",),
    "save": ("out",),
    "save-dir": ("out",),
    "force": ("overwrite",),
    "init-model": ("init-from",),
    "pretrained": ("init-from",),
    "continue": ("resume",),
    "device": ("engine", "threads"),
    "gpu": ("engine",),
    "cpu": ("threads",),
    "num-threads": ("threads",),
    "num-workers": ("threads", "workers"),
    "length": ("max-new-tokens",),
    "max-length": ("max-length", "max-new-tokens"),
    "max-len": ("max-length", "max-new-tokens"),
    "num-tokens": ("max-new-tokens",),
    "tokens": ("max-new-tokens",),
    "count": ("n", "samples", "limit"),
    "num": ("n", "samples", "limit"),
    "num-samples": ("n", "samples", "limit"),
    "num-texts": ("n", "samples", "limit"),
    "samples": ("n",),
    "limit": ("n", "top"),
    "n": ("limit", "samples", "top", "trials"),
    "t": ("temperature",),
    "random-seed": ("seed",),
    "beams": ("num-beams",),
    "beam-size": ("num-beams",),
    "beam-width": ("num-beams",),
    "pattern": ("regex",),
    "grammar": ("regex",),
    "prefix": ("starts-with",),
    "dedup": ("unique",),
    "no-copies": ("novel",),
    "stop-sequence": ("stop",),
    "end": ("stop",),
    "greedy": ("temperature",),
    "do-sample": ("temperature",),
    "o": ("out",),
    "e": ("epochs",),
    "m": ("minutes",),
    "s": ("seed",),
}
# What is no flag at all here, but an argument: by the word for it in the help.
ARGUMENTS = {
    "prompt": "PROMPT", "input": "CORPUS", "input-file": "CORPUS", "data": "CORPUS", "corpus": "CORPUS",
    "file": "CORPUS", "train-file": "CORPUS", "dataset": "CORPUS", "model": "DIR", "model-dir": "DIR",
    "checkpoint": "DIR", "folder": "DIR", "dir": "DIR",
}  # fmt: skip
COMMANDS = {
    "generate": "sample", "write": "sample", "predict": "sample", "infer": "sample", "run": "sample",
    "fit": "train", "learn": "train", "finetune": "train", "fine-tune": "train", "resume": "train",
    "evaluate": "eval", "test": "eval", "perplexity": "eval", "rank": "score", "tune": "sweep",
    "benchmark": "bench", "summary": "info", "show": "info", "inspect": "info", "describe": "info",
    "chat": "play", "interactive": "play", "datasets": "corpora", "download": "corpora", "check": "audit",
    "label": "classify", "list": "enumerate", "search": "sweep",
}  # fmt: skip


def known_flag(command: click.Command, wrong: str) -> str | None:
    """Return a few words that name what was meant by an unknown flag; None where nothing is near.

    Args:
        command: The command.
        wrong: The flag, with its dashes.
    """
    name = wrong.lstrip("-").replace("_", "-").lower()
    flags = [flag for param in command.params if param.param_type_name == "option" for flag in param.opts]
    shown = [flag for flag in flags if flag.startswith("--")]
    same = [f"--{each}" for each in FLAGS.get(name, ()) if f"--{each}" in shown]
    if same:
        return f"it is {same[0]} here"
    arguments = {param.metavar: param for param in command.params if param.param_type_name == "argument"}
    if ARGUMENTS.get(name) in {argument.strip("[].…") for argument in filter(None, arguments)}:
        return f"it is written without a flag: unspool {command.name} {' '.join(filter(None, arguments))}"
    near = nearest(f"--{name}", shown) if len(name) > 1 else None
    return None if near is None else f"did you mean {near}?"


def known_command(wrong: str, names: Iterable[str]) -> str | None:
    """Return a question that names the command that was meant; None where nothing is near."""
    near = COMMANDS.get(wrong.lower()) or nearest(wrong.lower(), names)
    return None if near is None else f"did you mean {near}?"


def nearest(wrong: str, names: Iterable[str]) -> str | None:
    """Return the name that is most like a wrong one, or None if none is."""
    near = difflib.get_close_matches(wrong, list(names), n=1)
    return near[0] if near else None
