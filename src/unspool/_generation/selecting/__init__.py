"""The selection of good texts among those that are drawn."""
