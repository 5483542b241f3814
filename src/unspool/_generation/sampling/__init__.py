"""From the logits of one place to a token."""
