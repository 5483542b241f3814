"""Corpora that go by a name, and how they are fetched."""
