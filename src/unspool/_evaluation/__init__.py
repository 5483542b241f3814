"""Evaluation: measurements of a trained network on texts that it did not learn from."""
