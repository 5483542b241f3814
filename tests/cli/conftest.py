"""A tiny corpus, a tiny model, and the command line as a function."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from click.testing import CliRunner, Result

from unspool._cli.app import app

TINY = ["--hidden-size", "8", "--batch-size", "4", "--sequence-length", "16", "--threads", "1"]
WORDS = ("oil", "prices", "rise", "again", "team", "wins", "late", "game")
TEXTS = [f"{a} {b} {c}" for a in WORDS for b in WORDS[:4] for c in WORDS[4:]]

Run = Callable[..., Result]


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """Keep the variables of whoever runs the tests out of them."""
    import os

    for name in list(os.environ):
        if name.startswith("UNSPOOL_"):
            monkeypatch.delenv(name)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("corpus") / "headlines.txt"
    path.write_text("".join(f"{text}\n" for text in TEXTS), "utf-8")
    return path


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory, corpus: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "tiny"
    done = run(["train", str(corpus), "--out", str(folder), "--epochs", "2", "--prompt", "oil ", *TINY])
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture(scope="session")
def table(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("tables") / "ages.csv"
    rows = (
        f"{20 + i % 30},{'yes' if i % 2 else 'no'},{'' if i % 5 else 'XY'[i % 10 // 5]}\n" for i in range(300)
    )
    path.write_text("age,odd,letter\n" + "".join(rows), "utf-8")
    return path


@pytest.fixture(scope="session")
def rows_model(tmp_path_factory: pytest.TempPathFactory, table: Path) -> Path:
    folder = tmp_path_factory.mktemp("runs") / "rows"
    done = run(["train", str(table), "--table", "--out", str(folder), "--epochs", "2", *TINY])
    assert done.exit_code == 0, done.stderr
    return folder


@pytest.fixture
def unspool() -> Run:
    return run


def state_dictionary(folder: Path) -> dict[str, Path]:
    """Write a network as PyTorch has it, and its symbols."""
    from safetensors.numpy import save_file

    shapes = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4), "head.weight": (3, 4)}
    paths = {"STATE": folder / "state.safetensors", "SYMBOLS": folder / "symbols.json"}
    save_file({name: np.ones(shape, np.float32) for name, shape in shapes.items()}, paths["STATE"])
    paths["SYMBOLS"].write_text('["a", "b", "<eos>"]', "utf-8")
    return paths


def run(arguments: list[str], **options: object) -> Result:
    result = CliRunner().invoke(app, arguments, **options)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result
