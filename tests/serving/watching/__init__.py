"""Tests of the runs that the server watches."""
