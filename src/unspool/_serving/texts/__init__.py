"""Answer requests for texts: all of a model are written side by side, and join and leave as they come."""
