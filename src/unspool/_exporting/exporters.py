"""The table of targets, and the one road to all of them: checked, written whole or not at all."""

import importlib
import importlib.util
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import cast

from unspool._artifacts.model_folder import SavedModel
from unspool._configuration import as_spelled, check
from unspool._errors import ArtifactError, ConfigError
from unspool._evaluation.precision_cost import precision_cost
from unspool._exporting.exporter import FEATURES, Exporter, ModelToExport, features_of
from unspool._extras import install_command
from unspool._folders import write_folder
from unspool._network.quantization import PRECISIONS, rounded
from unspool._storage import atomic_write, path_of

Write = Callable[[ModelToExport], Mapping[str, bytes]]

EXPORTERS: dict[str, Exporter] = {
    "html": Exporter(
        "html",
        "one page that runs in any browser",
        "unspool._exporting.html:html_files",
        ".html",
        counts=True,
    ),
    "js": Exporter("js", "an ES module with its types", "unspool._exporting.js:js_files", counts=True),
    "onnx": Exporter(
        "onnx",
        "a model of a step and one of a sequence",
        "unspool._exporting.onnx:onnx_files",
        precisions=("float32", "int8"),
        needs="onnx",
    ),
    "torch": Exporter(
        "torch", "a readable nn.Module beside its weights", "unspool._exporting.torch:torch_files"
    ),
    "keras": Exporter(
        "keras",
        "a model of Keras's own layers, in a .keras file",
        "unspool._exporting.keras:keras_files",
        precisions=("float32",),
        needs="keras",
    ),
    "c": Exporter(
        "c", "one header and one source", "unspool._exporting.c:c_files", precisions=("float32", "int8")
    ),
}


def export(
    model: SavedModel,
    to: str,
    out: str | Path | None = None,
    *,
    name: str = "model",
    precision: str = "float32",
    with_counts: bool = False,
    overwrite: bool = False,
) -> tuple[Path, ModelToExport]:
    """Write a model in the form of another program.

    Args:
        model: The model.
        to: A name in `EXPORTERS`.
        out: The file or folder to write; None for one in the working folder that is named after the model.
        name: A name for the model.
        precision: The number format of its parameters, one of `PRECISIONS`.
        with_counts: Whether the counts of its training text go along; without them it is the network alone.
        overwrite: Whether what is there may be replaced.

    Returns:
        The path of what was written, and what was written.

    Raises:
        ConfigError: If there is no such target, it cannot say the model, keep the precision or take counts,
            there are no counts to take, its package is not installed, or the path is taken.
        ArtifactError: If the files cannot be written; what was there is unharmed.
    """
    precision = as_spelled(precision, PRECISIONS)
    exporter = checked(model, to, precision)
    model = _with_counts(model, exporter) if with_counts else replace(model, counts=None)
    path = path_of("out", f"{name}{exporter.suffix or f'-{exporter.name}'}" if out is None else out)
    check_path(path, exporter, overwrite=overwrite)
    write = writer_of(exporter)
    kept = replace(model, parameters=rounded(model.parameters, precision))
    exported = ModelToExport(kept, name, precision, _cost(model, kept, precision))
    files = write(exported)
    if exporter.suffix is None:
        check_strangers(path, files)
    try:
        if exporter.suffix is None:
            write_folder(path, files)
        else:
            (content,) = files.values()
            atomic_write(path, content)
    except OSError as error:
        got, size = error.strerror or str(error), sum(map(len, files.values()))
        expected = f"a place that can be written to, with {max(0.1, size / 1e6):.1f} MB free"
        raise ArtifactError(f"cannot write {path}", expected=expected, got=got) from error
    return path, exported


def _with_counts(model: SavedModel, exporter: Exporter) -> SavedModel:
    """Return a model whose counts go along.

    Raises:
        ConfigError: If it has none, or the target cannot take them.
    """
    if model.counts is None:
        hint = "export it without counts, or train one with them (--counts)"
        raise ConfigError("there are no counts to take along", expected="a model with counts", hint=hint)
    if not exporter.counts:
        able = " or ".join(name for name, other in EXPORTERS.items() if other.counts)
        hint = "export it without counts: that is the network alone"
        raise ConfigError("this target takes no counts along", expected=able, got=exporter.name, hint=hint)
    return model


def _cost(model: SavedModel, kept: SavedModel, precision: str) -> float | None:
    """Return the bits per character lost by all roundings; None for none, or if one was never measured."""
    before = model.quantization
    if before is None:
        return None if precision == "float32" else precision_cost(model, kept)
    if before.bits_per_character_lost is None or precision in ("float32", before.precision):
        return before.bits_per_character_lost  # nothing is lost a second time
    return before.bits_per_character_lost + precision_cost(model, kept)


def checked(model: SavedModel, to: str, precision: str) -> Exporter:
    """Return the row of a target that can say a model in a precision.

    Raises:
        ConfigError: If it cannot, or there is no such target or precision.
    """
    to = as_spelled(to, EXPORTERS)
    check("to", to, f"one of {', '.join(EXPORTERS)}", to in tuple(EXPORTERS))
    exporter = EXPORTERS[to]
    expected = f"one of {', '.join(exporter.precisions)}, which {to} can keep"
    check("precision", precision, expected, precision in exporter.precisions)
    for feature in features_of(model):
        if feature in exporter.cannot_say:
            what = FEATURES.get(feature, f"the cell {feature}")
            raise ConfigError(
                f"{to} cannot say {what}, which this model has", hint=exporter.cannot_say[feature]
            )
    return exporter


def check_path(path: Path, exporter: Exporter, *, overwrite: bool) -> None:
    """Refuse a path that is taken or cannot be made, before anything is computed.

    Raises:
        ConfigError: If the path is no good.
    """
    if not path.parent.is_dir():
        raise ConfigError(str(path), expected="an existing folder", got=f"no folder {path.parent}")
    if not path.exists():
        return
    kind = "folder" if exporter.suffix is None else "file"
    there = "folder" if path.is_dir() else "file"
    if there == kind and (overwrite or (kind == "folder" and not any(path.iterdir()))):
        return
    hint = "choose another name" + (", or add --overwrite to replace it" if there == kind else "")
    raise ConfigError(str(path), expected=f"a new {kind}", got=f"a {there}", hint=hint)


def check_strangers(path: Path, files: Mapping[str, bytes]) -> None:
    """Refuse to replace a folder with files that no export of this kind has written.

    Raises:
        ConfigError: If there is such a file.
    """
    there = (file.relative_to(path) for file in path.rglob("*") if not file.is_dir())
    names = (file.as_posix() for file in there if "__pycache__" not in file.parts)  # made by running it
    stranger = next((name for name in names if name not in files), None)
    if stranger is not None:
        expected, got = "a folder of such an export and nothing else", stranger
        raise ConfigError(str(path), expected=expected, got=got, hint="choose another name")


def writer_of(exporter: Exporter) -> Write:
    """Import the function of a target.

    Raises:
        ConfigError: If the package that it needs is not installed.
    """
    module, function = exporter.function.split(":")
    needs = exporter.needs
    if needs is not None and importlib.util.find_spec(needs) is None:
        what = f"{exporter.name} needs the package {needs}, which is not installed"
        raise ConfigError(what, hint=install_command(needs))
    return cast(Write, getattr(importlib.import_module(module), function))
