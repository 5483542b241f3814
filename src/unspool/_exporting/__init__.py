"""How a model leaves: one file for each target, and a row in `EXPORTERS`."""
