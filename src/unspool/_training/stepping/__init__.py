"""How a step is made: in NumPy arrays or on a device, by one process or by several together."""
