"""What is computed: cells, their parameters and the configuration of a network. No training here."""
