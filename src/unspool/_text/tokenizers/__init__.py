"""Tokenizers, from texts to tokens and back: a file for each of them, and their common parts."""
