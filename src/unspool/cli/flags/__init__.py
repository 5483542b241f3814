"""Flags: how a row becomes one, and those that several commands share."""
