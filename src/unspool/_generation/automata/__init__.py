"""Automata over a vocabulary, which decide the tokens that may come next."""
