"""Constraints that always hold: what a text must be, compiled to an automaton over the vocabulary.

A `Constraint` becomes automata over characters, one for each thing it asks for; these are made into one, and
that is lifted to the symbols of the vocabulary. Everything that cannot be met is refused before generation.
"""
