"""What would need time or memory without bound is refused before the work begins."""

import pytest

import unspool
from unspool import ConfigError, NetworkConfig, TrainingConfig
from unspool._generation.constraints.determinize import regex
from unspool._generation.search.search_options import BeamOptions

HUGE = 10**12


@pytest.mark.parametrize(
    "pattern", ["(?:){4000000000}a", "((?:){4000000000}){4000000000}a", "(^){4000000000}a"]
)
def test_a_repeat_that_reads_nothing_takes_no_time(pattern: str) -> None:
    try:
        automaton = regex(pattern, "ab")
    except ConfigError as error:  # anchors are nodes, and these are counted
        assert "counted repeats" in str(error)
        return
    assert automaton.accepting.tolist() == [False, True]  # the text a and no other


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
        with pytest.raises(ConfigError, match="at most 10,000,000 texts are in memory"):
            model.generate("a", **keywords)
    with pytest.raises(ConfigError, match="num_beams must be a whole number from 1 to 65536"):
        BeamOptions(num_beams=HUGE)
