"""Which of the texts that are drawn are good ones."""
