"""Where the texts of a run are: what a model says of it to others, and what the run itself keeps.

A model folder may be given away, so it has only the names of the files that the model learned from. A run can
be resumed, so it keeps their places in ``checkpoint/corpus.json``, which is no part of the model::

    {"format_version": 1, "records": ["../../names.txt"], "validation": null}

A place is a path: from the run's folder if the user wrote a relative one, so that both can be moved together.
It is spelled as in a URL: ``%FF`` is a byte that is not UTF-8, ``%25`` a percent sign.
"""

import os
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote_to_bytes

from unspool._configuration import from_dict, to_dict
from unspool._errors import ArtifactError, CorpusError, InputError, spelled
from unspool._json_files import json_text, read_json
from unspool._storage import atomic_write, is_missing, make_folder
from unspool._system import relative_path
from unspool._text.reading.folders import current_spec
from unspool._text.reading.read_options import STANDARD_INPUT
from unspool._text.reading.sources import CORPUS_PREFIX, described
from unspool._text.records import Records
from unspool._training.checkpoints import write_error

PLACES = "checkpoint/corpus.json"
FORMAT_VERSION = 1
NAME_IT = "name the text: unspool train --resume DIR CORPUS, unspool audit DIR CORPUS"
HALF = re.compile("[\ud800-\udfff]")  # of a pair that stands for one character in UTF-16
PARTS = ("records", "validation")  # keys of the specifications of texts in config.json


@dataclass(frozen=True)
class CorpusPlaces:
    """The content of corpus.json.

    Args:
        format_version: Version of the format of this file.
        records: The places of the texts; None if they are not in files.
        validation: The places of the held-out texts; None if there are none, or they are not in files.
    """

    format_version: int
    records: list[str] | None = None
    validation: list[str] | None = None


def paths_of(source: object) -> list[str]:
    """Return the paths of a specification's source; none of a corpus with a name or standard input."""
    if isinstance(source, str):
        named = source == STANDARD_INPUT or source.startswith(CORPUS_PREFIX)
        return [] if named else [source]
    return [path for path in source if isinstance(path, str)] if isinstance(source, list) else []


def shared_data(data: Mapping[str, Any]) -> dict[str, Any]:
    """Return what a model says of its texts: the names of files in place of their paths.

    Args:
        data: The origin of the texts, as in config.json.
    """
    shared = dict(data)
    for part in PARTS:
        spec = data.get(part)
        names = [_name(path) for path in paths_of(spec.get("source"))] if isinstance(spec, Mapping) else []
        if isinstance(spec, Mapping) and names:
            shared[part] = {**spec, "source": names[0] if len(names) == 1 else names}
            shared |= {"description": described(names)} if part == "records" else {}
    return shared


def shared_description(texts: Records) -> str:
    """Return the description of texts in which the name of a file stands in place of its path."""
    return str(shared_data({"description": texts.description, "records": texts.spec})["description"])


def _name(source: str) -> str:
    return spelled(Path(source).name) or "texts"


def keep_places(folder: Path, texts: Mapping[str, Records | None]) -> None:
    """Write where the texts of a run are, if they are in files.

    Args:
        folder: The run's folder.
        texts: The texts by the names of their specifications, "records" and "validation".

    Raises:
        ArtifactError: If the file cannot be written.
    """
    places = {part: _places(folder, records) for part, records in texts.items()}
    if not any(places.values()) or _are_kept(folder, places):
        return
    path, text = folder / PLACES, json_text(to_dict(CorpusPlaces(FORMAT_VERSION, **places))) + "\n"
    try:
        make_folder(path.parent)
        atomic_write(path, text)
    except OSError as error:
        raise write_error(path, len(text), error) from error


def _are_kept(folder: Path, places: Mapping[str, list[str] | None]) -> bool:
    """Return whether the places in the file lead to the same files, however they are spelled."""
    try:
        kept = _read_places(folder / PLACES)
    except InputError:
        return False
    return all(_paths(folder, getattr(kept, part)) == _paths(folder, place) for part, place in places.items())


def _paths(folder: Path, places: list[str] | None) -> list[str]:
    """Return the paths that places are."""
    return [
        os.path.normpath(folder.resolve() / os.fsdecode(unquote_to_bytes(place))) for place in places or ()
    ]


def _places(folder: Path, records: Records | None) -> list[str] | None:
    paths = [] if records is None else paths_of(records.spec.get("source"))
    if records is not None and not Path(records.description).is_absolute():
        paths = [relative_path(path, folder.resolve()) for path in paths]
    return [quote(os.fsencode(path)) for path in paths] or None


def placed_spec(folder: Path, data: Mapping[str, Any], part: str) -> dict[str, Any]:
    """Return the arguments that read the texts of a run again.

    Args:
        folder: The run's folder.
        data: The origin of the texts, as in config.json.
        part: "records" or "validation".

    Returns:
        The arguments of `read_records`; empty if the texts came from memory.

    Raises:
        CorpusError: If nothing says where the texts are, as in a model that somebody else has trained, or
            they are not there.
        ArtifactError: If the file that says it is broken.
    """
    spec = current_spec(data.get(part) or {})
    paths = paths_of(spec.get("source"))
    if not paths:
        return spec
    if not Path(paths[0]).is_absolute():  # version 0.1 wrote the path
        paths = _paths(folder, getattr(_read_places(folder / PLACES), part))
    if not paths:
        raise CorpusError(f"{folder} does not say where {spec['source']} is", hint=NAME_IT)
    for path in paths:
        if is_missing(path):
            raise CorpusError(f"{path}: no such file or folder", hint=NAME_IT)
    return {**spec, "source": paths[0] if len(paths) == 1 else paths}


def _read_places(path: Path) -> CorpusPlaces:
    """Read corpus.json; it is empty if there is no such file."""
    try:
        places = from_dict(CorpusPlaces, read_json(path, hint=NAME_IT), where=str(path))
    except FileNotFoundError:
        return CorpusPlaces(FORMAT_VERSION)
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error), hint=NAME_IT) from None
    if places.format_version != FORMAT_VERSION:
        got = str(places.format_version)
        raise ArtifactError(f"{path}: format_version", expected=str(FORMAT_VERSION), got=got, hint=NAME_IT)
    for place in (*(places.records or ()), *(places.validation or ())):
        if HALF.search(place):  # JSON can spell it, a path cannot
            expected = "places spelled as in a URL"
            raise ArtifactError(str(path), expected=expected, got=ascii(place), hint=NAME_IT)
    return places
