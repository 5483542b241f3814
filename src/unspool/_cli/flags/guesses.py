"""Advice for a flag or a command that does not exist: what it is called here."""

import difflib
from collections.abc import Iterable

import click

from unspool._cli.flags.flag import PanelOption, spelled

# What people write by habit, beside what the rows of options and the arguments of `train` are called
# elsewhere; the first of these flags that a command has counts.
FLAGS: dict[str, tuple[str, ...]] = {
    "time": ("minutes-per-trial",),
    "device": ("threads",),
    "num-workers": ("workers",),
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
    from unspool._training.by_name import ARGUMENTS as OF_TRAIN

    name = wrong.lstrip("-").replace("_", "-").lower()
    flags = [flag for param in command.params if param.param_type_name == "option" for flag in param.opts]
    shown = [flag for flag in flags if flag.startswith("--")]
    rows = [param.flag for param in command.params if isinstance(param, PanelOption)]
    plain = name.replace("-", "_")
    same = [spelled(row.name) for row in rows if plain in (*row.elsewhere, *OF_TRAIN.get(row.name, ()))]
    same += [f"--{each}" for each in FLAGS.get(name, ()) if f"--{each}" in shown]
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
