"""Whatever takes a path says in one line what is none; an empty one is not the working folder."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save_file

import unspool
from tests.cli.conftest import run
from unspool import TrainingConfig
from unspool._storage import make_folder, path_of

BAD: tuple[Any, ...] = ("", 5, b"names", ["names"], "a\0b", float("nan"))
ONCE = TrainingConfig(epochs=1, threads=1)
TEXTS = [f"{a}{b}" for a in "abcdef" for b in "uvwxyz"]
Use = Callable[[unspool.Generator, Any], object]

TAKES: dict[str, Use] = {
    "load": lambda model, path: unspool.load(path),
    "Generator.load": lambda model, path: unspool.Generator.load(path),
    "save": lambda model, path: model.save(path),
    "export": lambda model, path: model.export("html", path),
    "train": lambda model, path: unspool.train(TEXTS, out=path, training=ONCE),
    "init_from": lambda model, path: unspool.train(TEXTS, init_from=path, training=ONCE),
    "resume": lambda model, path: unspool.train(TEXTS, out=path, resume=True),
    "sweep": lambda model, path: unspool.sweep(TEXTS, out=path),
    "import_model": lambda model, path: unspool.import_model(path),
}
NEEDS = {"load", "Generator.load", "save", "sweep", "import_model"}  # where None is nothing to leave out


@pytest.fixture(scope="module")
def model() -> unspool.Generator:
    return unspool.train(TEXTS, training=ONCE)


@pytest.mark.parametrize("use", TAKES)
@pytest.mark.parametrize("path", [*BAD, None], ids=repr)
def test_what_is_no_path_is_refused(model: unspool.Generator, use: str, path: Any) -> None:
    if path is None and use not in NEEDS:
        return
    before = sorted(Path().iterdir())
    with pytest.raises(unspool.ConfigError, match=r"^\w+ must be a path; got ") as error:
        TAKES[use](model, path)
    assert len(str(error.value)) < 100
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize("given", ["", b"names", 5, 0.5, "a\0b"], ids=repr)
def test_what_are_no_symbols_is_refused(given: Any, tmp_path: Path) -> None:
    shapes = {"weight_ih_l0": (16, 3), "weight_hh_l0": (16, 4), "head.weight": (3, 4)}
    save_file(
        {name: np.ones(shape, np.float32) for name, shape in shapes.items()}, tmp_path / "a.safetensors"
    )
    with pytest.raises(unspool.InputError, match=r"^tokenizer"):
        unspool.import_model(tmp_path / "a.safetensors", tokenizer=given)


@pytest.mark.parametrize("to", [[], None, 5, {}], ids=repr)
def test_what_is_no_form_is_refused(model: unspool.Generator, to: Any) -> None:
    with pytest.raises(unspool.ConfigError, match=r"^to must be one of html"):
        model.export(to)


@pytest.mark.parametrize(
    "line",
    [
        "train names.txt --out", "train names.txt --init-from", "train names.txt --validation",
        "train names.txt --config", "sample DIR --out", "sample DIR --against", "sample DIR --source-file",
        "score DIR names.txt --out", "score DIR names.txt --svg", "score DIR names.txt --against",
        "audit DIR --out", "export DIR --to html --out", "quantize DIR --to int8 --out",
        "quantize DIR --to int8 --on", "import DIR --out", "import DIR --tokenizer", "sweep names.txt --out",
        "sweep names.txt --train-best", "bench --svg", "demo --out", "serve DIR --api-key-file",
    ],
)  # fmt: skip
def test_an_empty_flag_is_no_path(line: str) -> None:
    before = sorted(Path().iterdir())
    done = run([*line.split(), ""])
    assert (done.exit_code, done.stdout) == (2, "")
    assert f"{line.rsplit(maxsplit=1)[-1]} must be a path; got ''" in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert sorted(Path().iterdir()) == before


@pytest.mark.parametrize(
    "command", ["sample", "score", "audit", "eval", "enumerate", "classify", "export", "push"]
)
def test_an_empty_folder_is_not_the_working_folder(
    model: unspool.Generator, command: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    model.save(tmp_path)
    monkeypatch.chdir(tmp_path)
    rest = {
        "score": ["-"],
        "eval": ["-"],
        "classify": ["-"],
        "export": ["--to", "html"],
        "push": ["user/name"],
    }
    done = run([command, "", *rest.get(command, [])], input="a\n")
    assert (done.exit_code, done.stdout) == (2, "")
    assert "folder must be a path; got ''" in done.stderr


def test_a_path_is_what_python_knows_as_one(tmp_path: Path) -> None:
    assert path_of("out", "a/b") == path_of("out", Path("a", "b")) == Path("a/b")


def test_the_names_of_new_folders_reach_the_disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    synced: list[Path] = []
    monkeypatch.setattr("unspool._storage.sync_folder", synced.append)
    (tmp_path / "there").mkdir()
    make_folder(tmp_path / "there" / "a" / "b")
    assert (tmp_path / "there" / "a" / "b").is_dir()
    assert set(synced) == {tmp_path / "there", tmp_path / "there" / "a"}
    make_folder(tmp_path / "there" / "a" / "b")
    assert len(synced) == 2, "what was there is on the disk"
