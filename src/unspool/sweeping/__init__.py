"""Which network suits a text: many short trainings under an equal budget, their noise, and a verdict."""
