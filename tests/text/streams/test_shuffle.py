"""Reading orders: what is read lazily is what a copy of the whole shuffled stream would hold."""

import pickle

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from unspool._text.streams import builder
from unspool._text.streams import shuffle as reading_order
from unspool._text.streams.builder import Spill
from unspool._text.streams.shuffle import InOrder, Shuffled, record_order
from unspool._text.streams.stream import TokenStream

sizes_of_records = st.lists(st.integers(1, 9), min_size=1, max_size=40)


def stream_of(sizes: list[int]) -> TokenStream:
    """Make a stream whose ids are all different."""
    ids = np.arange(sum(sizes), dtype=np.uint16)
    return TokenStream(ids, np.cumsum([0, *sizes])[:-1].astype(np.int64), len(ids) - len(sizes))


def shuffled_copy(stream: TokenStream, order: NDArray[np.int64]) -> tuple[list[int], list[int]]:
    """Lay the whole stream out in an order, the plain way: ids and record numbers."""
    ends = [*stream.starts[1:].tolist(), len(stream)]
    records = [r for r in order.tolist() for _ in range(ends[r] - int(stream.starts[r]))]
    return [i for r in order.tolist() for i in stream.ids[stream.starts[r] : ends[r]].tolist()], records


@given(sizes_of_records, st.integers(0, 9), st.integers(1, 7), st.data())
def test_any_part_is_that_of_the_shuffled_copy(
    sizes: list[int], seed: int, stride: int, data: st.DataObject
) -> None:
    stream = stream_of(sizes)
    order = record_order(len(sizes), seed=seed, epoch=0)
    ids, records = shuffled_copy(stream, order)
    begin = data.draw(st.integers(0, len(ids) - 1))
    end = data.draw(st.integers(begin + 1, len(ids)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_order, "STRIDE", stride)
        reader = Shuffled(stream, order)
        assert reader.ids(begin, end).tolist() == ids[begin:end]
        assert reader.records(begin, end).tolist() == records[begin:end]


@given(sizes_of_records, st.data())
def test_a_document_is_read_as_it_is(sizes: list[int], data: st.DataObject) -> None:
    stream = stream_of(sizes)
    ids, records = shuffled_copy(stream, np.arange(len(sizes)))
    begin = data.draw(st.integers(0, len(ids) - 1))
    end = data.draw(st.integers(begin + 1, len(ids)))
    assert InOrder(stream).ids(begin, end).tolist() == ids[begin:end]
    assert InOrder(stream).records(begin, end).tolist() == records[begin:end]


@given(st.integers(0, 300), st.integers(0, 2**70), st.integers(1, 50), st.integers(1, 50), st.integers(1, 60))
def test_an_order_sorted_in_parts_is_the_same(
    size: int, seed: int, sorted_at_once: int, drawn: int, place_bits: int
) -> None:
    keys = np.random.PCG64(np.random.SeedSequence([seed, 3])).random_raw(size)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(reading_order, "SORTED_AT_ONCE", sorted_at_once)
        patch.setattr(reading_order, "KEYS_AT_ONCE", drawn)
        patch.setattr(reading_order, "PLACE_BITS", place_bits)  # many numbers look alike, too
        order = record_order(size, seed=seed, epoch=3)
    assert order.tolist() == np.argsort(keys, kind="stable").tolist()


@given(sizes_of_records, st.integers(0, 9))
def test_what_lies_in_a_file_is_read_alike(sizes: list[int], seed: int) -> None:
    plain = stream_of(sizes)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(builder, "SPILL", 0)
        ids, starts = Spill(), Spill()
        ids.append(plain.ids)
        starts.append(plain.starts)
        mapped, ids_file = ids.array(np.uint16)
        stream = TokenStream(mapped, starts.array(np.int64)[0], 0, ids_file=ids_file)
    copy = pickle.loads(pickle.dumps(stream))
    assert copy.ids_file is None
    assert copy.fingerprint() == stream.fingerprint()
    for each in (stream, *stream.tail_split(0.3)):
        whole = TokenStream(each.ids.copy(), each.starts, 0)
        order = record_order(each.num_records, seed=seed, epoch=0)
        for begin in range(0, len(each), 3):
            end = min(begin + 5, len(each))
            assert Shuffled(each, order).ids(begin, end).tolist() == (
                Shuffled(whole, order).ids(begin, end).tolist()
            )
