"""No option is silently ignored: its sample value changes what is written, or what is told about it."""

from typing import Any

import numpy as np
import pytest

import unspool
from unspool._generation.options.generation_options import ROWS
from unspool._generation.results import Generation
from unspool._network.parameters import initialize
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer(tuple("abcdefghi"))
WITH_UNK = CharTokenizer(tuple("abcdefgh"), unk=True)
NETWORK = unspool.NetworkConfig(hidden_size=8, vocab_size=TOKENIZER.vocab_size)


def told(text: Generation) -> tuple[Any, ...]:
    """Return what a user can see of a text, its log-probabilities in eight digits."""
    parts = (text.alternatives, text.prompt_alternatives)
    others = [None if part is None else part.ids.tolist() for part in parts]
    echo = None if text.prompt_logprobs is None else np.round(text.prompt_logprobs, 8).tolist()
    return text.text, text.ids.tolist(), text.finish_reason, text.stop_reason, others, echo


@pytest.mark.parametrize("name", ROWS)
def test_an_option_with_its_sample_value_changes_what_is_written_or_told(name: str) -> None:
    parameters = dict(initialize(NETWORK, 0))
    parameters["output.kernel"] *= 8  # some symbols are far likelier than others
    tokenizer = WITH_UNK if name == "allow_unk" else TOKENIZER
    model = unspool.Generator(network=NETWORK, tokenizer=tokenizer, parameters=parameters, threads=1)
    without = {"seed": 3, "max_new_tokens": 30, **(ROWS[name].beside or {})}
    before, after = (
        [told(text) for text in model.generate("abc", n=4, **options)]
        for options in (without, {**without, name: ROWS[name].sample})
    )
    assert after != before
