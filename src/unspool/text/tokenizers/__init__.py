"""From texts to tokens and back: a file for each tokenizer, and what they share."""
