"""Generation from logits: options, penalties, samplers and random streams, and searches."""
