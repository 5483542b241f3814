"""A corpus in token ids: the training part, the held-out part, and the contexts of the records."""
