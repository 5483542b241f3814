"""A run from its first step to its last, and how it goes on when it was stopped."""
