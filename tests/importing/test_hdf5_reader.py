"""The reader of HDF5 files, called here: what it takes, what it refuses, and how it ends."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load

from unspool._importing import hdf5_reader
from unspool._importing.hdf5_reader import NotReadError, arrays_of, checked, datasets, main

h5py = pytest.importorskip("h5py")
LONG = np.dtype(np.longdouble)
LONGER = pytest.mark.skipif(LONG.itemsize == 8, reason="a long double is a double here")


def written(path: Path, **arrays: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, array in arrays.items():
            file[name.replace("__", "/")] = array
    return path


def refused(path: Path, most: int = 1 << 20) -> str:
    with pytest.raises(NotReadError) as error:
        arrays_of(str(path), most)
    return str(error.value)


def test_all_floats_come_by_their_paths_as_float32(tmp_path: Path) -> None:
    path = written(tmp_path / "a.h5", a=np.arange(3, dtype="f4"), b__c=np.ones((1, 2, 1, 2), "f8"),
                   b__d__e=np.array(0.5, "f2"), step=np.array(7), flags=np.zeros(3, "u1"))  # fmt: skip
    found = arrays_of(str(path), 12 + 32 + 2)
    assert {name: (array.dtype.str, array.shape) for name, array in found.items()} == {
        "a": ("<f4", (3,)), "b/c": ("<f4", (1, 2, 1, 2)), "b/d/e": ("<f4", ()),
    }  # fmt: skip
    assert (found["a"].tolist(), float(found["b/d/e"])) == ([0, 1, 2], 0.5)
    assert refused(path, 12 + 32 + 1) == "b/d/e is one array too many, or larger than its file"


@pytest.mark.parametrize(
    ("array", "words"),
    [
        (np.zeros((1, 1, 1, 1, 1), "f4"), "x has 5 axes of type float32"),
        pytest.param(np.zeros(2, LONG), f"x has 1 axes of type {LONG.name}", marks=LONGER),
        (np.zeros(2, "c8"), "x is of type complex64, compressed, or lies in another file"),
    ],
    ids=["axes", "long", "complex"],
)
def test_an_array_of_other_numbers_is_refused(array: Any, words: str, tmp_path: Path) -> None:
    assert refused(written(tmp_path / "a.h5", x=array)) == words


def test_the_bytes_of_an_array_are_counted(tmp_path: Path) -> None:
    with h5py.File(written(tmp_path / "a.h5", x=np.zeros((3, 5), "f8"), y=np.zeros((), "f2"))) as file:
        assert (checked("x", file["x"]), checked("y", file["y"])) == (120, 2)


def test_a_packed_array_and_one_of_another_file_are_refused(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.create_dataset("x", data=np.zeros(1 << 10, "f4"), compression="gzip")
    lies = "x is of type float32, compressed, or lies in another file"
    assert refused(tmp_path / "a.h5") == lies
    with h5py.File(tmp_path / "b.h5", "w") as file:
        file.create_dataset("x", (4,), "f4", external=[(str(tmp_path / "raw"), 0, 16)])
    assert refused(tmp_path / "b.h5") == lies
    layout = h5py.VirtualLayout((4,), "f4")
    layout[:] = h5py.VirtualSource("other.h5", "x", (4,))
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file.create_virtual_dataset("x", layout)
    assert refused(tmp_path / "c.h5") == lies


def test_no_more_arrays_levels_and_members_are_read_than_a_model_has(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hdf5_reader, "MOST_OBJECTS", 2)
    names = ["a", "b__x", "b__y"]
    path = written(tmp_path / "a.h5", **{name: np.zeros(1, "f4") for name in names[:2]})
    assert list(arrays_of(str(path), 8)) == ["a", "b/x"]
    path = written(tmp_path / "b.h5", **{name: np.zeros(1, "f4") for name in names})
    assert refused(path) == "b/y is one array too many, or larger than its file"
    path = written(tmp_path / "c.h5", a=np.zeros(1), b=np.zeros(1), c=np.zeros(1))
    assert refused(path) == "/ has too many levels or members"
    monkeypatch.setattr(hdf5_reader, "MOST_LEVELS", 1)
    assert list(arrays_of(str(written(tmp_path / "d.h5", a__b=np.zeros(1, "f4"))), 4)) == ["a/b"]
    assert refused(written(tmp_path / "e.h5", a__b__c=np.zeros(1, "f4"))) == (
        "a/b has too many levels or members"
    )


def test_what_leads_elsewhere_is_not_followed(tmp_path: Path) -> None:
    for link in (h5py.SoftLink("/a"), h5py.ExternalLink("other.h5", "/")):
        with h5py.File(tmp_path / "a.h5", "w") as file:
            file["a/b"] = np.zeros(1, "f4")
            file["a/z"] = link
        assert refused(tmp_path / "a.h5") == "a/z is a link to another place, which is not followed"
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["a/kind"] = np.dtype("f4")
        with pytest.raises(NotReadError, match=r"^a/kind is neither a group nor an array$"):
            list(datasets(file))


@pytest.fixture
def limits(monkeypatch: pytest.MonkeyPatch) -> list[dict[str, int]]:
    """Keep the limits that the reader sets for itself, which are not set here."""
    asked = list[dict[str, int]]()
    monkeypatch.setattr(hdf5_reader, "limit_resources", lambda **limits: asked.append(limits))
    return asked


def test_the_program_writes_the_arrays(
    tmp_path: Path, limits: list[dict[str, int]], capfdbinary: pytest.CaptureFixture[bytes]
) -> None:
    assert main(str(written(tmp_path / "a.h5", a__b=np.array([1.5], "f8"))), "8") == 0
    out, err = capfdbinary.readouterr()
    assert {name: array.tolist() for name, array in load(out).items()} == {"a/b": [1.5]}
    assert (err, limits) == (b"", [{"seconds": 60, "memory": 4 * 1024**3}])


def test_the_program_says_in_a_line_what_it_cannot_read(
    tmp_path: Path, limits: list[dict[str, int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    def failing(error: Exception) -> str:
        def fail(path: str, most: int) -> None:
            assert (path, most) == ("a.h5", 9)
            raise error

        monkeypatch.setattr(hdf5_reader, "arrays_of", fail)
        monkeypatch.setattr("sys.stderr", said := io.StringIO())
        assert main("a.h5", "9") == 2
        return said.getvalue()

    assert failing(NotReadError("a\nb")) == "a b\n"
    assert failing(OSError("no\nsuch")) == "HDF5 cannot read it: no such\n"
    assert failing(RuntimeError()) == "HDF5 cannot read it: RuntimeError\n"
    assert failing(NotReadError("x" * 600)) == "x" * 500 + "\n"
