"""How a text is drawn: the options, their ranges, and their names in other libraries."""
