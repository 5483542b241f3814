"""A training that cannot fit into the memory is refused before anything is made."""

from pathlib import Path

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
    # LSTM: 4 gates of 8 units, in float32, for each of the 6,000 symbols of one window
    needed = 6000 * 4 * 8 * 4
    wide = {**SMALL, "batch_size": 1, "sequence_length": 1 << 20}
    monkeypatch.setattr(memory, "memory_size", lambda: needed)
    with pytest.raises(ConfigError, match=r"0\.0 GB for a step; choose a smaller batch_size"):
        unspool.train(TEXTS, **wide)  # type: ignore[arg-type]
    monkeypatch.setattr(memory, "memory_size", lambda: needed + 100_000)  # the parameters need 16 bytes each
    unspool.train(TEXTS, **wide)  # type: ignore[arg-type]


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
