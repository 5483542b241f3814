"""The same figures are the same picture, byte by byte."""

import dataclasses
import hashlib
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.sweeping.runs import ended
from unspool._benchmarking.bench import OURS, PEER, Bench, MeasuredSpeed, ProductRate
from unspool._benchmarking.machine import Machine
from unspool._benchmarking.picture import draw_bench
from unspool._benchmarking.turns import Spread
from unspool._evaluation.audit.picture import draw_lengths
from unspool._sweeping.picture import draw_sweep
from unspool._sweeping.results import Sweep, outcomes
from unspool._sweeping.verdict import judge
from unspool._training.folder.loss_curve import draw


def loss() -> str:
    training = [(float(step), 2 + 3 / step) for step in range(1, 400, 3)]
    return draw("a & b", training, [(100.0, 2.5), (200.0, 2.25), (300.0, 2.375)])


def training_alone() -> str:
    return draw("without held-out text", [(1.0, 5.0), (2.0, 4.0)], [])


def lengths() -> str:
    return draw_lengths("copied", [3, 4, 4, 5, 12, 40], [3, 3, 5, 6])


def sweep() -> str:
    runs = [
        ended(2.0), ended(2.25, seed=1), ended(2.5, cell="gru"), ended(3.0, cell="rnn", state="pruned"),
        ended(4.0, hidden_size=64),
    ]  # fmt: skip
    found = tuple(outcomes(runs))
    verdict = judge(found, seeds=2)
    return draw_sweep(
        Sweep(folder=Path("x"), description="names.txt", outcomes=found, best=verdict.best,
              verdict=verdict.sentence, complete=True)
    )  # fmt: skip


def bench() -> str:
    machine = Machine(
        processor="A processor", vectors="AVX2", bf16=None, kernels="avx2", precision="float32", cores=2,
        threads=2, system="Linux", python="3", load=0.0,
        versions={"unspool": "1", "numpy": "2", "torch": "3"},
    )  # fmt: skip
    speed = MeasuredSpeed(
        cell="lstm", hidden_size=64, batch_size=8, operations=1_000_000, gflops=10.0,
        characters_per_second={
            OURS: Spread(9000.0, 8000.0, 9500.0, 5), PEER: Spread(7000.0, 6000.0, 7200.0, 5)
        },
        machine_gflops=Spread(40.0, 38.0, 41.0, 5), share=0.25, peer=PEER, ratio=9 / 7,
    )  # fmt: skip
    product = ProductRate(
        contender="numpy", precision="float32", size=512, gflops=Spread(39.0, 37.0, 40.0, 5)
    )
    return draw_bench(
        Bench(machine=machine, vocab_size=84, sequence_length=64, peak_gflops={"float32": 40.0},
              products=(product,), training=(speed,),
              generation=(speed, dataclasses.replace(speed, batch_size=1)), absent={})
    )  # fmt: skip


# After a change on purpose, look at the picture; its digest is in the message of the failure.
@pytest.mark.parametrize(
    ("picture", "digest"),
    [
        (loss, "ec45af2d86c59ab1"),
        (training_alone, "6338ee80325f5d15"),
        (lengths, "a6d19196583fbbcf"),
        (sweep, "a78b39beb2e9a22a"),
        (bench, "08e047146fe340c1"),
    ],
)
def test_a_picture_is_drawn_as_before(picture: Callable[[], str], digest: str) -> None:
    assert hashlib.sha256(picture().encode()).hexdigest()[:16] == digest
