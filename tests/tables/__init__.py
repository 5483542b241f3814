"""Tests of `unspool._tables`."""
