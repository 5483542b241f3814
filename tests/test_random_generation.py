"""No option, constraint or model leads to a text that breaks a promise, or is not the plain twin's."""

import numpy as np
import pytest

from .random_generation import broken_promises, random_case

BATCH = 25  # cases of one test


def check_case(seed: int) -> bool:
    """Check a case; tell whether texts were written."""
    case = random_case(seed)
    native, plain = case.written(case.model), case.written(case.twin())
    if isinstance(native, str) or isinstance(plain, str):
        assert native == plain
        return False
    assert [(text.text, text.finish_reason) for text in native] == [
        (text.text, text.finish_reason) for text in plain
    ]
    largest = max(1.0, float(np.abs(case.model.parameters["output.kernel"]).max()))
    for text, other in zip(native, plain, strict=True):
        assert list(broken_promises(case, text)) == []
        np.testing.assert_allclose(text.token_logprobs, other.token_logprobs, rtol=0, atol=5e-5 * largest)
    return True


@pytest.mark.parametrize("first", range(0, 250, BATCH))
def test_random_texts_keep_every_promise_and_are_those_of_the_twin(first: int) -> None:
    written = [check_case(seed) for seed in range(first, first + BATCH)]
    assert sum(written) >= BATCH // 3


@pytest.mark.slow
@pytest.mark.parametrize("first", range(1000, 6000, BATCH))
def test_many_random_texts_keep_every_promise(first: int) -> None:
    for seed in range(first, first + BATCH):
        check_case(seed)
