"""The native suffix automaton against searching by hand."""

from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from unspool._kernels.matching import UNSIGNED, Matcher, hash_records

IDS = st.lists(st.integers(0, 3), max_size=60)


def by_hand(texts: list[int], long: list[int]) -> tuple[list[int], list[int]]:
    """Try every span that ends at every position, the longest first."""
    lengths, ends = [], []
    for end in range(1, len(texts) + 1):
        found = (0, 0)
        for begin in range(end):
            span = texts[begin:end]
            places = [i for i in range(len(long) - len(span) + 1) if long[i : i + len(span)] == span]
            if 0 not in span and places:
                found = (len(span), places[0] + len(span))
                break
        lengths.append(found[0])
        ends.append(found[1])
    return lengths, ends


def found(texts: list[int], long: list[int], *, part: int, dtype: Any) -> tuple[list[int], list[int]]:
    matcher = Matcher(np.array(texts, np.int32))
    for begin in range(0, len(long), part):
        matcher.scan(np.array(long[begin : begin + part], dtype))
    lengths, ends = matcher.matches()
    return lengths.tolist(), ends.tolist()


@settings(max_examples=300, deadline=None)
@given(texts=IDS, long=IDS, part=st.integers(1, 60), dtype=st.sampled_from(UNSIGNED))
def test_spans_are_those_found_by_hand(texts: list[int], long: list[int], part: int, dtype: Any) -> None:
    lengths, ends = found(texts, long, part=part, dtype=dtype)
    assert lengths == by_hand(texts, long)[0]
    for end, length, place in zip(range(1, len(texts) + 1), lengths, ends, strict=True):
        assert long[place - length : place] == texts[end - length : end]
        assert (place == 0) == (length == 0)


@settings(max_examples=30, deadline=None)
@given(st.data())
def test_large_alphabets(data: st.DataObject) -> None:
    """More edges at a state than are searched one by one."""
    ids = st.lists(st.integers(0, 300), max_size=300)
    texts, long = data.draw(ids), data.draw(ids)
    long += texts[5:40]
    assert found(texts, long, part=100, dtype=np.uint16)[0] == by_hand(texts, long)[0]


def test_what_matched_can_be_asked_before_the_end() -> None:
    matcher = Matcher(np.array([1, 2, 3, 4], np.int32))
    matcher.scan(np.array([9, 1, 2], np.uint8))
    assert [part.tolist() for part in matcher.matches()] == [[1, 2, 0, 0], [2, 3, 0, 0]]
    matcher.scan(np.array([3, 3, 4], np.uint8))
    assert [part.tolist() for part in matcher.matches()] == [[1, 2, 3, 2], [2, 3, 4, 6]]


def test_nothing_is_asked_about_nothing() -> None:
    assert [part.tolist() for part in Matcher(np.zeros(0, np.int32)).matches()] == [[], []]


@pytest.mark.parametrize(
    "texts", [np.zeros(3, np.int64), np.zeros((2, 2), np.int32), np.array([1, -1], np.int32)]
)
def test_texts_that_are_no_ids_are_refused(texts: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="texts"):
        Matcher(texts)


@pytest.mark.parametrize("ids", [np.zeros(3, np.int32), np.zeros(6, np.uint8)[::2], np.zeros(3)])
def test_long_texts_of_another_kind_are_refused(ids: NDArray[Any]) -> None:
    with pytest.raises(ValueError, match="ids"):
        Matcher(np.array([1], np.int32)).scan(ids)


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_equal_records_have_equal_hashes(dtype: Any) -> None:
    ids = np.array([5, 6, 7, 5, 6, 7, 6, 5, 7, 5], dtype)
    starts, ends = np.array([0, 3, 6, 0, 9, 2]), np.array([3, 6, 9, 0, 9, 10])
    a, b, c, empty, also_empty, longer = hash_records(ids, starts, ends).tolist()
    assert a == b
    assert empty == also_empty
    assert len({a, c, empty, longer}) == 4
    wide = hash_records(ids.astype(np.uint32), starts, ends)
    assert wide.tolist() == [a, b, c, empty, also_empty, longer]


@pytest.mark.parametrize(("starts", "ends"), [([0], [4]), ([2], [1]), ([-1], [1]), ([0, 1], [1])])
def test_records_outside_are_refused(starts: list[int], ends: list[int]) -> None:
    with pytest.raises(ValueError, match="records"):
        hash_records(np.zeros(3, np.uint8), np.array(starts), np.array(ends))


def hashed(ids: list[int]) -> int:
    """Return the hash of a record: FNV-1a over its ids, then the last mixing of SplitMix64."""
    value, every_bit = 0xCBF29CE484222325, (1 << 64) - 1
    for each in ids:
        value = (value ^ each) * 0x100000001B3 & every_bit
    for shift, factor in ((30, 0xBF58476D1CE4E5B9), (27, 0x94D049BB133111EB)):
        value = (value ^ value >> shift) * factor & every_bit
    return value ^ value >> 31


@pytest.mark.parametrize("dtype", UNSIGNED)
def test_hashes_are_those_worked_out_in_python(dtype: Any) -> None:
    ids = np.array([0, 1, 255, 128, 7, 7, 0, 200], dtype)
    bounds = [(begin, end) for begin in range(9) for end in range(begin, 9)]
    starts, ends = (np.array(side) for side in zip(*bounds, strict=True))
    assert hash_records(ids, starts, ends).tolist() == [hashed(ids[a:b].tolist()) for a, b in bounds]
