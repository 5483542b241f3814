"""What other libraries call an option of generation is answered with its name here."""

from typing import Any

import pytest

from unspool import ConfigError
from unspool._configuration import names_elsewhere
from unspool._generation.options.generation_options import ALIASES, ROWS, GenerationOptions
from unspool._generation.options.keywords import ARGUMENTS, generation_options, options_and_n
from unspool._generation.search.search_options import beam_options, enumeration_options
from unspool._generation.selecting.selection import Selection

# As users of transformers, of its pipelines, of vLLM and of Keras's lessons would write it.
NAMES = {
    "max_length": "max_new_tokens",
    "min_length": "min_tokens",
    "do_sample": "temperature",
    "bad_words_ids": "bad_words",
    "stop_sequences": "stop",
    "output_scores": "logprobs",
    "text_inputs": "prompt",
    "input_ids": "prompt",
    "num_samples": "n",
    "random_state": "seed",
    "maxlen": "max_new_tokens",
    "start_string": "prompt",
}


@pytest.mark.parametrize(("name", "here"), NAMES.items())
def test_the_names_of_other_libraries_are_answered_with_those_here(name: str, here: str) -> None:
    with pytest.raises(ConfigError, match=f"^unknown option '{name}'; it is '{here}' here$"):
        options_and_n({name: 1}, 1)


def test_the_options_of_a_search_are_answered_with_the_search() -> None:
    with pytest.raises(
        ConfigError, match=r"^unknown option 'num_beams'; it belongs to beam_search\(num_beams="
    ):
        options_and_n({"top_k": 2, "num_beams": 4}, 1)


@pytest.mark.parametrize(
    ("make", "name", "here"),
    [
        (generation_options, "max_length", "max_new_tokens"),
        (beam_options, "max_length", "max_new_tokens"),
        (beam_options, "num_return_sequences", "n"),
        (enumeration_options, "max_length", "max_new_tokens"),
        (enumeration_options, "num_samples", "limit"),
    ],
)
def test_each_way_of_writing_has_its_own_names(make: Any, name: str, here: str) -> None:
    with pytest.raises(ConfigError, match=f"^unknown option '{name}'; it is '{here}' here$"):
        make({name: 2})


def test_a_name_that_is_like_none_is_not_answered_with_some_name() -> None:
    with pytest.raises(ConfigError, match=r"^unknown option 'use_cache': expected one of temperature, "):
        generation_options({"use_cache": True})


def test_every_name_elsewhere_means_one_argument_and_is_none_here() -> None:
    names = [*names_elsewhere(GenerationOptions), *(each for others in ARGUMENTS.values() for each in others)]
    assert len(names) == len(set(names)) > 30
    assert [name for name in names if not name.isidentifier()] == []
    assert not set(names) & {*ROWS, *ALIASES, *ARGUMENTS, *Selection.__dataclass_fields__}


def test_two_names_of_one_option_are_refused_with_both_values() -> None:
    with pytest.raises(ConfigError) as caught:
        generation_options({"temp": 0.5, "temperature": 0.7})
    assert str(caught.value) == (
        "temp and temperature are two names of one option: expected one of them, got 0.5 and 0.7"
    )
    assert options_and_n({"num_return_sequences": 3}, 1)[1] == 3
    assert options_and_n({}, 4)[1] == 4
    for keywords, n, message in (
        ({"num_return_sequences": 3}, 2, "n must be left out where num_return_sequences is used: they are "
                                         "the same "
                                         "option; got 2"),
        ({}, 0, "n must be a whole number ≥ 1; got 0"),
    ):  # fmt: skip
        with pytest.raises(ConfigError) as caught:
            options_and_n(keywords, n)
        assert str(caught.value) == message
