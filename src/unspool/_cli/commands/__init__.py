"""A file for each command: it parses, makes one call and prints."""
