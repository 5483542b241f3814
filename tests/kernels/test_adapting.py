"""Counts of a text while it is read, against the same in plain Python."""

import math
from collections import Counter, defaultdict

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from unspool._kernels.adapting import AdaptiveCounts

END = 4


def by_hand(ids: list[int], nats: list[float]) -> list[float]:
    followed: defaultdict[tuple[int, ...], Counter[int]] = defaultdict(Counter)
    out = []
    for place, (token, own) in enumerate(zip(ids, nats, strict=True)):
        past = ids[:place]
        begin = max((i for i, each in enumerate(past) if each == END), default=0)
        past = past[begin:]
        contexts = [tuple(past[len(past) - d :]) for d in range(4, min(8, len(past)) + 1)]
        found = math.exp(-own)
        for context in contexts:
            if context not in followed:
                break
            counts = followed[context]
            less = {1: 0.9, 2: 1.2}
            escaped = sum(less.get(n, 1.5) for n in counts.values())
            times = counts[token]
            known = times - less.get(times, 1.5) if times else 0.0
            found = (known + escaped * found) / sum(counts.values())
        out.append(-math.log(0.6 * math.exp(-own) + 0.4 * found))
        for context in contexts:
            followed[context][token] += 1
    return out


@settings(max_examples=200, deadline=None)
@given(ids=st.lists(st.integers(1, END), max_size=200), part=st.integers(1, 200), seed=st.integers(0, 99))
def test_nats_by_hand(ids: list[int], part: int, seed: int) -> None:
    nats = np.random.default_rng(seed).uniform(0.1, 5, len(ids)).astype(np.float32)
    counts, row = AdaptiveCounts(END), np.array(ids, np.int32)
    parts = [counts.adapt(row[i : i + part], nats[i : i + part]) for i in range(0, len(ids), part)]
    found = np.concatenate([np.zeros(0, np.float32), *parts])
    np.testing.assert_allclose(found, by_hand(ids, nats.tolist()), atol=1e-5)


def test_the_probabilities_of_all_symbols_sum_to_one() -> None:
    draw = np.random.default_rng(0)
    past = np.tile(draw.integers(1, END, 7), 9).astype(np.int32)
    p = draw.dirichlet(np.ones(END)).astype(np.float32)
    total = 0.0
    for token in range(1, END + 1):
        counts = AdaptiveCounts(None)
        counts.adapt(past, np.full(len(past), 1.0, np.float32))
        nats = counts.adapt(np.array([token], np.int32), np.array([-np.log(p[token - 1])], np.float32))
        total += math.exp(-float(nats[0]))
    assert total == pytest.approx(1, abs=1e-5)


def test_what_was_never_read_before_keeps_its_bits() -> None:
    ids = np.arange(1, 500, dtype=np.int32)
    nats = np.random.default_rng(0).uniform(0.1, 9, len(ids)).astype(np.float32)
    np.testing.assert_array_equal(AdaptiveCounts(None).adapt(ids, nats), nats)


@pytest.mark.slow
def test_memory_is_bounded() -> None:
    """Twelve million random symbols have some fifty million contexts."""
    import resource

    counts, draw = AdaptiveCounts(None), np.random.default_rng(0)
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    for _ in range(12):
        ids = draw.integers(1, 1000, 1_000_000).astype(np.int32)
        counts.adapt(ids, np.ones(len(ids), np.float32))
    assert resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before < 400_000


def test_rows_that_do_not_fit() -> None:
    counts = AdaptiveCounts(None)
    with pytest.raises(ValueError, match="nats"):
        counts.adapt(np.ones(3, np.int32), np.ones(2, np.float32))
    with pytest.raises(ValueError, match="ids"):
        counts.adapt(np.ones(3, np.int64), np.ones(3, np.float32))
