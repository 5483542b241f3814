"""The counts of a model on disk: an exact round trip, and an error of the tree for any damage."""

import json
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import load, save

from unspool._artifacts.belonging import COUNTS
from unspool._artifacts.counts_file import load_counts, save_counts
from unspool._artifacts.tensor_files import METADATA_KEY
from unspool._errors import ArtifactError
from unspool._kernels.counts import CountTable, count
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer("abc")


def table_of(*texts: str, order: int = 3) -> CountTable:
    ids = np.concatenate([[*TOKENIZER.encode(text), TOKENIZER.eos_id] for text in texts]).astype(np.uint8)
    table = count(ids, vocab_size=TOKENIZER.vocab_size, order=order, end_id=TOKENIZER.eos_id)
    assert table is not None
    return table


TABLE = table_of("abc", "abcab", "cab", "b")


def test_what_is_read_is_what_was_written(tmp_path: Path) -> None:
    save_counts(tmp_path, TABLE, TOKENIZER)
    found = load_counts(tmp_path, TOKENIZER)
    assert found is not None
    for name, array in TABLE.arrays().items():
        np.testing.assert_array_equal(found.arrays()[name], array)
        assert found.arrays()[name].dtype == array.dtype


def test_a_folder_without_counts_has_none(tmp_path: Path) -> None:
    assert load_counts(tmp_path, TOKENIZER) is None
    save_counts(tmp_path, TABLE, TOKENIZER)
    save_counts(tmp_path, None, TOKENIZER)
    assert list(tmp_path.iterdir()) == []


def test_counts_in_use_can_be_replaced(tmp_path: Path) -> None:
    save_counts(tmp_path, TABLE, TOKENIZER)
    found = load_counts(tmp_path, TOKENIZER)
    assert found is not None
    save_counts(tmp_path, table_of("cc", "cca"), TOKENIZER)
    np.testing.assert_array_equal(found.counts, TABLE.counts)


def test_any_damage_is_an_error(tmp_path: Path) -> None:
    save_counts(tmp_path, TABLE, TOKENIZER)
    path = tmp_path / COUNTS
    raw = path.read_bytes()
    draw = random.Random(0)
    cut = [raw[:length] for length in draw.sample(range(len(raw)), 60)]
    flipped = [
        raw[:at] + bytes([raw[at] ^ 1 << draw.randrange(8)]) + raw[at + 1 :]
        for at in draw.sample(range(len(raw)), 120)
    ]
    for version in (*cut, *flipped, raw + b"x", b""):
        path.write_bytes(version)
        try:
            load_counts(tmp_path, TOKENIZER)
        except ArtifactError as error:
            assert len(str(error)) < 1000  # noqa: PT017  (one line that a person can read)
        else:
            raise AssertionError(f"read as if it were whole: {version!r}")


def test_counts_of_another_model(tmp_path: Path) -> None:
    save_counts(tmp_path, TABLE, TOKENIZER)
    with pytest.raises(ArtifactError, match="belongs to another model"):
        load_counts(tmp_path, CharTokenizer("abd"))


def test_a_later_version(tmp_path: Path) -> None:
    save_counts(tmp_path, TABLE, TOKENIZER)
    raw = (tmp_path / COUNTS).read_bytes()
    header = json.loads(raw[8 : 8 + int.from_bytes(raw[:8], "little")])
    content = json.loads(header["__metadata__"][METADATA_KEY]) | {"format_version": 2}
    (tmp_path / COUNTS).write_bytes(save(load(raw), metadata={METADATA_KEY: json.dumps(content)}))
    with pytest.raises(ArtifactError, match="upgrade"):
        load_counts(tmp_path, TOKENIZER)


@pytest.mark.parametrize(
    "change",
    [
        {"counts": np.zeros_like(TABLE.counts)},
        {"first_child": TABLE.first_child[::-1].copy()},
        {"tokens": TABLE.tokens + np.uint16(100)},
    ],
    ids=lambda change: next(iter(change)),
)
def test_a_whole_file_that_holds_no_table(tmp_path: Path, change: dict[str, Any]) -> None:
    """Nothing leads out of the arrays, whoever made the file and its checksum."""
    table = replace(TABLE)
    vars(table).update(change)
    save_counts(tmp_path, table, TOKENIZER)
    with pytest.raises(ArtifactError):
        load_counts(tmp_path, TOKENIZER)


def test_where_nothing_can_be_written(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot write"):
        save_counts(tmp_path / "missing", TABLE, TOKENIZER)
