"""From logits to the next symbol: options, filters, random streams. Knows nothing of networks."""
