"""A training that is over at once, and its texts: for attacks on what stands around a training."""

TEXT = "".join(f"{a}{b}{c}\n" for a in "abcd" for b in "eo" for c in "xyz")
OPTIONS = {"hidden_size": 4, "batch_size": 2, "sequence_length": 8, "threads": 1, "epochs": 1}
FLAGS = [word for name, value in OPTIONS.items() for word in (f"--{name.replace('_', '-')}", str(value))]
