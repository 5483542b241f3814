"""How a training is shown while it runs."""
