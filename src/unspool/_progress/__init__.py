"""The display of a training while it runs."""
