"""Token streams: how they are built, stored, and cut into lanes, windows and batches."""
