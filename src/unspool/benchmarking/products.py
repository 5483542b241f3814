"""The machine's own rate: products of two square matrices, by unspool's tile, by NumPy's BLAS, by PyTorch."""

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from unspool.benchmarking.turns import repeated
from unspool.errors import UnspoolError
from unspool.kernels.arrays import Floats
from unspool.kernels.products import multiply

# What sets the threads of the BLAS that NumPy came with, and what makes it see another processor.
THREADS_OF_BLAS = ("OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "OMP_NUM_THREADS", "BLIS_NUM_THREADS",
                   "VECLIB_MAXIMUM_THREADS")  # fmt: skip
# Threads of a BLAS look for work for a while after a product, and take a processor from the next contender:
# OpenBLAS's 2^28 cycles unless told (2^23 are some ms), MKL's and LLVM's so many ms.
PATIENCE = {"OPENBLAS_THREAD_TIMEOUT": "23", "KMP_BLOCKTIME": "3"}
DISGUISES = ("OPENBLAS_CORETYPE", "OPENBLAS_L2_SIZE")


def operations(size: int) -> int:
    """Count multiplications and additions of a product of two matrices (size, size)."""
    return 2 * size**3


def own_product(size: int, *, threads: int, precision: str = "float32") -> Callable[[], list[Floats]]:
    """Prepare a product by unspool's tile, the rows of the left matrix shared among threads."""
    random = np.random.default_rng(0)
    a, b = (random.random((size, size), dtype=np.float32) for _ in range(2))
    parts = [np.ascontiguousarray(part) for part in np.array_split(a, min(threads, size))]
    pool = ThreadPoolExecutor(threads)
    return lambda: list(pool.map(lambda part: multiply(part, b, precision=precision), parts))


def blas_environment(threads: int) -> dict[str, str]:
    """Give the environment in which NumPy's BLAS runs on so many threads, as the processor it is on."""
    kept = {name: value for name, value in os.environ.items() if name not in DISGUISES}
    return kept | PATIENCE | dict.fromkeys(THREADS_OF_BLAS, str(threads))


@contextmanager
def numpy_product(size: int, *, threads: int, least: float) -> Iterator[Callable[[], float]]:
    """Start a process in which NumPy multiplies when it is its turn.

    A BLAS reads how many threads it has when it is loaded: hence a process of its own.

    Args:
        size: Rows and columns of both matrices.
        threads: Threads of the BLAS.
        least: Seconds that a round takes at least.

    Yields:
        A round's work, which gives the operations done in a second.
    """
    command = [sys.executable, "-m", "unspool.benchmarking.products", str(size), repr(least)]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=blas_environment(threads)
    ) as process:
        asked, told = process.stdin, process.stdout

        def run() -> float:
            if asked is None or told is None:
                raise UnspoolError("NumPy's product: its process has no pipes")
            asked.write("go\n")
            asked.flush()
            answer = told.readline()
            if not answer:
                raise UnspoolError("NumPy's product: its process ended before it had an answer")
            return float(answer)

        try:
            yield run
        finally:
            if asked is not None:
                asked.close()  # which is what ends it


def answer_with_products() -> None:
    """Be the process of `numpy_product`: for each line on standard input, do a round and print its rate."""
    size, least = int(sys.argv[1]), float(sys.argv[2])
    random = np.random.default_rng(0)
    a, b = (random.random((size, size), dtype=np.float32) for _ in range(2))
    run = repeated(lambda: a @ b, least=least, amount=operations(size))
    for _ in sys.stdin:
        print(run(), flush=True)


if __name__ == "__main__":
    answer_with_products()
