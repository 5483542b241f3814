"""NumPy's linear algebra on one thread: as many threads as before afterwards, and the same bits."""

from typing import Any

import numpy as np
import pytest

from unspool._network import one_thread as limits
from unspool._network.one_thread import one_thread, threads_of_blas
from unspool._network.parameters import _orthogonal

get, set_to = threads_of_blas("get"), threads_of_blas("set")
openblas = pytest.mark.skipif(get is None or set_to is None, reason="NumPy's library is not OpenBLAS")


class Blas:
    """A library that notes how many threads it is told to use."""

    def __init__(self) -> None:
        self.told: list[int] = [5]

    def function(self, verb: str) -> Any:
        return self.told.append if verb == "set" else lambda: self.told[-1]


@pytest.fixture
def blas(monkeypatch: pytest.MonkeyPatch) -> Blas:
    library = Blas()
    monkeypatch.setattr(limits, "threads_of_blas", library.function)
    return library


def test_there_are_as_many_as_before_afterwards(blas: Blas) -> None:
    with one_thread():
        assert blas.told == [5, 1]
    assert blas.told == [5, 1, 5]
    with pytest.raises(KeyError), one_thread():
        raise KeyError
    assert blas.told == [5, 1, 5, 1, 5]


def test_whoever_comes_meanwhile_leaves_the_setting(blas: Blas) -> None:
    with one_thread(), one_thread():
        assert blas.told == [5, 1]
    assert blas.told == [5, 1, 5]


def test_a_library_without_such_functions_computes_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(limits, "NAMES", ["no_such_{verb}"])
    assert threads_of_blas("get") is None
    with one_thread():
        assert np.linalg.qr(np.eye(2))[0].shape == (2, 2)


@openblas
def test_kernels_are_drawn_on_one_thread(monkeypatch: pytest.MonkeyPatch) -> None:
    honest, seen = np.linalg.qr, []

    def qr(values: Any) -> Any:
        seen.append(get())
        return honest(values)

    before = get()
    set_to(2)
    try:
        expected = honest(np.random.default_rng(3).standard_normal((400, 160)))
        monkeypatch.setattr(np.linalg, "qr", qr)
        drawn = _orthogonal(np.random.default_rng(3), 160, 400)
        assert (seen, get()) == ([1], 2)
    finally:
        set_to(before)
    np.testing.assert_array_equal(drawn, (expected[0] * np.sign(np.diag(expected[1]))).T)
