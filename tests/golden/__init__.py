"""Golden outputs: what the program writes today, to be the same byte by byte tomorrow; see README.md."""
