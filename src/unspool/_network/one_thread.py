"""NumPy's linear algebra on one thread, for what is too small to share out.

OpenBLAS, which NumPy's wheels bring along, lets its threads spin while they wait for one another. On a
busy machine they mostly wait: a matrix that one thread decomposes in a tenth of a second took ten. The bits
are the same for every number of threads.
"""

import contextlib
import ctypes
import threading
from collections.abc import Iterator
from typing import Any

import numpy as np

NAMES = [  # of the function, as wheels of NumPy, old and new, and Linux distributions build it
    f"{prefix}openblas_{{verb}}_num_threads{suffix}" for prefix in ("scipy_", "") for suffix in ("64_", "")
]
_set = threading.Lock()


def threads_of_blas(verb: str) -> "ctypes._NamedFuncPointer | None":
    """Return OpenBLAS's function that gets or sets how many threads it uses; None where it is not found.

    Args:
        verb: "get" or "set".
    """
    module: Any = getattr(np.linalg, "_umath_linalg", None)  # which is linked with it
    with contextlib.suppress(AttributeError, OSError):
        library = ctypes.CDLL(module.__file__)
        for name in NAMES:
            if hasattr(library, name.format(verb=verb)):
                return getattr(library, name.format(verb=verb))  # type: ignore[no-any-return]
    return None


@contextlib.contextmanager
def one_thread() -> Iterator[None]:
    """Make NumPy's linear algebra use one thread, where it is OpenBLAS's; elsewhere nothing changes.

    It is a setting of the whole process. Whoever comes while another has set it finds it so, and leaves it.
    """
    get, set_to = threads_of_blas("get"), threads_of_blas("set")
    if get is None or set_to is None or not _set.acquire(blocking=False):
        yield
        return
    before = get()
    try:
        set_to(1)
        yield
    finally:
        set_to(before)
        _set.release()
