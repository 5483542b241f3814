"""What is read of a mapped file is given back while it is read: each pass over a stream does so."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from unspool._text.encoding.corpus import encode_corpus
from unspool._text.encoding.corpus_files import save_corpus
from unspool._text.encoding.recipe import EncodingRecipe
from unspool._text.encoding.repeats import new_sides, with_new_sides
from unspool._text.records import Records
from unspool._text.streams.lanes import Lanes
from unspool._text.streams.shuffle import Shuffled, record_order
from unspool._text.streams.stream import TokenStream


class File:
    """A mapped file that counts how often its memory is given back."""

    size = 0

    def __init__(self, array: Any) -> None:
        self.array, self.count = array, 0

    def give_back(self) -> None:
        self.count += 1

    def link(self, _: object) -> bool:
        return False

    def gather(self, array: Any, begins: Any, sizes: Any) -> Any:
        parts = [array[begin : begin + size] for begin, size in zip(begins, sizes, strict=True)]
        return np.concatenate([array[:0], *parts])


TEXTS = ["a b", "c d", "a b", "e f"] * 9
ENCODED = encode_corpus(Records.of(TEXTS), EncodingRecipe(tokenizer="word", max_vocab_size=6))


def read_windows(stream: TokenStream, *, document: bool) -> None:
    lanes = Lanes(
        stream, batch_size=2, sequence_length=3, seed=0, eos_id=int(stream.ids[-1]), document=document
    )
    assert len(list(lanes.windows(0))) > 0


ACTIONS: dict[str, Callable[[TokenStream, Any], object]] = {
    "fingerprint": lambda stream, _: stream.fingerprint(),
    "characters": lambda stream, _: stream.tail_split(0.5),
    "records": lambda stream, _: stream.take(np.array([2, 0])),
    "in order": lambda stream, _: read_windows(stream, document=True),
    "shuffled": lambda stream, _: read_windows(stream, document=False),
    "an order": lambda stream, _: Shuffled(stream, record_order(stream.num_records, seed=0, epoch=0)),
    "other sides": lambda stream, _: new_sides(replace(ENCODED, training=stream), 0.1),
    "saved": lambda stream, folder: save_corpus(folder, replace(ENCODED, training=stream)),
}


@pytest.mark.parametrize("name", ACTIONS)
def test_each_pass_gives_back_what_it_read(tmp_path: Any, name: str) -> None:
    files: list[Any] = [File(array) for array in (ENCODED.training.ids, ENCODED.training.starts)]
    stream = replace(ENCODED.training, ids_file=files[0], starts_file=files[1], known_fingerprint=None)
    ACTIONS[name](stream, tmp_path)
    assert [file.count > 0 for file in files] == [True, True]


def test_a_corpus_that_gets_other_sides_gives_back_each_part() -> None:
    sides = new_sides(ENCODED, 0.1)
    assert sides is not None
    files: list[Any] = [File(ENCODED.training.ids), File(ENCODED.validation.ids)]
    with_new_sides(replace(
        ENCODED,
        training=replace(ENCODED.training, ids_file=files[0]),
        validation=replace(ENCODED.validation, ids_file=files[1]),
    ), sides)  # fmt: skip
    assert files[0].count > 0


def test_all_files_of_a_stream_are_given_back() -> None:
    files: list[Any] = [File(None) for _ in range(3)]
    stream = replace(ENCODED.training, ids_file=files[0], starts_file=files[1], spelling_file=files[2])
    stream.give_back()
    replace(stream, starts_file=None).give_back()
    assert [file.count for file in files] == [2, 1, 2]
