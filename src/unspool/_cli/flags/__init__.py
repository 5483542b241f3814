"""Flags: how a row becomes a flag, and the flags that several commands share."""
