"""What is found at a path: every form by its content, and what is never read, with what to do instead."""

import io
import pickle
import zipfile
from pathlib import Path

import pytest

import unspool
from unspool._importing.importers import IMPORTERS, kind_of


def _archive(name: str) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w") as archive:
        archive.writestr(name, b"x")
    return out.getvalue()


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("model.pt", _archive("model/data.pkl"), r"save_file\(model.state_dict\(\), 'model.safetensors'\)"),
        ("model.bin", _archive("archive/data.pkl"), "from safetensors.torch import save_file"),
        ("old.pth", pickle.dumps({"a": 1}), "is a pickle"),
        ("model.h5", b"\x89HDF\r\n\x1a\n" + bytes(100), r"model.save\('model.keras'\)"),
        ("text.txt", b"hello", "got something else"),
        ("empty", b"", "got something else"),
    ],
)
def test_what_is_never_read_says_what_to_do(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    path = tmp_path / name
    path.write_bytes(content)
    with pytest.raises(unspool.ArtifactError, match=message):
        unspool.import_model(path, tokenizer=["a"])


def test_nothing_and_an_empty_folder_are_refused(tmp_path: Path) -> None:
    with pytest.raises(unspool.ArtifactError, match="no such file or folder"):
        unspool.import_model(tmp_path / "none")
    with pytest.raises(unspool.ArtifactError, match="a folder with none of these"):
        unspool.import_model(tmp_path)


def test_a_model_folder_is_one_already(tmp_path: Path) -> None:
    unspool.train(["abc"] * 9, hidden_size=4, epochs=1, progress=False).save(tmp_path / "m")
    for path in (tmp_path / "m", tmp_path / "m" / "model.safetensors"):
        with pytest.raises(unspool.ArtifactError, match=r"m is a model folder already; .*unspool sample"):
            unspool.import_model(path)


def test_the_table_names_functions() -> None:
    for name, row in IMPORTERS.items():
        assert row.name == name
        assert ":" in row.function


def test_a_file_is_known_by_its_content(tmp_path: Path) -> None:
    path = tmp_path / "anything"
    path.write_bytes(_archive("config.json"))
    assert kind_of(path) == "keras"
    path.write_bytes((10).to_bytes(8, "little") + b"{}        ")
    assert kind_of(path) == "state"
