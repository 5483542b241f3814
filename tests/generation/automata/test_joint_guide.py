"""Several guides at once, against walking each of them."""

import itertools

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, Guide, TokenAutomaton
from unspool._generation.automata.joint_guide import at_least, joint_guide
from unspool._generation.automata.phrases import phrase_automaton

CHARS = ("", *"abc", "")
# texts of "ab" repeated at least once; the class of <pad> leads on, and must not be taken for a symbol
AB = TokenAutomaton(
    classes=np.array([3, 0, 1, 2, 3], np.int32),
    transitions=np.array([[1, DEAD, DEAD, 2], [DEAD, 2, DEAD, 2], [1, DEAD, DEAD, 2]], np.int32),
    distance=np.array([2, 1, 0], np.int32),
)


def guide(automaton: TokenAutomaton, *starts: int) -> Guide:
    return Guide(automaton, np.array(starts, np.int32))


def accepts(automaton: TokenAutomaton, ids: tuple[int, ...], start: int) -> bool:
    state = automaton.walk(ids, start)
    return state != DEAD and automaton.distance[state] == 0


def test_a_joint_guide_accepts_what_both_accept_and_has_no_dead_end() -> None:
    longer = at_least(3, 5)
    joint = joint_guide([guide(AB, 0, 1), guide(longer, 0, 2)])
    for i, starts in enumerate([(0, 0), (1, 2)]):
        for n in range(7):
            for ids in itertools.product((1, 2, 3), repeat=n):
                both = accepts(AB, ids, starts[0]) and accepts(longer, ids, starts[1])
                assert accepts(joint.automaton, ids, int(joint.starts[i])) == both
    assert joint.automaton.distance[joint.starts].tolist() == [4, 1]
    assert (joint.automaton.distance <= 4).all()  # what leads nowhere is not there
    assert np.flatnonzero(joint.automaton.allowed(int(joint.starts[0]), 3)).tolist() == []


def test_one_guide_stays_as_it_is() -> None:
    only = guide(AB, 0)
    assert joint_guide([only]) is only


def test_guides_that_cannot_be_met_together_are_refused() -> None:
    never_ab = phrase_automaton(("ab",), CHARS, name="bad_words").automaton
    with pytest.raises(ConfigError, match="no text can meet"):
        joint_guide([guide(AB, 0), guide(never_ab, 0)])
    with pytest.raises(ConfigError, match="no text can meet"):
        joint_guide([guide(AB, 0), guide(never_ab, 0), guide(at_least(3, 5), 0)])


def test_a_joint_guide_that_is_too_large_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("unspool._generation.automata.graphs.MOST_ENTRIES", 3)
    with pytest.raises(ConfigError, match="the constraint is too large"):
        joint_guide([guide(AB, 0), guide(at_least(3, 5), 0)])


def test_a_guide_refuses_what_cannot_be_finished() -> None:
    guide(AB, 0, 1).check(2)
    with pytest.raises(ConfigError, match="max_new_tokens must be at least 2"):
        guide(AB, 0, 1).check(1)
    with pytest.raises(ConfigError, match="the constraint on text 1"):
        guide(AB, 0, DEAD).check(9)
