"""The table of engines: every row leads to an engine, and a missing package is said in one line."""

import re
import sys

import pytest

from tests.engines.variants import engine_or_skip, every_engine, every_network
from unspool._engines import make_engine
from unspool._errors import ConfigError
from unspool._extras import install_command
from unspool._network.config import NetworkConfig

CONFIG = NetworkConfig(hidden_size=4, vocab_size=5)


@every_engine
@every_network
def test_every_row_makes_an_engine(engine_name: str, config: NetworkConfig) -> None:
    assert engine_or_skip(engine_name, config).config == config


@every_engine
def test_the_vocabulary_must_be_known(engine_name: str) -> None:
    with pytest.raises(ConfigError, match="vocab_size"):
        engine_or_skip(engine_name, NetworkConfig())


@every_engine
def test_threads_must_be_a_whole_number(engine_name: str) -> None:
    engine_or_skip(engine_name, CONFIG)
    for threads in (0, -1, True, 1.5):
        with pytest.raises(ConfigError, match="threads"):
            make_engine(engine_name, CONFIG, threads=threads)  # type: ignore[arg-type]


def test_an_unknown_name_is_refused_with_the_known_ones() -> None:
    with pytest.raises(ConfigError, match="engine must be one of cpu, torch; got 'gpu'"):
        make_engine("gpu", CONFIG)


def test_a_missing_package_is_named_with_the_way_to_get_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "unspool._engines.fused_torch", raising=False)
    monkeypatch.setitem(sys.modules, "torch", None)
    with pytest.raises(ConfigError, match="needs the package torch.*" + re.escape(install_command("torch"))):
        make_engine("torch", CONFIG)


def test_more_threads_than_any_machine_has_are_refused() -> None:
    with pytest.raises(ConfigError, match="threads must be a whole number from 1 to 1024"):
        make_engine("cpu", CONFIG, threads=100_000_000)
