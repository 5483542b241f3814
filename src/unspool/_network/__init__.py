"""The computations: cells, their parameters and the configuration of a network. No training here."""
