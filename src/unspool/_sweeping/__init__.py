"""The search for the best network for a text: many short trainings with an equal budget, and a verdict."""
