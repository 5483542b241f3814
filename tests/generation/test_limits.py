"""What would need time or memory without bound is refused before the work begins."""

import pytest

import unspool
from unspool import ConfigError, NetworkConfig, TrainingConfig
from unspool._generation.constraints.determinize import regex
from unspool._generation.search.search_options import BeamOptions

HUGE = 10**12


def test_a_repeat_that_reads_nothing_takes_no_time() -> None:
    automaton = regex("(?:){4000000000}a", "ab")
    assert automaton.accepting.tolist() == [False, True]  # the text a and no other
    with pytest.raises(ConfigError, match="make its counted repeats smaller"):
        regex("((?:){4000000000}){4000000000}a", "ab")


@pytest.mark.parametrize("name", ["hidden_size", "num_layers", "embedding_size"])
def test_a_network_has_sizes_that_exist(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be a whole number from 1 to "):
        NetworkConfig(**{name: HUGE})


@pytest.mark.parametrize("name", ["batch_size", "sequence_length"])
def test_a_window_has_sizes_that_exist(name: str) -> None:
    with pytest.raises(ConfigError, match=f"^{name} must be a whole number from 1 to 1048576"):
        TrainingConfig(**{name: HUGE})


def test_texts_and_beams_fit_into_the_memory() -> None:
    model = unspool.train(["a cat", "a dog"] * 20, epochs=1, hidden_size=4, validation_fraction=None)
    for keywords in ({"n": HUGE}, {"best_of": 10**9}):
        with pytest.raises(ConfigError, match="n or best_of: expected at most 10,000,000 texts together"):
            model.generate("a", **keywords)
    with pytest.raises(ConfigError, match="num_beams must be a whole number from 1 to 65536"):
        BeamOptions(num_beams=HUGE)


@pytest.mark.parametrize("huge", [HUGE, 10**30])
def test_what_is_drawn_or_repeated_has_a_number_that_can_be_reached(huge: int) -> None:
    for name in ("count", "repeats"):
        with pytest.raises(ConfigError, match="must be a whole number from 1 to 1000000"):
            unspool.Canaries(**{name: huge})
    model = unspool.train(["a cat", "a dog"] * 20, epochs=1, hidden_size=4, validation_fraction=None)
    with pytest.raises(ConfigError, match="samples must be a whole number from 1 to 10000000"):
        model.audit(["a cat"], samples=huge)
    with pytest.raises(ConfigError, match="workers must be a whole number from 1 to 1024"):
        unspool.sweep(["a cat"], out="nowhere", workers=huge)
    for name in ("seeds", "trials", "finalists", "evaluations"):
        with pytest.raises(ConfigError, match=f"^{name} must be a whole number from 1 to 100000"):
            unspool.SweepConfig(**{name: huge})
