"""What the tests of constraints ask of an automaton: whether it accepts, and everything short it accepts."""

from itertools import product

from unspool._generation.automata.automaton import DEAD, TokenAutomaton
from unspool._generation.constraints.characters import CharacterAutomaton
from unspool._text.tokenizers.registry import Tokenizer


def accepts(automaton: CharacterAutomaton, alphabet: str, text: str) -> bool:
    """Walk a text, character by character."""
    state = 0
    for character in text:
        state = int(automaton.transitions[state, automaton.classes[alphabet.index(character)]])
        if state == DEAD:
            return False
    return bool(automaton.accepting[state])


def strings(alphabet: str, longest: int) -> list[str]:
    """List every text of so many characters or fewer."""
    return ["".join(text) for n in range(longest + 1) for text in product(alphabet, repeat=n)]


def sequences(tokenizer: Tokenizer, longest: int) -> list[list[int]]:
    """List every sequence of so many symbols or fewer, `<pad>` and `<eos>` left out."""
    ids = range(1, tokenizer.eos_id)
    return [list(drawn) for n in range(longest + 1) for drawn in product(ids, repeat=n)]


def written(automaton: TokenAutomaton, ids: list[int]) -> bool:
    """Tell whether a text of these symbols may be drawn and may end there."""
    state = automaton.walk(ids)
    return state != DEAD and automaton.distance[state] == 0
