"""A ``.keras`` file: an archive of ``config.json`` and ``model.weights.h5``, looked at before it is read."""

import io
import re
import zipfile
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from unspool._errors import ArtifactError
from unspool._importing.hdf5 import hdf5_arrays
from unspool._importing.stack import Floats
from unspool._importing.tensors import MOST_BYTES
from unspool._json_files import parse_json

CONFIG, WEIGHTS = "config.json", "model.weights.h5"
NAMES = {CONFIG: 1 << 24, WEIGHTS: MOST_BYTES, "metadata.json": 1 << 20}  # and how large each may be
MOST_ENTRIES = 64
MOST_RATIO = 64  # bytes from a byte: weights are numbers, which no packing makes much smaller
RESAVE = "save it in Keras 3: model.save('model.keras')"


@dataclass(frozen=True, eq=False)
class KerasLayer:
    """One layer of a Keras model.

    Args:
        kind: Its class, such as "LSTM".
        name: Its name in the model.
        config: Its configuration.
        inbound: The name of the layer that it reads; None where the configuration does not say.
        weights: Its arrays, in their order.
        inner: The layer that it wraps, for a TimeDistributed; None for others.
    """

    kind: str
    name: str
    config: dict[str, Any]
    inbound: list[str] | None
    weights: list[Floats]
    inner: "KerasLayer | None" = None


def keras_layers(raw: bytes, *, where: str) -> list[KerasLayer]:
    """Read the layers of a Keras model and their arrays; nothing of it is executed.

    Args:
        raw: The bytes of the ``.keras`` file.
        where: Its name, for messages.

    Raises:
        ArtifactError: If the archive is broken or not what Keras writes, or has layers that are code.
        ConfigError: If the package that reads HDF5 is not installed.
    """
    parts = unpacked(raw, where=where)
    config = parse_json(parts[CONFIG], where=f"{where}: {CONFIG}", hint=RESAVE)
    entries = list(_entries(config, where))
    arrays = hdf5_arrays(parts[WEIGHTS], where=f"{where}: {WEIGHTS}")
    used: Counter[str] = Counter()
    return [_layer(entry, arrays, used, where) for entry in entries]


def unpacked(raw: bytes, *, where: str) -> dict[str, bytes]:
    """Return the files of the archive, after their names and sizes were looked at.

    Raises:
        ArtifactError: If it is no such archive, or larger than its size lets one expect.
    """
    try:
        with zipfile.ZipFile(io.BytesIO(raw)) as archive:
            entries = archive.infolist()
            _check_entries(entries, len(raw), where)
            parts = {entry.filename: _read(archive, entry) for entry in entries if entry.filename in NAMES}
    except ArtifactError:
        raise
    except (
        zipfile.BadZipFile,
        zipfile.LargeZipFile,
        RuntimeError,
        NotImplementedError,
        OSError,
        ValueError,
    ) as e:
        raise ArtifactError(
            where, expected="a .keras file", got=str(e) or type(e).__name__, hint=RESAVE
        ) from None
    except Exception as e:  # zlib and lzma have errors of their own
        raise ArtifactError(where, expected="a .keras file", got=f"damage ({e})", hint=RESAVE) from None
    for name in (CONFIG, WEIGHTS):
        if name not in parts:
            raise ArtifactError(f"{where} has no {name}", expected="a .keras file", hint=RESAVE)
    return parts


def _check_entries(entries: list[zipfile.ZipInfo], size: int, where: str) -> None:
    names = [entry.filename for entry in entries]
    twice = [name for name, count in Counter(names).items() if count > 1]
    strange = [name for name in names if name not in NAMES and not re.fullmatch(r"assets/[\w./-]*", name)]
    if len(entries) > MOST_ENTRIES or twice or strange or any(".." in name for name in names):
        got = f"{len(names)} entries, {(twice or strange or names or [''])[0]!r} among them"
        expected = f"{', '.join(NAMES)}, each once"
        raise ArtifactError(f"{where}: names in the archive", expected=expected, got=got, hint=RESAVE)
    for entry in entries:
        most = min(NAMES.get(entry.filename, 0), max(MOST_RATIO * size, 1 << 16))
        if entry.filename in NAMES and entry.file_size > most:
            expected, got = f"at most {most:,} bytes", f"{entry.file_size:,}"
            raise ArtifactError(f"{where}: {entry.filename}", expected=expected, got=got, hint=RESAVE)


def _read(archive: zipfile.ZipFile, entry: zipfile.ZipInfo) -> bytes:
    """Return the bytes of a file of the archive; it ends where its entry says, whatever follows.

    Raises:
        ValueError: If it has another length than its entry says.
    """
    with archive.open(entry) as file:
        content = file.read(entry.file_size + 1)
    if len(content) != entry.file_size:
        raise ValueError(f"{entry.filename} has another length than its entry")
    return content


def _entries(config: dict[str, Any], where: str) -> Iterator[dict[str, Any]]:
    """Yield the entries of the layers of a model, none of which is code.

    Raises:
        ArtifactError: If the model or a layer is of a class that Keras has not, or that carries code.
    """
    inside = config.get("config")
    if config.get("class_name") not in ("Sequential", "Functional") or not isinstance(inside, dict):
        got = repr(config.get("class_name"))
        hint = "a model that is a class of its own is code: build it of Keras's layers"
        raise ArtifactError(f"{where}: the model", expected="Sequential or Functional", got=got, hint=hint)
    layers = inside.get("layers")
    if not isinstance(layers, list) or not all(isinstance(layer, dict) for layer in layers):
        raise ArtifactError(f"{where}: layers", expected="a list of layers", got=type(layers).__name__)
    for layer in layers:
        check_layer(layer, where)
        yield layer


def check_layer(layer: dict[str, Any], where: str) -> None:
    """Refuse a layer that is code, by its name.

    Raises:
        ArtifactError: If it is a Lambda, or of a class that is not Keras's own.
    """
    kind, config = layer.get("class_name"), layer.get("config")
    if not isinstance(kind, str) or not isinstance(config, dict) or not isinstance(config.get("name"), str):
        raise ArtifactError(f"{where}: layers", expected="a class and a configuration", got=repr(layer))
    what, own = f"{where}: layer {config['name']!r}", layer.get("module") == "keras.layers"
    if kind == "Lambda":
        hint = "it holds a function, which is never run: build the model without it"
        raise ArtifactError(f"{what} is a Lambda", hint=hint)
    if not own or layer.get("registered_name") not in (None, kind):
        got = f"{layer.get('module')}.{kind}"
        hint = "a class of its own is code, which is never run"
        raise ArtifactError(what, expected="a layer of keras.layers", got=got, hint=hint)


def _layer(entry: dict[str, Any], arrays: dict[str, Floats], used: Counter[str], where: str) -> KerasLayer:
    """Return a layer with its arrays, which lie under its class and, from the second on, a number."""
    kind, config = entry["class_name"], entry["config"]
    snake = _snake_case(kind)
    place = f"layers/{snake}" + (f"_{used[snake]}" if used[snake] else "")
    used[snake] += 1
    inner = None
    if isinstance(wrapped := config.get("layer"), dict):
        check_layer(wrapped, where)
        weights = _weights(arrays, f"{place}/layer")
        inner = KerasLayer(wrapped["class_name"], wrapped["config"]["name"], wrapped["config"], None, weights)
    weights = _weights(arrays, place) or _weights(arrays, f"{place}/cell")
    return KerasLayer(kind, config["name"], config, _inbound(entry), weights, inner)


def _weights(arrays: dict[str, Floats], place: str) -> list[Floats]:
    found: list[Floats] = []
    while (name := f"{place}/vars/{len(found)}") in arrays:
        found.append(arrays[name])
    return found


def _inbound(entry: dict[str, Any]) -> list[str] | None:
    """Return the names of the layers that a layer reads; None in a Sequential model, which does not say."""
    nodes = entry.get("inbound_nodes")
    if not isinstance(nodes, list):
        return None
    found: list[str] = []
    pending: list[Any] = [nodes]
    while pending:
        value = pending.pop()
        if isinstance(value, dict):
            history = value.get("keras_history")
            found += [str(history[0])] if isinstance(history, list) and history else []
            pending += value.values()
        elif isinstance(value, list):
            pending += value
    return found


def _snake_case(name: str) -> str:
    """Return the name of a class as Keras spells it in its files."""
    name = re.sub(r"\W+", "", name)
    name = re.sub("(.)([A-Z][a-z]+)", r"\1_\2", name)
    return re.sub("([a-z])([A-Z])", r"\1_\2", name).lower()
