"""Train a small recurrent text generator on your own text, and write with it.

::

    import unspool

    model = unspool.train(unspool.read_records("headlines.csv", text="title"), out="runs/headlines")
    for generation in unspool.load("runs/headlines").generate("Today ", n=5, temperature=0.8):
        print(generation.text)

The public names stand in ``__init__.pyi``. Nothing is loaded before it is used: each name is imported from
its home when it is first asked for.
"""

import importlib
import re
from pathlib import Path

from unspool import _installed

_installed.check()

_STUB = Path(__file__).with_suffix(".pyi").read_text("utf-8")
_HOMES = {name: home for home, name in re.findall(r"^from (\S+) import (\w+) as", _STUB, flags=re.MULTILINE)}

__all__ = ["__version__", *_HOMES]  # noqa: PLE0604 - strings all

# What other libraries call it -> the public name.
_ELSEWHERE = {
    "fit": "train", "Trainer": "train", "load_model": "load", "from_pretrained": "load", "pipeline": "load",
    "Model": "Generator", "Sequential": "Generator", "Tokenizer": "CharTokenizer", "Dataset": "Records",
    "TrainingArguments": "TrainingConfig", "GenerationConfig": "GenerationOptions",
    "load_dataset": "read_records", "read_csv": "read_records",
}  # fmt: skip


def __getattr__(name: str) -> object:
    """Import a public name from its home, once."""
    if name == "__version__":
        from importlib.metadata import version  # noqa: PLC0415 - reading the metadata takes its time

        value: object = version("unspool")
    elif name in _HOMES:
        value = getattr(importlib.import_module(_HOMES[name]), name)
    else:
        here = _ELSEWHERE.get(name)
        hint = f"; it is unspool.{here} here" if here else ""
        raise AttributeError(f"module 'unspool' has no attribute {name!r}{hint}")
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    """List the public names, those not yet imported as well."""
    return sorted({*globals(), *__all__})
