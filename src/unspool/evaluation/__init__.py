"""Evaluation: what a trained network makes of texts that it did not learn from."""
