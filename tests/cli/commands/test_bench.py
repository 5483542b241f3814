"""``unspool bench`` as a user meets it."""

import _thread
import dataclasses
import json
import threading
from pathlib import Path
from xml.etree import ElementTree

import pytest

from tests.cli.conftest import Run
from unspool._benchmarking import bench as benchmark
from unspool._benchmarking.bench import OURS, PEER, BenchConfig
from unspool._cli.commands.bench import MEASURING

TINY = ["bench", "--seconds", "0.01", "--cell", "gru", "rnn", "--hidden-size", "8", "--batch-size", "2"]


@pytest.fixture(autouse=True)
def small(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(benchmark, "PRODUCT_SIZES", (16,))
    monkeypatch.setattr(benchmark, "COUNTS", {OURS: (4, 3), PEER: (2, 1)})
    monkeypatch.setattr(benchmark, "installed", lambda package: None)


def test_tables_and_a_picture(unspool: Run, tmp_path: Path) -> None:
    svg = tmp_path / "bench.svg"
    done = unspool([*TINY, "--threads", "1", "--svg", str(svg)])
    assert done.exit_code == 0, done.stderr
    facts, products, training, generation, rest = done.stdout.strip().split("\n\n")
    assert "1 thread" in facts
    assert "NumPy's BLAS\tfloat32\t16\t" in products
    assert [row.split("\t")[:3] for row in training.splitlines()[1:]] == [
        ["gru", "8", "2"],
        ["rnn", "8", "2"],
    ]
    assert [row.split("\t")[2] for row in generation.splitlines()[1:]] == ["1", "2", "1", "2"]
    assert "PyTorch absent  torch is not installed" in rest
    assert "training: gru, 8 units, 2 at once" in done.stderr
    assert ElementTree.parse(svg).getroot().tag.endswith("svg")
    refused = unspool([*TINY, "--svg", str(svg)])
    assert refused.exit_code == 2
    assert "--overwrite" in refused.stderr


def test_ctrl_c_waits_for_no_step_that_is_measured(unspool: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    """A native call hears no signal; the main thread, which does, is free while it runs."""

    def measure(*arguments: object, **options: object) -> None:
        _thread.interrupt_main()
        ended.wait(60)

    ended = threading.Event()
    monkeypatch.setattr(benchmark, "bench", measure)
    began = threading.active_count()
    done = unspool(["bench"])
    assert done.exit_code == 130
    assert threading.active_count() == began + 1  # it is left, and not waited for
    ended.set()


def test_one_document(unspool: Run) -> None:
    done = unspool([*TINY, "--json"])
    assert done.exit_code == 0, done.stderr
    document = json.loads(done.stdout)
    assert document["machine"]["precision"] == "float32"
    assert document["training"][0]["characters_per_second"]["unspool"]["median"] > 0
    assert document["training"][0]["ratio"] is None


@pytest.mark.parametrize(
    ("flags", "said"),
    [
        (["--seconds", "0"], "seconds"), (["--cell", "cnn"], "lstm, gru"),
        (["--hidden-size", "big"], "'big'"),
        (["--batch-size", "0"], "--batch-size must be"),
        (["--threads", "0"], "threads"), (["--svg", "x.png"], ".svg"),
    ],
)  # fmt: skip
def test_bad_input_is_one_line(unspool: Run, flags: list[str], said: str) -> None:
    done = unspool(["bench", *flags])
    assert done.exit_code == 2
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1


def test_flags_and_defaults_are_those_of_the_library() -> None:
    fields = {field.name: field.default for field in dataclasses.fields(BenchConfig)}
    assert [flag.name for flag in MEASURING.flags] == list(fields)
    for flag in MEASURING.flags:
        default = fields[flag.name]
        if isinstance(default, tuple):
            assert flag.default == " ".join(map(str, default))
        elif default is not None:
            assert type(default)(flag.default or "") == default
