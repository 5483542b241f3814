"""Text to token ids and back: sources, records, tokenizers, lanes. Knows nothing of networks."""
