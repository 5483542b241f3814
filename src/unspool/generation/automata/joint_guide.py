"""Several guides at once: the automaton of what all of them allow."""

from collections.abc import Sequence
from functools import reduce

import numpy as np

from unspool.errors import ConfigError
from unspool.generation.automata.automaton import DEAD, Guide, TokenAutomaton


def at_least(length: int, vocab_size: int) -> TokenAutomaton:
    """Make the automaton of all texts of at least so many symbols."""
    states = np.arange(length + 1, dtype=np.int32)
    return TokenAutomaton(
        classes=np.zeros(vocab_size, dtype=np.int32),
        transitions=np.minimum(states + 1, length)[:, None],
        distance=length - states,
    )


def joint_guide(guides: Sequence[Guide]) -> Guide:
    """Make one guide of several, which allows what all of them allow and leads into no dead end.

    Args:
        guides: At least one, over the same vocabulary and for the same sequences.

    Raises:
        ConfigError: If a sequence can meet them one by one but not together, or the automaton is too large.
    """
    from unspool.generation.constraints.guides import join_guides  # noqa: PLC0415 - seldom needed

    return reduce(lambda joint, guide: _met(join_guides(joint, guide)), guides)


def _met(joint: Guide) -> Guide:
    """Return the guide of several, once some text is known to meet all of them after each prompt.

    Raises:
        ConfigError: If there is none.
    """
    if (joint.starts == DEAD).any():
        raise ConfigError(
            "the constraint, bad_words and min_tokens",
            expected="a text that meets all of them",
            got="that there is none",
        )
    return joint
