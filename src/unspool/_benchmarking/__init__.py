"""Measure the speed of this machine, and of unspool and its peers on it; contenders take turns."""
