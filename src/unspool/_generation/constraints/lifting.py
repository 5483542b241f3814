"""Lift automata from characters to tokens, each of which spells a string of characters."""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from unspool._errors import ConfigError
from unspool._generation.automata.automaton import DEAD, TokenAutomaton
from unspool._generation.automata.graphs import (
    Table,
    check_size,
    distinct_rows,
    keep_states,
    reachable,
)
from unspool._generation.automata.joint_guide import finished
from unspool._generation.constraints.characters import CharacterAutomaton
from unspool._text.tokenizers.registry import Tokenizer


@dataclass(frozen=True, eq=False)
class Spellings:
    """The characters of each token of a vocabulary.

    Args:
        alphabet: Every character of a symbol, once.
        letters: The place in the alphabet of each token's characters, -1 after its last.  # (V, longest)
        lengths: Number of characters of each token; 0 if it may never be drawn or spells nothing.  # (V,)
    """

    alphabet: str
    letters: NDArray[np.int32]
    lengths: NDArray[np.int64]


@lru_cache(maxsize=4)
def spellings_of(tokenizer: Tokenizer) -> Spellings:
    """Return the spellings of a tokenizer's tokens; `<pad>`, `<unk>` and `<eos>` have none.

    Raises:
        ConfigError: If the tokens are not whole characters.
    """
    if not tokenizer.whole_characters:
        hint = "train with --tokenizer char, or filter the finished texts: --valid"
        what = f"constraints do not work with the {tokenizer.kind} tokenizer"
        raise ConfigError(what, hint=hint)
    symbols = tokenizer.symbols[: None if tokenizer.unk_id is None else -1]
    alphabet = "".join(sorted(set().union(*symbols)))
    place = {letter: i for i, letter in enumerate(alphabet)}
    lengths = np.maximum(tokenizer.symbol_lengths, 0)
    letters = np.full((tokenizer.vocab_size, int(lengths.max())), DEAD, np.int32)
    spelled = np.arange(letters.shape[1]) < lengths[:, None]  # (V, longest)
    letters[spelled] = [place[letter] for symbol in symbols for letter in symbol]
    return Spellings(alphabet, letters, lengths)


def lift(automaton: CharacterAutomaton, spellings: Spellings) -> TokenAutomaton | None:
    """Return the automaton over whole tokens; None if it accepts no text.

    Args:
        automaton: The automaton over the alphabet of the spellings.
        spellings: The characters of each token.

    Returns:
        An automaton of the states that whole tokens reach and from which whole tokens lead to acceptance;
        None if its start is not among them.

    Raises:
        ConfigError: If its table would be too large.
    """
    classes, columns = symbol_columns(automaton, spellings)
    table = np.ascontiguousarray(columns.T)  # (S, K)
    accepting, start = automaton.accepting, np.zeros(1, np.int64)
    if spellings.letters.shape[1] > 1:  # else whole tokens reach every state
        reached = reachable(table, start)
        table, accepting = keep_states(table, reached), accepting[reached]
    lifted, _ = finished(classes, table, accepting, start)
    return None if lifted.start == DEAD else lifted


def symbol_columns(automaton: CharacterAutomaton, spellings: Spellings) -> tuple[NDArray[np.int32], Table]:
    """Return where each token leads from each state; tokens that lead to the same states share a column.

    All tokens are read in parallel, a character at a time. Tokens whose beginnings lead to the same states
    are merged there, so the work grows with their differences, not with their number.

    Returns:
        The column of each token, (V,), and the columns, (K, S).
    """
    states, width = automaton.transitions.shape
    table = np.vstack([automaton.transitions, np.full((1, width), DEAD, np.int32)])
    columns = np.arange(states, dtype=np.int32)[None]  # (K, S): nothing is read yet
    spelled = np.flatnonzero(spellings.lengths)
    letters, lengths = spellings.letters[spelled], spellings.lengths[spelled]
    at = np.zeros(len(spelled), np.int32)
    for place in range(letters.shape[1]):
        reading = lengths > place
        steps = at[reading].astype(np.int64) * width + automaton.classes[letters[reading, place]]
        different, which = np.unique(steps, return_inverse=True)
        waiting, still = np.unique(at[~reading], return_inverse=True)
        check_size(len(different) + len(waiting), states)
        further = table[columns[different // width], (different % width)[:, None]]
        at[reading] = which.reshape(-1)
        at[~reading] = len(different) + still.reshape(-1)
        both = np.vstack([further, columns[waiting]])
        first, number = distinct_rows(both)
        columns, at = both[first], number[at]
    classes = np.full(len(spellings.lengths), len(columns), np.int32)
    classes[spelled] = at
    return classes, np.vstack([columns, np.full((1, states), DEAD, np.int32)])
