"""Small faults put into the source one at a time: does a test fail of each? `make mutate` asks."""
