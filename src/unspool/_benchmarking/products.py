"""Measure products of two square matrices by unspool's tile and by NumPy's BLAS."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from unspool._benchmarking.turns import repeated
from unspool._errors import UnspoolError
from unspool._kernels.arrays import Floats
from unspool._kernels.products import multiply
from unspool._system import apart

# Variables that set the threads of NumPy's BLAS, and variables that make it assume another processor.
THREADS_OF_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS",
                   "VECLIB_MAXIMUM_THREADS")  # fmt: skip
# Threads of a BLAS wait actively for a while after a product and take a processor from the next contender.
# OpenBLAS waits 2^28 cycles by default (2^23 are a few ms); the number for MKL and LLVM is in ms.
PATIENCE = {"OPENBLAS_THREAD_TIMEOUT": "23", "KMP_BLOCKTIME": "3"}
DISGUISES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def operations(size: int) -> int:
    """Return the multiplications and additions of a product of two matrices (size, size)."""
    return 2 * size**3


def own_product(size: int, *, threads: int, precision: str = "float32") -> Callable[[], list[Floats]]:
    """Prepare a product by unspool's tile; threads share the rows of the left matrix."""
    random = np.random.default_rng(0)
    a, b = (random.random((size, size), dtype=np.float32) for _ in range(2))
    parts = [np.ascontiguousarray(part) for part in np.array_split(a, min(threads, size))]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda part: multiply(part, b, precision=precision), parts))


def blas_environment(threads: int) -> dict[str, str]:
    """Return the environment in which NumPy's BLAS uses this many threads and detects the real processor."""
    undisguised = {name: value for name, value in os.environ.items() if name not in DISGUISES}
    return undisguised | PATIENCE | dict.fromkeys(THREADS_OF_BLAS, str(threads))


@contextmanager
def numpy_product(size: int, *, threads: int, least: float) -> Iterator[Callable[[], float]]:
    """Start a process in which NumPy multiplies when it is its turn.

    A BLAS reads its number of threads when it is loaded, so it needs its own process. Ctrl-C does not reach
    it: it is killed at the end, also in the middle of a round.

    Args:
        size: Number of rows and columns of both matrices.
        threads: Number of threads of the BLAS.
        least: Least number of seconds of a round.

    Yields:
        A function that runs one round and returns its operations a second.
    """
    command = [sys.executable, "-m", "unspool._benchmarking.products", str(size), repr(least)]
    with subprocess.Popen(
        command,
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=blas_environment(threads),
        **apart(),
    ) as process:
        requests, answers = process.stdin, process.stdout

        def run() -> float:
            if requests is None or answers is None:
                raise UnspoolError("NumPy's product: its process has no pipes")
            requests.write("go\n")
            requests.flush()
            answer = answers.readline()
            if not answer:
                raise UnspoolError("NumPy's product: its process ended before it had an answer")
            return float(answer)

        try:
            yield run
        finally:
            process.kill()


def answer_with_products() -> None:
    """Run the process of `numpy_product`: for each line on standard input, do a round and print its rate."""
    size, least = int(sys.argv[1]), float(sys.argv[2])
    random = np.random.default_rng(0)
    a, b = (random.random((size, size), dtype=np.float32) for _ in range(2))
    run = repeated(lambda: a @ b, least=least, amount=operations(size))
    for _ in sys.stdin:
        print(run(), flush=True)


if __name__ == "__main__":
    answer_with_products()
