"""Output on a terminal. It knows nothing of the subject."""
