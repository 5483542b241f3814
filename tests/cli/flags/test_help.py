"""Flags that take several values are read as if they were repeated."""

import pytest

from unspool._cli.flags.help import repeated


@pytest.mark.parametrize(
    ("line", "written"),
    [
        (["x", "--cell", "a", "b", "--n", "1"], ["x", "--cell", "a", "--cell", "b", "--n", "1"]),
        (["--cell", "a", "--cell", "b"], ["--cell", "a", "--cell", "b"]),
        (["--n", "1", "x"], ["--n", "1", "x"]),
        (["--cell", "a", "--", "b"], ["--cell", "a", "--", "b"]),
        (["--cell", "-", "--n"], ["--cell", "-", "--n"]),
        (["--cell=a", "b"], ["--cell=a", "b"]),
        (["--cell", "--n"], ["--cell", "--n"]),
        (["--cell"], ["--cell"]),
    ],
)
def test_a_flag_of_several_values_is_repeated(line: list[str], written: list[str]) -> None:
    assert repeated(line, {"--cell"}) == written
