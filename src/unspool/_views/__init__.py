"""The ways in which a result shows itself: a short repr, a table in a notebook, a data frame."""
