"""Corpora with a name, and how they are downloaded."""
