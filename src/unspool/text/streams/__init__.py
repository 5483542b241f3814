"""One long row of token ids: made, kept, cut into lanes, windows and batches."""
