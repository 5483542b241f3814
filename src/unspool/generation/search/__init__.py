"""Texts that are searched for, not drawn: the best ones by beams, all likely ones by enumeration.

Both rank by the model's own probabilities, at temperature 1 and without filters. Contrastive search is left
out on purpose: it weighs the similarity of a transformer's vectors for single positions, while the state of a
recurrent network stands for the whole text so far, and two states one symbol apart are always alike.
"""
