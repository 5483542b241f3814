"""Choose the network and its training for a text, a machine and a number of minutes."""
