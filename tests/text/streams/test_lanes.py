"""Lanes: every symbol is a target once, nothing is padded, and a cursor is exact."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from unspool._errors import ConfigError, CorpusError
from unspool._text.streams import lanes as lanes_module
from unspool._text.streams.lanes import Lanes, Window, record_order
from unspool._text.streams.stream import TokenStream

EOS = 99
GOLDEN = [2, 4, 7, 3, 5, 1, 0, 6]

corpora = st.lists(st.lists(st.integers(1, 98), max_size=9), min_size=1, max_size=12)
shapes = st.tuples(st.integers(1, 6), st.integers(1, 7))


def stream_of(records: list[list[int]]) -> TokenStream:
    """Put records of ids together, each ended by ``<eos>``."""
    ids = np.array([i for record in records for i in [*record, EOS]], np.uint8)
    sizes = [len(record) + 1 for record in records]
    starts = np.cumsum([0, *sizes])[:-1].astype(np.int64)
    return TokenStream(ids, starts, len(ids) - len(records))


def lanes_of(
    records: list[list[int]], shape: tuple[int, int] = (2, 3), *, seed: int = 0, document: bool = False
) -> Lanes:
    """Lay records out in lanes."""
    batch_size, sequence_length = shape
    return Lanes(
        stream_of(records),
        batch_size=batch_size,
        sequence_length=sequence_length,
        seed=seed,
        eos_id=EOS,
        document=document,
    )


def laid_out(windows: list[Window]) -> tuple[list[int], list[int]]:
    """Give inputs and targets, lane after lane."""
    ids = np.concatenate([window.ids for window in windows])  # (N / B, B)
    targets = np.concatenate([window.targets for window in windows])
    return ids.T.ravel().tolist(), targets.T.ravel().tolist()


def shuffled(records: list[list[int]], seed: int, epoch: int) -> list[int]:
    """Put the records together in the order of an epoch, the plain way."""
    order = record_order(len(records), seed=seed, epoch=epoch)
    return [i for record in order.tolist() for i in [*records[record], EOS]]


@given(corpora, shapes, st.integers(0, 2**70), st.integers(0, 5), st.booleans())
def test_windows_are_the_stream_cut_into_lanes(
    records: list[list[int]], shape: tuple[int, int], seed: int, epoch: int, document: bool
) -> None:
    lanes = lanes_of(records, shape, seed=seed, document=document)
    expected = stream_of(records).ids.tolist() if document else shuffled(records, seed, epoch)
    windows = list(lanes.windows(epoch))
    ids, targets = laid_out(windows)
    assert targets == expected[: len(targets)]
    assert ids == [EOS, *expected][: len(targets)]
    assert len(expected) - len(targets) <= lanes.batch_size - 1
    assert len(windows) == lanes.windows_per_epoch


@given(corpora, shapes, st.integers(0, 5))
def test_an_epoch_has_every_symbol_once(records: list[list[int]], shape: tuple[int, int], epoch: int) -> None:
    lanes = lanes_of(records, shape)
    _, targets = laid_out(list(lanes.windows(epoch)))
    missing = Counter(stream_of(records).ids.tolist()) - Counter(targets)
    assert Counter(targets) - Counter(stream_of(records).ids.tolist()) == Counter()
    assert missing.total() < lanes.batch_size


@given(corpora, shapes, st.booleans())
def test_windows_have_the_promised_form(
    records: list[list[int]], shape: tuple[int, int], document: bool
) -> None:
    lanes = lanes_of(records, shape, document=document)
    windows = list(lanes.windows(0))
    for window in windows:
        for array in (window.ids, window.targets):
            assert array.dtype == np.int32
            assert array.flags.c_contiguous
            assert array.shape[1] == lanes.batch_size
            assert array.min() > 0
    assert {len(window.ids) for window in windows[:-1]} <= {shape[1]}
    assert 1 <= len(windows[-1].ids) <= shape[1]


@given(corpora, shapes, st.integers(0, 3), st.data())
def test_a_cursor_goes_on_where_the_epoch_was_left(
    records: list[list[int]], shape: tuple[int, int], epoch: int, data: st.DataObject
) -> None:
    whole = list(lanes_of(records, shape).windows(epoch))
    start = data.draw(st.integers(0, len(whole)))
    rest = list(lanes_of(records, shape).windows(epoch, start))
    assert len(rest) == len(whole) - start
    for window, again in zip(whole[start:], rest, strict=True):
        assert window.ids.tolist() == again.ids.tolist()
        assert window.targets.tolist() == again.targets.tolist()


@given(corpora, st.integers(1, 30))
def test_the_size_of_blocks_does_not_matter(records: list[list[int]], block: int) -> None:
    plain = laid_out(list(lanes_of(records).windows(0)))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(lanes_module, "BLOCK", block)
        assert laid_out(list(lanes_of(records).windows(0))) == plain


def test_the_order_never_changes() -> None:
    assert record_order(8, seed=7, epoch=3).tolist() == GOLDEN


@given(st.integers(0, 300), st.integers(0, 2**70), st.integers(0, 9))
def test_the_order_is_a_permutation(size: int, seed: int, epoch: int) -> None:
    assert sorted(record_order(size, seed=seed, epoch=epoch).tolist()) == list(range(size))


def test_seed_and_epoch_change_the_order() -> None:
    orders = {tuple(record_order(50, seed=seed, epoch=epoch).tolist()) for seed in (0, 1) for epoch in (0, 1)}
    assert len(orders) == 4


def test_a_document_is_the_same_in_every_epoch() -> None:
    lanes = lanes_of([[1, 2, 3], [4, 5]], document=True)
    assert laid_out(list(lanes.windows(0))) == laid_out(list(lanes.windows(1)))


def test_small_numbers_by_hand() -> None:
    lanes = lanes_of([[1, 2, 3], [4, 5]], (2, 2), document=True)  # <eos> | 1 2 3 <eos> 4 5 <eos>
    first, second = lanes.windows(0)
    assert first.ids.tolist() == [[EOS, 3], [1, EOS]]
    assert first.targets.tolist() == [[1, EOS], [2, 4]]
    assert second.ids.tolist() == [[2, 4]]
    assert second.targets.tolist() == [[3, 5]]  # the last <eos> does not fill the lanes


@pytest.mark.parametrize(
    ("symbols", "batch_size", "sequence_length", "lanes"),
    [
        (1, 32, 64, 1),
        (126, 32, 64, 1),
        (127, 32, 64, 2),
        (2047, 32, 64, 32),
        (10_000, 32, 64, 32),
        (5, 4, 1, 4),
    ],
)
def test_a_tiny_corpus_has_fewer_lanes(
    symbols: int, batch_size: int, sequence_length: int, lanes: int
) -> None:
    assert lanes_of([[1] * symbols], (batch_size, sequence_length)).batch_size == lanes


def test_one_record_of_one_character_is_enough() -> None:
    (window,) = lanes_of([[1]], (32, 64)).windows(0)
    assert window.ids.tolist() == [[EOS], [1]]
    assert window.targets.tolist() == [[1], [EOS]]


def test_nothing_makes_no_lanes() -> None:
    with pytest.raises(CorpusError, match="the corpus is empty"):
        lanes_of([])


@pytest.mark.parametrize(
    ("name", "value"), [("batch_size", 0), ("sequence_length", 0), ("seed", -1), ("batch_size", 2.0)]
)
def test_arguments_have_ranges(name: str, value: float) -> None:
    options = {"batch_size": 1, "sequence_length": 1, "seed": 0} | {name: value}
    with pytest.raises(ConfigError, match=f"{name} must be a whole number"):
        Lanes(stream_of([[1]]), eos_id=EOS, document=False, **options)  # type: ignore[arg-type]


@pytest.mark.parametrize(("epoch", "start"), [(-1, 0), (0, -1), (0, 2), (0.5, 0)])
def test_a_cursor_out_of_range_is_refused_at_once(epoch: int, start: int) -> None:
    with pytest.raises(ConfigError, match=r"(epoch|start) must be a whole number"):
        lanes_of([[1]]).windows(epoch, start)
