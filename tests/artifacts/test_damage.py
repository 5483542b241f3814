"""Whatever happens to a byte of a model, reading it ends in an error of the tree or in a model."""

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from tests.artifacts.models import make_model, same, save
from unspool._artifacts import load_model
from unspool._artifacts.model_folder import CONFIG, MODEL, TOKENIZER
from unspool._errors import InputError

every_file = pytest.mark.parametrize("name", [CONFIG, TOKENIZER, MODEL])


def outcomes(folder: Path, name: str, versions: Iterator[bytes]) -> list[bool]:
    """Put each version in the file's place and tell whether a model was read."""
    original, results = (folder / name).read_bytes(), []
    for version in versions:
        (folder / name).write_bytes(version)
        try:
            load_model(folder)
        except InputError as error:
            assert len(str(error)) < 1000  # noqa: PT017  (one line that a person can read)
            results.append(False)
        else:
            results.append(True)
    (folder / name).write_bytes(original)
    return results


@every_file
def test_a_file_cut_short_is_never_a_model(tmp_path: Path, name: str) -> None:
    save(tmp_path, make_model(cell="rnn"))
    raw = (tmp_path / name).read_bytes().rstrip(b"\n" if name != MODEL else b"")
    results = outcomes(tmp_path, name, (raw[:length] for length in range(len(raw))))
    assert not any(results)


@every_file
def test_a_changed_byte_is_an_error_or_another_model(tmp_path: Path, name: str) -> None:
    save(tmp_path, make_model(cell="rnn"))
    raw = (tmp_path / name).read_bytes()
    flips = (0x01, 0x20, 0x80)
    versions = (raw[:at] + bytes([raw[at] ^ flips[at % 3]]) + raw[at + 1 :] for at in range(len(raw)))
    results = outcomes(tmp_path, name, versions)
    assert not all(results)
    assert same(load_model(tmp_path), make_model(cell="rnn"))


@every_file
def test_random_damage_never_brings_another_error(tmp_path: Path, name: str) -> None:
    save(tmp_path, make_model(cell="rnn"))
    raw, random = (tmp_path / name).read_bytes(), np.random.default_rng(0)

    def versions() -> Iterator[bytes]:
        for _ in range(300):
            begin, end = sorted(random.integers(0, len(raw) + 1, 2))
            yield raw[:begin] + random.bytes(int(random.integers(0, 40))) + raw[end:]

    assert not all(outcomes(tmp_path, name, versions()))
