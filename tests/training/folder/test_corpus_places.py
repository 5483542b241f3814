"""The places of a run's texts: what is read back, and what is refused."""

import json
from pathlib import Path

import pytest

from unspool._errors import ArtifactError
from unspool._training.folder.corpus_places import PLACES, placed_spec

DATA = {"records": {"source": "names.txt"}, "validation": None}


def kept(folder: Path, place: str) -> Path:
    (folder / PLACES).parent.mkdir(exist_ok=True)
    (folder / PLACES).write_text(json.dumps({"format_version": 1, "records": [place], "validation": None}))
    return folder


@pytest.mark.parametrize("place", ["names.txt", "n%61mes.txt", "caf%C3%A9.txt", "caf\u00e9.txt"])
def test_a_place_is_a_path_spelled_as_in_a_url(place: str, tmp_path: Path) -> None:
    name = {"n%61mes.txt": "names.txt", "caf%C3%A9.txt": "caf\u00e9.txt"}.get(place, place)
    (tmp_path / name).write_text("anna\n")
    assert placed_spec(kept(tmp_path, place), DATA, "records")["source"] == str(tmp_path / name)


def test_half_of_a_character_is_no_place(tmp_path: Path) -> None:
    with pytest.raises(
        ArtifactError, match=r"corpus\.json: expected places spelled as in a URL, got 'x\\ud800'"
    ):
        placed_spec(kept(tmp_path, "x\ud800"), DATA, "records")
