"""Which tokens may come next: automata over a vocabulary."""
