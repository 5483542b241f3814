"""Searches for texts: beam search for the best ones, and enumeration of all probable ones.

Both rank by the model's own probabilities, at temperature 1 and without samplers. There is no contrastive
search: it compares a transformer's vectors of single positions, but the state of a recurrent network stands
for the whole text so far, and two states one token apart are always similar.
"""
