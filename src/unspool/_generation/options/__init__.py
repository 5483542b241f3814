"""The options of generation: their ranges, and their names in other libraries."""
