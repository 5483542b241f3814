"""Regular expressions matched by automata, so that how long one takes is known before."""
