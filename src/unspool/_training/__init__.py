"""Training: the loop and everything that it needs, knowing nothing of screens."""
