"""Audit: whether a network learns from its texts or copies them."""
