"""The search for the best network for a text: many short trainings with an equal budget, and a verdict."""

from unspool.sweeping.space import Range as Range
