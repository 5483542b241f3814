"""Random streams with access to any of their numbers.

Number k of stream s is a function of (s, k) alone: the output of SplitMix64 (Steele, Lea and Flood, "Fast
Splittable Pseudorandom Number Generators", 2014) k + 1 steps after s. So a text depends on its seed and
its index, but not on other texts, on the number of threads, or on the pieces of a stream.
"""

import secrets

import numpy as np
from numpy.typing import NDArray

GOLDEN = np.uint64(0x9E3779B97F4A7C15)


def raw(stream: NDArray[np.uint64], counter: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Return 64 random bits: number `counter` of `stream`, elementwise."""
    z = stream + (counter + np.uint64(1)) * GOLDEN  # modulo 2^64; NumPy warns of it only for scalars
    z = (z ^ (z >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    z = (z ^ (z >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    bits: NDArray[np.uint64] = z ^ (z >> np.uint64(31))
    return bits


def sequence_keys(seed: int, count: int, *, first: int = 0) -> NDArray[np.uint64]:
    """Return the streams of the sequences `first` … `first + count - 1` of a seed."""
    indices = np.arange(first, first + count, dtype=np.uint64)
    return raw(np.full(count, seed, dtype=np.uint64), indices)


def uniform(key: np.uint64, counter: int) -> float:
    """Return number `counter` of a stream, uniform in [0, 1)."""
    bits = raw(np.array([key]), np.array([counter], dtype=np.uint64))
    return float(bits[0] >> np.uint64(11)) * 2.0**-53


def fresh_seed() -> int:
    """Draw a seed, for a user who gave none."""
    return secrets.randbits(64)
