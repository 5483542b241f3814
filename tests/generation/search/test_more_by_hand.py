"""Parts of a search, each worked out by hand: what is read at once, how it is ranked, what is said."""

from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from unspool._errors import ConfigError
from unspool._generation.search import beams, forward
from unspool._generation.search.beams import best_first, search_beams
from unspool._generation.search.enumeration import OutcomeSearch
from unspool._generation.search.forward import Searched, log_sums
from unspool._generation.search.search_options import BeamOptions, EnumerationOptions
from unspool._generation.search.texts import Enumeration, FoundText
from unspool._generation.search.tree import Outcome, Tree

EOS = 3


class Counting:
    """A network whose state is the number of tokens it has read, and whose logits are the last token."""

    def __init__(self) -> None:
        self.calls: list[tuple[int, int]] = []

    def __call__(self, ids: Any, state: Any, *, reset_id: int | None = None) -> tuple[Any, Any]:
        self.calls.append(ids.shape)
        logits = np.zeros((*ids.shape, EOS + 1), np.float32)
        for step, row in enumerate(ids):
            for column, token in enumerate(row):
                if token == reset_id:
                    state[..., column, :] = 0
                state[..., column, :] += 1
                logits[step, column, token] = 1.0
        return logits, state


def searched(forbidden: int | None = None) -> tuple[Counting, Searched]:
    network = Counting()
    return network, Searched(network, lambda count: np.zeros((1, 1, count, 1), np.float32), EOS, forbidden)


def test_prompts_are_read_side_by_side_in_parts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(forward, "STEPS_AT_ONCE", 2)
    network, search = searched()
    prompts = [np.array([1, 2, 1, 2], np.int32), np.array([1], np.int32), np.zeros(0, np.int32)]
    logits, state = search.read(prompts)
    assert network.calls == [(2, 3), (2, 3), (1, 3)]
    assert state[0, 0, :, 0].tolist() == [5, 2, 1]  # each after its own <eos>
    assert logits.argmax(axis=1).tolist() == [2, 1, EOS]


def test_what_is_forbidden_has_no_probability() -> None:
    logits = np.log(np.array([[1.0, 2.0, 1.0, 4.0]]))
    plain = searched()[1].log_probabilities(logits)
    np.testing.assert_allclose(np.exp(plain), [[0.125, 0.25, 0.125, 0.5]])
    without = searched(forbidden=1)[1].log_probabilities(logits)
    np.testing.assert_allclose(np.exp(without), [[0.125, 0.0, 0.125, 0.5]])
    np.testing.assert_allclose(log_sums(plain), [0.0], atol=1e-12)


def test_a_score_is_over_a_power_of_the_length() -> None:
    options = BeamOptions(length_penalty=2.0, max_new_tokens=10)
    assert options.score(np.array([-8.0]), 2).tolist() == [-2.0]
    assert options.bound(np.array([-8.0]), 2).tolist() == [-0.08]  # the longest text has the best score
    shorter = BeamOptions(length_penalty=-1.0, max_new_tokens=10)
    assert shorter.bound(np.array([-8.0]), 2).tolist() == [-24.0]  # the next length has
    assert BeamOptions().bound(np.array([-8.0]), 2).tolist() == [-8.0]
    assert (
        BeamOptions().groups,
        BeamOptions(num_beams=4, num_beam_groups=2, diversity_penalty=1.0).groups,
    ) == (1, 2)


def test_groups_and_their_penalty_need_each_other() -> None:
    for options, got in (
        ({"num_beam_groups": 5}, "5 and None"),
        ({"diversity_penalty": 1.0}, "None and 1.0"),
    ):
        with pytest.raises(ConfigError) as caught:
            BeamOptions(**options)  # type: ignore[arg-type]
        assert str(caught.value) == (
            f"num_beam_groups and diversity_penalty need each other: expected both or neither, got {got}"
        )


def test_the_first_of_equal_ones_come_first() -> None:
    values = np.array([[1.0, 3.0, 3.0, 2.0, 3.0], [0.0, -np.inf, 0.0, 1.0, 0.0]])
    assert best_first(values, 2).tolist() == [[1, 2], [3, 0]]
    assert best_first(values, 9).tolist() == [[1, 2, 4, 3, 0], [3, 0, 2, 4, 1]]


def test_prompts_are_searched_some_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    made: list[Any] = []

    class Noted:
        def __init__(self, network: Any, prompts: Any, options: Any, *, automaton: Any, guides: Any) -> None:
            made.append((prompts, guides.tolist(), automaton))

        def run(self) -> list[Any]:
            return [made[-1][0]]

    monkeypatch.setattr(beams, "BeamSearch", Noted)
    monkeypatch.setattr(beams, "LANES_AT_ONCE", 4)
    options = BeamOptions(num_beams=2)
    prompts: Any = ["a", "b", "c"]
    network: Any = None
    assert search_beams(network, prompts, options) == [["a", "b"], ["c"]]
    automaton: Any = "an automaton"
    search_beams(network, prompts, options, automaton=automaton, guides=[5, 6, 7])
    assert [guides for _, guides, _ in made] == [[0, 0], [0], [5, 6], [7]]
    assert [given for *_, given in made] == [None, None, automaton, automaton]
    made.clear()
    search_beams(network, prompts, BeamOptions(num_beams=9))  # more beams than are searched at once
    assert len(made) == 3


def test_a_tree_grows_and_forgets_what_no_text_needs() -> None:
    tree = Tree(np.array([4, 7], np.int32))
    assert (tree.size, tree.room, tree.nbytes) == (2, 1022, 1024 * 36)
    nodes = np.array([0, 1])
    for step in range(600):
        nodes = tree.append(
            nodes, np.array([1, 2]), np.full(2, -1.0 * (step + 1)), np.array([step, 9], np.int32)
        )
    assert (tree.size, tree.room) == (1202, 2048 - 1202)
    assert tree.depths(nodes).tolist() == [600, 600]
    assert tree.totals(nodes).tolist() == [-600.0, -600.0]
    assert tree.guides(np.array([0, 1, *nodes])).tolist() == [4, 7, 599, 9]
    assert tree.ids(nodes).shape == (600, 2)
    assert tree.ids(nodes)[:, 0].tolist() == [1] * 600
    tree.keep_slots(nodes, np.array([5, -1]))
    assert tree.slots(nodes).tolist() == [5, -1]
    numbers = tree.keep(nodes[:1])
    kept = numbers[nodes[:1]]
    assert (tree.size, tree.depths(kept).tolist(), tree.slots(kept).tolist()) == (602, [600], [5])
    assert tree.ids(kept)[:, 0].tolist() == [1] * 600
    assert tree.room == 2 * 602 - 602
    ids, totals = tree.paths(np.array([0, *kept]))
    assert (ids.shape, totals.shape) == ((2, 600), (2, 601))
    assert totals[1, :3].tolist() == [0.0, -1.0, -2.0]
    assert not ids[0].any()


def test_outcomes_have_their_own_steps() -> None:
    tree = Tree(np.array([0], np.int32))
    (one,) = tree.append(np.array([0]), np.array([2]), np.array([-1.0])).tolist()
    tree.allow(np.array([0]), np.array([-0.25]))
    (other,) = tree.append(np.array([0]), np.array([1]), np.array([-2.0])).tolist()
    tree.allow(np.array([other]), np.array([-0.5]))
    parents, tokens = np.array([one, other, 0]), np.array([EOS, 2, EOS], np.int32)
    totals, scores = np.array([-1.5, -2.5, -3.0]), np.array([9.0, 8.0, 7.0])
    ended, cut, empty = tree.outcomes(parents, tokens, totals, scores, eos_id=EOS, guided=True)
    assert (ended.ids.tolist(), ended.logprobs.tolist(), ended.ended) == ([2], [-1.0, -0.5], True)
    assert (cut.ids.tolist(), cut.logprobs.tolist(), cut.ended) == ([1, 2], [-2.0, -0.5], False)
    assert (empty.ids.tolist(), empty.logprobs.tolist(), empty.ended) == ([], [-3.0], True)
    assert [each.score for each in (ended, cut, empty)] == [9.0, 8.0, 7.0]
    assert (ended.constrained, cut.constrained, empty.constrained) == (-1.5, -2.5 + 0.75, -3.0 + 0.25)
    (free, *_) = tree.outcomes(parents, tokens, totals, scores, eos_id=EOS, guided=False)
    assert free.constrained is None


def test_memory_is_half_for_what_waits() -> None:
    _, network = searched()
    search = OutcomeSearch(network, np.zeros(0, np.int32), EnumerationOptions(limit=1))
    used = 1024 * 36
    for room in (2 * used, 2 * used + 1):
        search._options = SimpleNamespace(max_memory=room)  # type: ignore[assignment]
        search._check_memory()
    search._options = SimpleNamespace(max_memory=2 * used - 1)  # type: ignore[assignment]
    with pytest.raises(ConfigError) as caught:
        search._check_memory()
    assert str(caught.value) == (
        "the enumeration needs too much memory: expected at most half of max_memory (73,727 bytes), got "
        "36,864 bytes: 0 beginnings and 0 texts wait; raise min_probability or max_memory, or list the texts "
        "in any order (--any-order)"
    )


def test_found_texts_say_what_they_are() -> None:
    outcome = Outcome(np.array([1], np.int32), np.array([-0.5], np.float32), -0.5, None, False, 2.0)
    found = FoundText.told(outcome, prompt="a", continuation="b")
    assert (found.text, found.prompt, found.continuation, found.finish_reason) == ("ab", "a", "b", "length")
    assert (found.total_logprob, found.score, found.constrained_logprob) == (-0.5, 2.0, None)
    assert found.probability == pytest.approx(np.exp(-0.5))
    search: Any = SimpleNamespace(run=lambda: iter([outcome]), covered=0.5, remaining=0.25)
    listed = Enumeration(search, lambda each: FoundText.told(each, prompt="", continuation="x"))
    assert repr(listed) == "<Enumeration: 0.5 covered, at most 0.25 remaining>"
    assert (listed.covered, listed.remaining) == (0.5, 0.25)
    assert [text.text for text in listed] == ["x"]
