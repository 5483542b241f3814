"""Compiled automata are kept as long as they fit, those that were asked for last."""

import numpy as np
import pytest

from unspool._generation.automata import kept
from unspool._generation.automata.automaton import TokenAutomaton


def automaton(entries: int) -> TokenAutomaton:
    """Make an automaton of so many transitions of 4 bytes, and nothing else."""
    none = np.zeros(0, np.int32)
    return TokenAutomaton(none, np.zeros((1, entries), np.int32), none)


def test_those_that_were_asked_for_longest_ago_go_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(kept, "ENTRY", 0)
    monkeypatch.setattr(kept, "MOST_BYTES", 4000)
    automata: kept.KeptAutomata[TokenAutomaton] = kept.KeptAutomata()
    compiled: list[str] = []

    def ask(name: str, entries: int) -> TokenAutomaton:
        def compile_it() -> TokenAutomaton:
            compiled.append(name)
            return automaton(entries)

        return automata.get(name, compile_it)

    first = ask("a", 500)
    ask("b", 400)
    assert ask("a", 500) is first
    ask("c", 200)  # 500 + 400 + 200 are more than 1000: b goes, not a
    assert ask("a", 500) is first
    ask("b", 400)
    assert compiled == ["a", "b", "c", "b"]
    large = ask("large", 2000)  # what is larger than all room is kept until the next one
    assert ask("large", 2000) is large
    ask("a", 500)
    assert compiled == ["a", "b", "c", "b", "large", "a"]


def test_an_error_leaves_nothing() -> None:
    automata: kept.KeptAutomata[TokenAutomaton] = kept.KeptAutomata()
    with pytest.raises(ZeroDivisionError):
        automata.get("a", lambda: automaton(1 // 0))
    assert automata.get("a", lambda: automaton(3)).transitions.shape == (1, 3)
