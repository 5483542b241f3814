"""The commands of tables alone."""
