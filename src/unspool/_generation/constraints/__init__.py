"""Constraints that always hold: conditions on a text, compiled to an automaton over the vocabulary.

A `Constraint` becomes automata over characters, one for each of its conditions. They are combined into one,
which is lifted to the tokens of the vocabulary. A constraint that no text can meet is refused before
generation.
"""
