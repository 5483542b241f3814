"""What the program writes is, byte by byte, what it wrote when the golden outputs were made."""

import json
from pathlib import Path

import pytest

from .comparing import as_golden, difference, without_exact
from .make import AREAS
from .setting import DATA, NoKernelsError, environment, made, recorded

DIGESTS = "digests.json"
SEVERAL = ("texts-random.jsonl", DIGESTS)  # made with two threads as well


def made_or_skipped(area: str, folder: Path, *, threads: int = 1) -> str:
    try:
        return made(area, folder, threads=threads)
    except NoKernelsError as error:
        pytest.skip(f"golden outputs need these kernels: {error}")


def elsewhere(text: str, area: str) -> str:
    return without_exact(text) if area == DIGESTS else text


def check(area: str, found: str) -> None:
    golden = (DATA / area).read_text("utf-8")
    if environment() != recorded():
        golden, found = elsewhere(golden, area), elsewhere(found, area)
        found = as_golden(golden, found)
    if told := difference(golden, found, area):
        pytest.fail(f"{told}\nIf it is meant: python -m tests.golden.renew {area}", pytrace=False)


@pytest.mark.parametrize("area", AREAS)
def test_it_writes_what_it_wrote(area: str, tmp_path: Path) -> None:
    check(area, made_or_skipped(area, tmp_path))


@pytest.mark.parametrize(
    "area", [pytest.param(area, marks=[pytest.mark.slow] * (area == "digests.json")) for area in SEVERAL]
)
def test_two_threads_write_the_same(area: str, tmp_path: Path) -> None:
    check(area, made_or_skipped(area, tmp_path, threads=2))


def test_the_digests_are_of_this_environment() -> None:
    if environment() != recorded():
        pytest.skip(
            f"digests of weights are of {recorded()}, this is {environment()}: rounded figures are compared"
        )
    assert all(
        row.get("weights") or row.get("checkpoint")
        for row in json.loads((DATA / DIGESTS).read_text()).values()
    )


def test_there_are_hundreds_of_texts() -> None:
    rows = [row for path in DATA.glob("texts-*.jsonl") for row in path.read_text("utf-8").splitlines()]
    assert sum('"text": ' in row for row in rows) >= 300


def test_the_files_are_small_and_all_of_an_area() -> None:
    files = {path.name: path.stat().st_size for path in DATA.iterdir()}
    assert set(files) == {*AREAS, "environment.json"}
    assert sum(files.values()) < 460_000


def test_figures_of_another_compiler_are_compared_by_their_size() -> None:
    golden = '{"text": "Oil 2.5", "logprob": -12.3456, "digest": "0123456789abcdef"}\n'
    other = golden.replace("-12.3456", "-12.3461").replace("abcdef", "fedcba")
    assert as_golden(golden, other) == golden
    for changed in (golden.replace("Oil", "oil"), golden.replace("-12.3456", "-13.4"), golden + "more\n"):
        assert as_golden(golden, changed) == changed


def test_a_difference_is_told_in_few_lines() -> None:
    golden = "".join(f"{number} {'x' * 400} line {number}\n" for number in range(100))
    assert difference(golden, golden, "area") == ""
    told = difference(golden, golden.replace("line 7\n", "line seven\n").replace("line 5", "five"), "area")
    assert len(told) < 12_000
    assert "line seven" in told
    assert told.startswith("area: ")
