"""What a terminal shows. Knows nothing of the subject."""
