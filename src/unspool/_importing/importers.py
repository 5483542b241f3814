"""The table of what can come in, and the one road for all of it: looked at, read, fitted to the symbols."""

import importlib
import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import cast

from unspool._artifacts.model_folder import MODEL, SavedModel
from unspool._artifacts.tensor_files import METADATA_KEY
from unspool._errors import ArtifactError, ConfigError
from unspool._importing.fitting import Renumbering, fitted
from unspool._importing.own_c import c_sources
from unspool._importing.stack import Stack
from unspool._importing.symbols import Given
from unspool._storage import is_missing, open_regular, path_of

FORMS = "a state dictionary in safetensors, a .keras file, or what unspool export wrote"
SAFETENSORS = (
    "nothing is unpickled here; where it was made, two lines save what can be read: from safetensors.torch "
    "import save_file; save_file(model.state_dict(), 'model.safetensors')"
)
KERAS = "save it in Keras 3: model.save('model.keras')"
# The file that only the folder of an export has -> its row.
OWN_FILES = {
    "model.keras": "keras-export",
    "model.py": "torch-export",
    "step.onnx": "onnx-export",
    "model.js": "js-export",
}
IN_FOLDERS = (MODEL, "model.keras", "step.onnx", "sequence.onnx", "model.py")  # each a part of an export
HEAD = 1 << 12  # bytes that tell what a file is


@dataclass(frozen=True)
class Importer:
    """The row of a form that can be read.

    Args:
        name: Its name.
        help: What it is, in a few words.
        function: The function that reads it, ``module:name``: from a path to a `Stack`, which has its own
            ids, or to a `SavedModel`.
    """

    name: str
    help: str
    function: str


IMPORTERS: dict[str, Importer] = {
    "state": Importer(
        "state", "a state dictionary of PyTorch", "unspool._importing.torch_state:stack_of_state"
    ),
    "keras": Importer("keras", "a Keras model", "unspool._importing.keras_stack:stack_of_keras"),
    "torch-export": Importer(
        "torch-export", "an export to PyTorch", "unspool._importing.own_torch:model_of_torch_export"
    ),
    "keras-export": Importer(
        "keras-export", "an export to Keras", "unspool._importing.own_keras:model_of_keras_export"
    ),
    "onnx-export": Importer(
        "onnx-export", "an export to ONNX", "unspool._importing.own_onnx:model_of_onnx_export"
    ),
    "js-export": Importer(
        "js-export", "an export to JavaScript", "unspool._importing.own_web:model_of_js_export"
    ),
    "html-export": Importer("html-export", "an exported page", "unspool._importing.own_web:model_of_page"),
    "c-export": Importer("c-export", "an export to C", "unspool._importing.own_c:model_of_c_export"),
}


@dataclass(frozen=True, eq=False)
class Imported:
    """What came in.

    Args:
        model: The model.
        kind: A name in `IMPORTERS`.
        numbering: The ids here of the symbols there; None for a model that brought its own tokenizer.
    """

    model: SavedModel
    kind: str
    numbering: Renumbering | None = None


def import_path(
    path: str | os.PathLike[str],
    *,
    tokenizer: Given | None = None,
    begin: str | None = None,
    end: str | None = None,
) -> Imported:
    """Read a model that was made elsewhere, or that left in another form; nothing of it is executed.

    Args:
        path: The file or folder.
        tokenizer: The symbols of its ids, if it does not bring them; see `symbols_of`.
        begin: The symbol that begins a text, or ``id:N``; None to look for one.
        end: The symbol that ends a text, or ``id:N``; "none" for none; None to look for one.

    Raises:
        ArtifactError: If it is broken, of a form that is not read, or a network that unspool has not.
        TokenizerError: If the symbols do not fit it.
        ConfigError: If there is no such symbol, or a package that is needed is not installed.
    """
    place = whole(path_of("path", path))
    importer = IMPORTERS[kind_of(place)]
    module, function = importer.function.split(":")
    read = cast(Callable[[Path], Stack | SavedModel], getattr(importlib.import_module(module), function))
    found = read(place)
    if isinstance(found, SavedModel):
        for name, given in (("tokenizer", tokenizer), ("begin", begin), ("end", end)):
            if given is not None:
                what = f"{name}: {importer.help} brings its own symbols"
                raise ConfigError(what, hint=f"leave --{name} out")
        return Imported(found, importer.name)
    model, numbering = fitted(found, tokenizer, begin=begin, end=end)
    return Imported(model, importer.name, numbering)


def whole(path: Path) -> Path:
    """Return the folder of the export that a file is a part of, or the path itself.

    Its weights alone do not say all: a residual stack looks like any other.
    """
    folder = path.parent
    if path.name not in IN_FOLDERS or not path.is_file() or not (folder / "config.json").is_file():
        return path
    return folder if any((folder / name).is_file() for name in OWN_FILES) else path


def kind_of(path: Path) -> str:
    """Return the name in `IMPORTERS` of what is at a path, by what is in it.

    Raises:
        ArtifactError: If there is nothing, or something that is not read.
    """
    if is_missing(path):
        raise ArtifactError(str(path), expected=FORMS, got="no such file or folder")
    try:
        return _folder_kind(path) if path.is_dir() else _file_kind(path)
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None


def _folder_kind(path: Path) -> str:
    for name, kind in OWN_FILES.items():
        if (path / name).is_file():
            return kind
    if _is_own_model(path / MODEL):
        raise ArtifactError(
            f"{path} is a model folder already", hint=f"use it as it is: unspool sample {path}"
        )
    if c_sources(path):
        return "c-export"
    raise ArtifactError(str(path), expected=FORMS, got="a folder with none of these")


def _file_kind(path: Path) -> str:
    with open_regular(path) as file:
        head = file.read(HEAD)
    if head[:4] == b"PK\x03\x04":
        if b"data.pkl" in head or b"/version" in head or path.suffix in (".pt", ".pth", ".npz"):
            raise ArtifactError(f"{path} is a pickle of PyTorch", expected=FORMS, hint=SAFETENSORS)
        return "keras"
    if head[:2] in (b"\x80\x02", b"\x80\x03", b"\x80\x04", b"\x80\x05"):
        raise ArtifactError(f"{path} is a pickle", expected=FORMS, hint=SAFETENSORS)
    if head[:8] == b"\x89HDF\r\n\x1a\n":
        raise ArtifactError(f"{path} is an HDF5 file alone", expected="a .keras file", hint=KERAS)
    if path.suffix in (".js", ".mjs"):
        return "js-export"
    if path.suffix in (".c", ".h"):
        return "c-export"
    if head.lstrip()[:9].lower() in (b"<!doctype", b"<html lan"):
        return "html-export"
    if head[8:9] == b"{" and len(head) > 9:
        if path.name == MODEL and _is_own_model(path):
            folder = path.parent
            raise ArtifactError(
                f"{folder} is a model folder already", hint=f"use it as it is: unspool sample {folder}"
            )
        return "state"
    raise ArtifactError(str(path), expected=FORMS, got="something else")


def _is_own_model(path: Path) -> bool:
    """Whether a file is the weights in a model folder; only the start of its header is looked at."""
    if is_missing(path):
        return False
    with open_regular(path) as file:
        head = file.read(HEAD)
    return head[8:9] == b"{" and f'"__metadata__":{{{json.dumps(METADATA_KEY)}:'.encode() in head
