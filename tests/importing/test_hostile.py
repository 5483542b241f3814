"""Files that are made to harm whoever reads them: one error, in a bearable time."""

import io
import json
import os
import struct
import warnings
import zipfile
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

import unspool
from tests.importing.foreign import SYMBOLS
from tests.importing.test_keras import DENSE, archived, lstm_weights, recurrent
from unspool._importing.hdf5 import hdf5_arrays
from unspool._importing.keras_archive import unpacked
from unspool._importing.tensors import tensors_of


def _tensors(header: dict[str, Any] | str, data: bytes = b"") -> bytes:
    text = header if isinstance(header, str) else json.dumps(header)
    return struct.pack("<Q", len(text)) + text.encode() + data


def _one(**entry: Any) -> dict[str, Any]:
    return {"x": {"dtype": "F32", "shape": [2], "data_offsets": [0, 8]} | entry}


WHOLE = save({"x": np.ones(2, np.float32)})


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (b"", "expected a safetensors file"),
        (WHOLE[:-1], "expected a place that holds its shape"),
        (WHOLE + b"x", "those that its header declares"),
        (struct.pack("<Q", 1 << 62) + b"{}", "expected a safetensors file"),
        (_tensors("{" * 200), "expected JSON"),
        (_tensors('{"x":' + "[" * 5000 + "]" * 5000 + "}"), "levels"),
        (_tensors('{"x": 1, "x": 2}'), "a key that is there twice"),
        (_tensors(_one(shape=[1 << 39, 1 << 39]), bytes(8)), "expected a place that holds its shape"),
        (_tensors(_one(shape=[1 << 50]), bytes(8)), "at most 4 axes"),
        (_tensors(_one(shape=[-2, -1]), bytes(8)), "at most 4 axes"),
        (_tensors(_one(shape=[2.0]), bytes(8)), "at most 4 axes"),
        (_tensors(_one(shape=[1] * 5), bytes(8)), "at most 4 axes"),
        (_tensors(_one(data_offsets=[8, 16]), bytes(8)), "expected a place that holds its shape"),
        (_tensors(_one(data_offsets=[8, 0]), bytes(8)), "expected a place that holds its shape"),
        (_tensors(_one(dtype="I8", shape=[8]), bytes(8)), "expected numbers of type F64, F32, F16, BF16"),
        (_tensors({"x": 3}, bytes(8)), "expected dtype, shape and data_offsets"),
    ],
    ids=range(16),
)
def test_a_broken_safetensors_file_is_one_error(raw: bytes, message: str) -> None:
    with pytest.raises(unspool.ArtifactError, match=message):
        tensors_of(raw, where="file")


@pytest.mark.parametrize("number", [np.nan, np.inf, 1e300])
def test_numbers_beyond_float32_are_named(number: float, tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"rnn.weight_ih_l0": np.full((4, 4), number)}))
    with pytest.raises(unspool.ArtifactError, match=r"rnn.weight_ih_l0: expected finite numbers"):
        unspool.import_model(path, tokenizer=SYMBOLS)


def _zip(*entries: tuple[str, bytes], method: int = zipfile.ZIP_STORED) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", method) as archive, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of a name that is there twice
        for name, content in entries:
            archive.writestr(name, content)
    return out.getvalue()


CONFIG, WEIGHTS = ("config.json", b"{}"), ("model.weights.h5", b"x")
BOMB = _zip(CONFIG, ("model.weights.h5", bytes(1 << 26)), method=zipfile.ZIP_DEFLATED)


def _lying(size: int) -> bytes:
    """Give an archive whose entries say less than what comes out of them."""
    return BOMB.replace(struct.pack("<I", 1 << 26), struct.pack("<I", size))


@pytest.mark.parametrize(
    ("raw", "message"),
    [
        (BOMB, r"^m.keras: model.weights.h5: expected at most [\d,]+ bytes, got 67,108,864"),
        (_lying(10), "expected a .keras file"),
        (_zip(CONFIG, WEIGHTS, ("../../etc/passwd", b"")), "names in the archive: .*passwd"),
        (_zip(CONFIG, WEIGHTS, ("/abs", b"")), "names in the archive"),
        (_zip(CONFIG, WEIGHTS, ("assets/../../x", b"")), "names in the archive"),
        (_zip(CONFIG, WEIGHTS, CONFIG), "names in the archive: expected .*each once"),
        (_zip(*[(f"assets/{i}", b"") for i in range(100)]), "names in the archive"),
        (_zip(CONFIG), "has no model.weights.h5"),
        (_zip(CONFIG, WEIGHTS)[:-30], "expected a .keras file"),
        (_zip(CONFIG, WEIGHTS).replace(b"{}", b"[]", 1), "expected a .keras file"),  # its checksum is another
        (b"PK\x03\x04" + bytes(50), "expected a .keras file"),
    ],
    ids=range(11),
)
def test_a_broken_archive_is_one_error(raw: bytes, message: str) -> None:
    with pytest.raises(unspool.ArtifactError, match=message):
        unpacked(raw, where="m.keras")


def _hdf5(write: Any) -> bytes:
    h5py = pytest.importorskip("h5py")
    out = io.BytesIO()
    with h5py.File(out, "w") as file:
        write(h5py, file)
    return out.getvalue()


def _external_link(h5py: Any, file: Any) -> None:
    file["layers"] = h5py.ExternalLink("/etc/passwd", "/")


def _soft_link(h5py: Any, file: Any) -> None:
    file["layers"] = h5py.SoftLink("/")


def _circle(h5py: Any, file: Any) -> None:
    file["a/b"] = file.create_group("a") and file["a"]


def _elsewhere(h5py: Any, file: Any) -> None:
    file.create_dataset("x", (4,), "f4", external=[("/etc/hostname", 0, 16)])


def _huge(h5py: Any, file: Any) -> None:
    file.create_dataset("x", (1 << 34,), "f4", chunks=(1 << 20,))


def _virtual(h5py: Any, file: Any) -> None:
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("/etc/other.h5", "x", (4,))
    file.create_virtual_dataset("x", layout)


def _objects(h5py: Any, file: Any) -> None:
    file.create_dataset("x", (2,), h5py.string_dtype())


def _packed(h5py: Any, file: Any) -> None:
    file.create_dataset("x", data=np.zeros(1 << 16, "f4"), compression="gzip")


def _not_finite(h5py: Any, file: Any) -> None:
    file["x"] = np.array([np.nan], "f4")


@pytest.mark.parametrize(
    ("write", "message"),
    [
        (_external_link, "layers is a link to another place"),
        (_soft_link, "layers is a link to another place"),
        (_circle, "too many levels"),
        (_elsewhere, "x is of type float32, compressed, or lies in another file"),
        (_virtual, "lies in another file"),
        (_huge, "larger than its file"),
        (_objects, "x is of type object"),
        (_packed, "compressed"),
        (_not_finite, "x: expected finite numbers"),
    ],
    ids=lambda each: getattr(each, "__name__", ""),
)
def test_an_hdf5_file_that_leads_elsewhere_is_one_error(write: Any, message: str) -> None:
    with pytest.raises(unspool.ArtifactError, match=message):
        hdf5_arrays(_hdf5(write), where="weights")


def test_a_damaged_hdf5_file_is_one_error_whatever_the_library_does() -> None:
    whole = _hdf5(lambda h5py, file: file.create_dataset("x", data=np.ones(100, "f4")))
    with pytest.raises(unspool.ArtifactError, match="weights: expected an HDF5 file of plain arrays"):
        hdf5_arrays(whole[:300], where="weights")


def test_a_reader_that_crashes_or_hangs_is_one_error(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("h5py")
    monkeypatch.setattr("unspool._importing.hdf5.READER", "os")  # ends with 0 and says nothing
    with pytest.raises(unspool.ArtifactError):
        hdf5_arrays(b"x", where="weights")
    monkeypatch.setattr("unspool._importing.hdf5.SECONDS", 0.0)
    with pytest.raises(unspool.ArtifactError, match="in the time and memory that it has"):
        hdf5_arrays(b"x", where="weights")


def test_deep_json_in_a_model_is_one_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    pytest.importorskip("h5py")
    path = archived(tmp_path / "m.keras", [recurrent(), DENSE], lstm_weights())
    raw = path.read_bytes()
    with zipfile.ZipFile(io.BytesIO(raw)) as archive:
        weights = archive.read("model.weights.h5")
    path.write_bytes(
        _zip(("config.json", b'{"config":' * 5000 + b"1" + b"}" * 5000), ("model.weights.h5", weights))
    )
    with pytest.raises(unspool.ArtifactError, match="levels"):
        unspool.import_model(path, tokenizer=SYMBOLS)


def test_a_fifo_and_a_huge_file_are_not_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(unspool.ArtifactError, match="a named pipe, not a file"):
        unspool.import_model(tmp_path / "pipe", tokenizer=SYMBOLS)
    monkeypatch.setattr("unspool._importing.tensors.MOST_BYTES", 100)
    path = tmp_path / "x.safetensors"
    path.write_bytes(save({"x": np.ones(100, np.float32)}))
    with pytest.raises(unspool.ArtifactError, match="expected at most 100 bytes"):
        unspool.import_model(path, tokenizer=SYMBOLS)


def test_the_checksum_of_the_bomb_is_real() -> None:
    """A bomb whose sizes are looked at first would unpack to what it says."""
    assert zlib.crc32(bytes(1 << 26)) in {entry.CRC for entry in zipfile.ZipFile(io.BytesIO(BOMB)).infolist()}
