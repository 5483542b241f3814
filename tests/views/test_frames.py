"""Data frames of either library, and the words where neither is there."""

import sys
from typing import Any

import pytest

import unspool
from unspool._extras import install_command
from unspool._views.frames import data_frame

ROWS: list[dict[str, Any]] = [{"a": 1, "b": None}, {"a": 2.5, "b": "x", "c": True}]


@pytest.mark.parametrize("library", ["pandas", "polars"])
def test_rows_become_columns_in_order(library: str) -> None:
    module = pytest.importorskip(library)
    frame = data_frame(("c", "a", "b"), iter(ROWS), library)
    assert isinstance(frame, module.DataFrame)
    assert list(frame.columns) == ["c", "a", "b"]
    assert list(frame["a"]) == [1, 2.5]
    assert list(frame["b"])[1] == "x"
    assert len(data_frame(("a",), [], library)) == 0


@pytest.mark.parametrize("there", ["pandas", "polars"])
def test_the_library_that_is_there_is_taken(there: str, monkeypatch: pytest.MonkeyPatch) -> None:
    module = pytest.importorskip(there)
    missing = "polars" if there == "pandas" else "pandas"
    monkeypatch.setitem(sys.modules, missing, None)
    assert isinstance(data_frame(("a",), ROWS), module.DataFrame)
    with pytest.raises(unspool.ConfigError) as caught:
        data_frame(("a",), ROWS, missing)
    assert str(caught.value) == (
        f"a data frame needs {missing}, and it is not installed; {install_command(missing)}"
    )


def test_without_either_the_command_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    for library in ("pandas", "polars"):
        monkeypatch.setitem(sys.modules, library, None)
    with pytest.raises(unspool.ConfigError, match="needs pandas or polars, and it is not") as caught:
        data_frame(("a",), ROWS)
    assert str(caught.value).endswith(install_command("pandas"))


def test_another_library_is_refused() -> None:
    with pytest.raises(unspool.ConfigError, match="library must be pandas, polars, or None"):
        data_frame(("a",), ROWS, "arrow")
