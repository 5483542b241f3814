"""The index of a model: an exact round trip, and an error of the tree for any damage."""

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from safetensors.numpy import save

from unspool._artifacts.belonging import NOVELTY
from unspool._artifacts.novelty_file import load_novelty, save_novelty
from unspool._artifacts.tensor_files import METADATA_KEY
from unspool._errors import ArtifactError
from unspool._text.novelty import NoveltyIndex
from unspool._text.tokenizers.registry import CharTokenizer

TOKENIZER = CharTokenizer("abc")
INDEX = NoveltyIndex.of(["abc", "ab", "cab", "b"])

BOTH = replace(INDEX, held_out=np.arange(3, dtype=np.uint64))


@pytest.mark.parametrize(
    "index",
    [INDEX, NoveltyIndex(INDEX.hashes, None, True), NoveltyIndex(np.empty(0, np.uint64)), BOTH],
    ids=["records", "lines", "empty", "held-out"],
)
def test_what_is_read_is_what_was_written(tmp_path: Path, index: NoveltyIndex) -> None:
    save_novelty(tmp_path, index, TOKENIZER)
    found = load_novelty(tmp_path, TOKENIZER)
    assert found is not None
    np.testing.assert_array_equal(found.hashes, index.hashes)
    assert found.hashes.dtype == np.uint64
    assert (found.normalization, found.by_line) == (index.normalization, index.by_line)
    assert (found.held_out is None) == (index.held_out is None)
    if index.held_out is not None:
        np.testing.assert_array_equal(found.held_out, index.held_out)


def test_a_text_takes_eight_bytes(tmp_path: Path) -> None:
    save_novelty(tmp_path, NoveltyIndex.of(map(str, range(5000))), TOKENIZER)
    assert 40_000 < (tmp_path / NOVELTY).stat().st_size < 40_600


def test_a_folder_without_one_has_none(tmp_path: Path) -> None:
    assert load_novelty(tmp_path, TOKENIZER) is None
    save_novelty(tmp_path, INDEX, TOKENIZER)
    save_novelty(tmp_path, None, TOKENIZER)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("index", [INDEX, BOTH], ids=["version 1", "version 2"])
def test_any_damage_is_an_error(tmp_path: Path, index: NoveltyIndex) -> None:
    save_novelty(tmp_path, index, TOKENIZER)
    path = tmp_path / NOVELTY
    raw = path.read_bytes()
    cut = [raw[:length] for length in range(len(raw))]
    flipped = [raw[:at] + bytes([raw[at] ^ 0x01]) + raw[at + 1 :] for at in range(len(raw))]
    for version in (*cut, *flipped, raw + b"x"):
        path.write_bytes(version)
        try:
            load_novelty(tmp_path, TOKENIZER)
        except ArtifactError as error:
            assert len(str(error)) < 1000  # noqa: PT017  (one line that a person can read)
        else:
            raise AssertionError(f"read as if it were whole: {version!r}")


def written(tmp_path: Path, **changes: Any) -> None:
    """Write a file of which some part is not what it should be."""
    save_novelty(tmp_path, INDEX, TOKENIZER)
    header = (tmp_path / NOVELTY).read_bytes()[8:]
    metadata = json.loads(json.loads(header[: header.index(b"}}") + 2])["__metadata__"][METADATA_KEY])
    arrays = changes.pop("arrays", {"hashes": INDEX.hashes})
    text = {METADATA_KEY: json.dumps({**metadata, **changes})}
    (tmp_path / NOVELTY).write_bytes(save(arrays, metadata=changes.get("metadata", text)))


@pytest.mark.parametrize(
    ("changes", "match"),
    [
        ({"format_version": 3}, "format_version.*expected 1 or 2, got 3.*upgrade"),
        ({"format_version": 2}, "arrays: expected hashes, held_out, got hashes"),
        ({"format_version": "1"}, "format_version"),
        ({"by_line": True}, "checksum"),
        ({"arrays": {"hashes": INDEX.hashes[1:]}}, "checksum"),
        ({"arrays": {"hashes": INDEX.hashes.astype(np.int64)}}, "U64"),
        ({"arrays": {"hashes": INDEX.hashes[None]}}, "U64"),
        ({"arrays": {"other": INDEX.hashes}}, "arrays: expected hashes, got other"),
        ({"metadata": None}, "metadata"),
        ({"metadata": {METADATA_KEY: "[]"}}, "JSON object"),
    ],
    ids=str,
)
def test_the_error_says_what_is_wrong(tmp_path: Path, changes: dict[str, Any], match: str) -> None:
    written(tmp_path, **changes)
    with pytest.raises(ArtifactError, match=match):
        load_novelty(tmp_path, TOKENIZER)


def test_the_index_of_another_model_is_refused(tmp_path: Path) -> None:
    save_novelty(tmp_path, INDEX, TOKENIZER)
    with pytest.raises(ArtifactError, match="belongs to another model"):
        load_novelty(tmp_path, CharTokenizer("abd"))


def test_what_is_not_sorted_is_refused(tmp_path: Path) -> None:
    save_novelty(tmp_path, NoveltyIndex(INDEX.hashes[::-1]), TOKENIZER)
    with pytest.raises(ArtifactError, match="ascending"):
        load_novelty(tmp_path, TOKENIZER)


def test_what_cannot_be_written_or_read_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ArtifactError, match="cannot write"):
        save_novelty(tmp_path / "nosuch", INDEX, TOKENIZER)
    (tmp_path / NOVELTY).mkdir()
    with pytest.raises(ArtifactError, match="cannot read"):
        load_novelty(tmp_path, TOKENIZER)
