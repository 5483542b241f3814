"""A training that cannot fit into the memory is refused before anything is made."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

import unspool
from unspool import ConfigError, _system
from unspool._network import memory
from unspool._training.optimizers import arrays_of

TEXTS = ["a cat", "a dog"] * 500  # 6,000 symbols, a tenth held out
SMALL = {"epochs": 1, "hidden_size": 8, "validation_fraction": None}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"hidden_size": 65536}, "hidden_size 65536 and num_layers 1: .*smaller hidden_size"),
        ({"hidden_size": 8192, "num_layers": 1024}, "hidden_size 8192 and num_layers 1024"),
    ],
)
def test_a_network_beyond_the_machine_is_refused_at_once(
    options: dict[str, int], words: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(memory, "memory_size", lambda: 10**11)
    with pytest.raises(ConfigError, match=f"{words}.*") as error:
        unspool.train(TEXTS, **{**SMALL, **options})  # type: ignore[arg-type]
    assert "at most 100.0 GB, the memory of this machine" in str(error.value)


def test_a_network_is_refused_before_its_speed_is_measured() -> None:
    with pytest.raises(ConfigError, match="hidden_size 65536 and num_layers 1024"):
        unspool.train(TEXTS, minutes=1, hidden_size=65536, num_layers=1024)


def test_a_step_beyond_the_machine_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    # LSTM of 8 units, in float32, for each of the 6,000 symbols of one window: 4 gates, two states before the
    # step and after it, and the gradient of the hidden state
    needed = 6000 * (4 + 4 + 1) * 8 * 4
    wide = {**SMALL, "batch_size": 1, "sequence_length": 1 << 20}
    monkeypatch.setattr(memory, "memory_size", lambda: needed)
    with pytest.raises(
        ConfigError,
        match=r"0\.0 GB for a step; choose a smaller batch_size or .*: about 5,\d{3} symbols a step",
    ):
        unspool.train(TEXTS, **wide)  # type: ignore[arg-type]
    monkeypatch.setattr(memory, "memory_size", lambda: needed + 100_000)  # the parameters need 16 bytes each
    unspool.train(TEXTS, **wide)  # type: ignore[arg-type]


STEPS = [  # a network, and the floats that a step of it keeps of each symbol
    ({}, 128 * (4 + 4 + 1)),
    ({"cell": "rnn"}, 128 * (1 + 2 + 1)),
    ({"cell": "gru"}, 128 * (3 + 1 + 2 + 1)),  # the reset gate is kept beside what it was multiplied with
    ({"num_layers": 3}, 128 * (3 * 8 + 1)),
    ({"num_layers": 3, "dropout": 0.1}, 128 * (3 * 9 + 1)),  # what each layer hands on
    ({"embedding_size": 256}, 128 * 9 + 2 * 256),  # and its gradient
]


@pytest.mark.parametrize(("options", "floats"), STEPS, ids=str)
def test_the_memory_of_a_step(options: dict[str, Any], floats: int) -> None:
    network = unspool.NetworkConfig(vocab_size=85, **options)
    assert memory.step_memory(network, 1000) == 4 * 1000 * floats


MEASURED = """
import json, sys
import numpy as np
from unspool import NetworkConfig
from unspool._engines.cpu import CpuEngine
from unspool._network.parameters import initialize
from unspool._text.streams.lanes import Window
from unspool._training.dropout import dropout_masks

def peak():
    return 1024 * int(next(line for line in open("/proc/self/status") if line.startswith("VmHWM")).split()[1])

network = NetworkConfig(vocab_size=85, **json.loads(sys.argv[1]))
engine, parameters = CpuEngine(network, threads=1), initialize(network, 0)
ids = np.ones((2001, 16), np.int32)
for steps in (4, 2000):
    before, window = peak(), Window(ids=ids[:steps], targets=ids[1 : steps + 1])
    masks = dropout_masks(network, 16, seed=0, step=0)
    engine.loss_and_gradients(parameters, window, engine.initial_state(16), reset_id=None, masks=masks)
print(peak() - before)
"""


@pytest.mark.slow
@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="the peak of a process is read from Linux")
@pytest.mark.parametrize(("options", "floats"), STEPS, ids=str)
def test_a_step_takes_the_memory_that_is_said(options: dict[str, Any], floats: int) -> None:
    command = [sys.executable, "-c", MEASURED, json.dumps(options)]
    taken = int(subprocess.run(command, capture_output=True, text=True, check=True).stdout)
    logits = 16 << 20  # of a block, whatever the step
    assert taken == pytest.approx(4 * 2000 * 16 * floats + logits, rel=0.1)


def test_a_step_that_takes_much_is_said_before(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(memory, "memory_size", lambda: 4 * 10**9)
    network = unspool.NetworkConfig(vocab_size=85)  # 4,608 bytes a symbol
    assert memory.words_of_memory(network, 10**9 // 4608) is None
    words = (
        "a step of 320,000 symbols takes about 1.5 of 4.0 GB of memory: "
        "a smaller sequence_length or batch_size takes less"
    )
    assert memory.words_of_memory(network, 320_000) == words
    monkeypatch.setattr(memory, "memory_size", lambda: 3_900_000_000)  # of which a quarter is less than 1 GB
    assert memory.words_of_memory(network, 10**9 // 4608) is not None
    monkeypatch.setattr(memory, "memory_size", lambda: None)
    assert "about 1.5 GB of memory" in str(memory.words_of_memory(network, 320_000))
    monkeypatch.setattr(memory, "MUCH", 100_000)
    unspool.train(TEXTS, out=tmp_path / "run", progress="plain", **SMALL)
    told = " ".join(capsys.readouterr().err.split())
    assert "symbols takes about 0.0 GB of memory: a smaller sequence_length or batch_size takes less" in told


def test_the_arrays_of_a_parameter_are_counted(monkeypatch: pytest.MonkeyPatch) -> None:
    network = unspool.NetworkConfig(vocab_size=10, hidden_size=6, cell="gru", reset_after=False)
    numbers = 10 * 18 + 6 * 18 + 18 + 6 * 10 + 10  # input, recurrent, bias, output, its bias
    for options, arrays in (({}, 4), ({"optimizer": "sgd"}, 3), ({"ema": 0.9}, 5)):
        assert arrays_of(unspool.TrainingConfig(**options)) == arrays  # type: ignore[arg-type]
        monkeypatch.setattr(memory, "memory_size", lambda: 4 * arrays * numbers)  # noqa: B023 - used at once
        memory.check_memory(network, arrays=arrays, symbols=0)
        with pytest.raises(ConfigError, match="hidden_size 6"):
            memory.check_memory(network, arrays=arrays + 1, symbols=0)


def test_the_limit_of_a_container_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    whole, absent = _system.memory_size(), tmp_path / "none"
    assert whole is None or whole > 1 << 20
    limit, unlimited = tmp_path / "memory.max", tmp_path / "unlimited"
    limit.write_text("1048576\n")
    unlimited.write_text("max\n")
    monkeypatch.setattr(_system, "GROUP_LIMITS", (str(limit), str(absent)))
    assert _system.memory_size() in (1 << 20, None)
    monkeypatch.setattr(_system, "GROUP_LIMITS", (str(unlimited), str(absent)))
    assert _system.memory_size() == whole or whole is None or whole < (_system.memory_size() or 0)
