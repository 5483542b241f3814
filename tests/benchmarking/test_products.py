"""Products are computed by those who are said to, and a process that multiplies ends with its measurement."""

import os
import signal
import threading
import time

import numpy as np
import pytest

from unspool._benchmarking import products
from unspool._errors import UnspoolError
from unspool._kernels.precision import has_bf16
from unspool._kernels.products import multiply


def test_the_rows_of_a_product_are_shared_among_threads() -> None:
    random = np.random.default_rng(0)
    a, b = (random.random((7, 7), dtype=np.float32) for _ in range(2))
    for threads in (1, 2, 9):
        parts = products.own_product(7, threads=threads)()
        np.testing.assert_array_equal(np.concatenate(parts), multiply(a, b))
    np.testing.assert_allclose(multiply(a, b), a @ b, rtol=1e-5)


@pytest.mark.skipif(not has_bf16(), reason="the processor has no products in bf16")
def test_a_product_may_be_in_bf16() -> None:
    rounded, exact = (
        np.concatenate(products.own_product(7, threads=2, precision=kind)()) for kind in ("bf16", "float32")
    )
    assert not np.array_equal(rounded, exact)
    np.testing.assert_allclose(rounded, exact, rtol=2e-2)


def test_numpy_multiplies_in_a_process_that_ends() -> None:
    with products.numpy_product(8, threads=1, least=0.0) as run:
        assert run() > 0
        assert run() > 0
    with products.numpy_product(8, threads=1, least=0.0):
        pass  # never asked
    with (
        pytest.raises(UnspoolError, match="ended"),
        products.numpy_product(-1, threads=1, least=0) as run,
    ):
        run()


def test_a_blas_gets_its_threads_and_sees_its_processor(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("OPENBLAS_CORETYPE", "Prescott")
    monkeypatch.setenv("OPENBLAS_NUM_THREADS", "7")
    environment = products.blas_environment(3)
    assert environment["OPENBLAS_NUM_THREADS"] == environment["MKL_NUM_THREADS"] == "3"
    assert "OPENBLAS_CORETYPE" not in environment
    assert environment["OPENBLAS_THREAD_TIMEOUT"] == "23"
    assert environment["PATH"] == os.environ["PATH"]


def test_operations_of_a_product() -> None:
    assert products.operations(2) == 16


def test_ctrl_c_ends_a_round_at_once(capfd: pytest.CaptureFixture[str]) -> None:
    began = time.perf_counter()
    threading.Timer(2, os.kill, (os.getpid(), signal.SIGINT)).start()
    with pytest.raises(KeyboardInterrupt), products.numpy_product(8, threads=1, least=600.0) as run:
        run()
    assert time.perf_counter() - began < 60
    assert capfd.readouterr().err == ""
