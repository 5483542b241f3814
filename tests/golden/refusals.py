"""Golden refusals: what each wrong call is told, and what is remarked of strange texts, word for word."""

import gzip
import json
import re
import shutil
import warnings
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import numpy as np

import unspool
from unspool.sweeping import Range

from .models import loaded, trained
from .writing import steady

FEW = ["a cat", "a dog", "a bird"] * 8


def told(records: unspool.Records) -> str:
    """Return how many texts there are, how the first begins, and what is remarked of them."""
    texts = [record.text for record in records]
    remarks = [] if records.notes is None else list(records.notes)
    return "\n".join([f"{len(texts)} texts, first {texts[0][:30]!r}", *map(str, remarks)])


def read(source: Any, **options: Any) -> str:
    """Read a corpus."""
    return told(unspool.read_records(source, reuse=False, **options))


def held(content: bytes, name: str = "x.txt", **options: Any) -> str:
    """Read a file with this content."""
    Path(name).write_bytes(content)
    return read(f"./{name}", **options)


def parquet(columns: dict[str, Any], **options: Any) -> str:
    """Read a file of Parquet with these columns."""
    import pyarrow.parquet

    pyarrow.parquet.write_table(pyarrow.table(columns), "x.parquet")
    return read("./x.parquet", **options)


def sorted_folder(files: dict[str, bytes]) -> str:
    """Make a folder of files anew."""
    shutil.rmtree("folder", ignore_errors=True)
    Path("folder").mkdir()
    for name, content in files.items():
        (Path("folder") / name).write_bytes(content)
    return "./folder"


def of(texts: Any) -> str:
    """Read texts in memory."""
    return told(unspool.Records.of(texts))


def chosen(texts: Any, **options: Any) -> str:
    """Read columns of texts in memory."""
    return told(unspool.read_records(texts, **options))


def frame(*values: Any, **options: Any) -> Any:
    """Make a table of pandas."""
    import pandas

    return pandas.DataFrame(*values, **options)


def open_and_closed(name: str) -> Any:
    """Open a file, and close it."""
    with Path(name).open() as file:
        return file


def fitted(texts: Iterable[Any], **options: Any) -> unspool.Generator:
    """Train the smallest network on texts."""
    options = {"hidden_size": 2, "epochs": 1, "threads": 1, **options}
    return unspool.train(texts, progress=False, **options)


def told_tokenizer(**values: Any) -> unspool.CharTokenizer:
    """Read a tokenizer's file with these values."""
    content = json.loads(unspool.CharTokenizer.fit(["ab"]).to_json()) | values
    return unspool.CharTokenizer.from_json(json.dumps(content), where="t.json")


def g(**options: Any) -> unspool.Generations:
    """Write with a small model."""
    return loaded("lstm").generate(options.pop("prompt", ""), **{"max_new_tokens": 20, "seed": 1, **options})


def copy() -> Path:
    """Return a copy of the folder of a small model."""
    shutil.rmtree("broken", ignore_errors=True)
    return Path(shutil.copytree(trained("lstm"), "broken"))


def damaged(name: str, change: Callable[[Any], Any] | None) -> str:
    """Read a model one of whose files is changed, or gone."""
    file = copy() / name
    if change is None:
        file.unlink()
    elif file.suffix == ".json":
        file.write_text(change(file.read_text("utf-8")), "utf-8")
    else:
        file.write_bytes(change(file.read_bytes()))
    return opened("broken")


def copied(other: str, name: str) -> str:
    """Read a model with a file of another one."""
    shutil.copy(trained(other) / name, copy() / name)
    return opened("broken")


def opened(folder: str) -> str:
    """Read a model, and its index of training texts; return what is warned of."""
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        model = unspool.load(folder, threads=1)
        told = f"{model}, {model.novelty_index and len(model.novelty_index.hashes)} hashes"
    return "\n".join([told, *(str(warning.message) for warning in caught)])


def swept(**options: Any) -> unspool.Sweep:
    """Check a sweep."""
    return unspool.sweep(FEW, out="sweeps/x", config=unspool.SweepConfig(**options))


FUNCTIONS = (
    read, held, parquet, sorted_folder, of, chosen, frame, open_and_closed, fitted, told_tokenizer, g,
    damaged, copied, swept, Path, Range,
)  # fmt: skip
NAMES = {
    "unspool": unspool, "np": np, "FEW": FEW, "m": loaded, "m_folder": trained,
    "gzipped": lambda data: gzip.compress(data, mtime=0),
    **{function.__name__: function for function in FUNCTIONS},
}  # fmt: skip


def said(expression: str) -> str:
    """Return what an expression is, or what it is refused with."""
    try:
        value = eval(expression, dict(NAMES))
        lines = value if isinstance(value, str) else repr(value)
    except Exception as error:
        lines = f"{type(error).__name__}: {error}"
    lines = re.sub(r"\b[0-9a-f]{32}\b", "DIGEST", steady(lines, Path.cwd()))
    return "".join(f"! {line}\n" for line in lines.splitlines())


def refusals(*tables: str) -> str:
    """Return what all expressions of tables are told."""
    expressions = [line for table in tables for line in table.strip().splitlines()]
    return "\n".join(f"> {expression}\n{said(expression)}" for expression in expressions)
