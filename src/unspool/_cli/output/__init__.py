"""Where the result of a command goes."""
