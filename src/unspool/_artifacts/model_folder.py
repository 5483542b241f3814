"""The folder of a model: its files, how they are replaced as one, and every check on reading them.

::

    config.json              format version, network, training and data configuration
    tokenizer.json
    source_tokenizer.json    tokenizer of the texts that an encoder reads, if the network has one
    model.safetensors        parameters, in the number format of config.json (see `kept_precision`); its
                             metadata holds fingerprints of the files above
    generation_config.json   default options for sampling; a change by hand is warned of
    README.md                model card
    novelty.safetensors      hashes of the training texts, if they were asked for; see `novelty_file`

Several files cannot be replaced in one step, and a reader must find the old model or the new one. So the new
``config.json``, tokenizers and options are first written beside the old ones (``.next``). Replacing
``model.safetensors`` is the decisive step; then the new files get their final names. A reader takes the
version whose fingerprint is in ``model.safetensors``, so a writer may die at any moment. The card is written
last, and never read.
"""

import json
import stat
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from stat import S_ISDIR
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unspool._artifacts.counts_file import load_counts, save_counts
from unspool._artifacts.facts import check_facts
from unspool._artifacts.kept_precision import Arrays, Quantization, restored, stored, stored_layout
from unspool._artifacts.tensor_files import (
    DAMAGED,
    TensorFile,
    check_arrays,
    open_tensor_file,
    tensor_file_bytes,
)
from unspool._configuration import from_dict, to_plain
from unspool._errors import ArtifactError, spelled, warn_user
from unspool._json_files import MOST_BYTES, fingerprint, json_text, read_json
from unspool._kernels.counts import CountTable
from unspool._network.config import NetworkConfig
from unspool._network.parameters import parameter_shapes
from unspool._screen.wording import counted
from unspool._storage import atomic_write, is_missing, make_folder
from unspool._text.tokenizers.registry import Tokenizer, tokenizer_from_json

FORMAT_VERSION = 1  # of a model in float32
QUANTIZED_VERSION = 2  # of one in fewer bits, which earlier versions cannot read
CONFIG, TOKENIZER, MODEL = "config.json", "tokenizer.json", "model.safetensors"
GENERATION, CARD = "generation_config.json", "README.md"
SOURCE_TOKENIZER = "source_tokenizer.json"
FINGERPRINTED = (CONFIG, TOKENIZER, SOURCE_TOKENIZER, GENERATION)
NEXT = ".next"  # suffix of a new file until model.safetensors is replaced
KEYS = ("format_version", "fingerprints")  # of the metadata of model.safetensors
MOST_OF_TOKENIZER = 1 << 25  # bytes
ROUND_IT = "round the model anew: model.quantized(…)"


@dataclass(frozen=True)
class ConfigFile:
    """The content of config.json.

    Args:
        format_version: Version of the format of the whole folder.
        network: The network of the parameters.
        training: The training configuration with no open value, in plain JSON types.
        data: The origin of the texts, in plain JSON types.
        quantization: The number format of the parameters and its cost; None, and no key, for float32.
    """

    format_version: int
    network: NetworkConfig
    training: Mapping[str, Any]
    data: Mapping[str, Any]
    quantization: Quantization | None = None

    @property
    def precision(self) -> str:
        """The number format of the parameters, one of `PRECISIONS`."""
        return "float32" if self.quantization is None else self.quantization.precision


@dataclass(frozen=True, eq=False)
class SavedModel:
    """The content of a model folder.

    Args:
        network: The network; its vocab_size is the tokenizer's.
        tokenizer: The tokenizer of the texts.
        parameters: The parameters of the network, float32 and finite.
        training: The training configuration with no open value, in plain JSON types.
        data: The origin of the texts, in plain JSON types.
        generation_config: The default options for sampling, in plain JSON types; empty if there are none.
        source_tokenizer: The tokenizer of the texts that an encoder reads; None without an encoder.
        quantization: The number format of the parameters in the folder and its cost; None for float32.
        counts: What followed which context in the training text; None for the network alone.
    """

    network: NetworkConfig
    tokenizer: Tokenizer
    parameters: Arrays
    training: dict[str, Any] = field(default_factory=dict)
    data: dict[str, Any] = field(default_factory=dict)
    generation_config: dict[str, Any] = field(default_factory=dict)
    source_tokenizer: Tokenizer | None = None
    quantization: Quantization | None = None
    counts: CountTable | None = None


def save_model(
    folder: str | Path,
    *,
    network: NetworkConfig,
    tokenizer: Tokenizer,
    parameters: Arrays,
    training: Mapping[str, object],
    card: str,
    generation_config: Mapping[str, object],
    data: Mapping[str, object] | None = None,
    source_tokenizer: Tokenizer | None = None,
    quantization: Quantization | None = None,
    counts: CountTable | None = None,
) -> None:
    """Write a model in place of the one in the folder.

    Args:
        folder: The folder; it is made if it does not exist, and other files in it stay.
        network: The network; its vocab_size must be the tokenizer's.
        tokenizer: The tokenizer of the texts.
        parameters: The parameters of the network, float32 and finite.
        training: The training configuration with no open value, in plain JSON types.
        card: The text of README.md.
        generation_config: The default options for sampling, in plain JSON types.
        data: The origin of the texts, in plain JSON types.
        source_tokenizer: The tokenizer of the texts that an encoder reads; its vocab_size must be the
            network's source_vocab_size.
        quantization: The number format of the parameters in the folder, which they must have been rounded to,
            and its cost; None for float32.
        counts: What followed which context in the training text; None for the network alone.

    Raises:
        ArtifactError: If the model does not fit together or cannot be written. A model that was in the folder
            is then still whole.
    """
    folder = Path(folder)
    _check_vocabulary(network, tokenizer, str(folder))
    _check_source_vocabulary(network, source_tokenizer, str(folder))
    check_arrays(parameters, parameter_shapes(network), where=str(folder))
    version = FORMAT_VERSION if quantization is None else QUANTIZED_VERSION
    config = ConfigFile(version, network, training, data or {}, quantization)
    arrays = _arrays_of(parameters, config.precision, str(folder))
    texts = config_texts(config, tokenizer, source_tokenizer)
    texts[GENERATION] = _json_text(generation_config, GENERATION)
    fingerprints = {name: fingerprint(json.loads(text)) for name, text in texts.items()}
    model = tensor_file_bytes(arrays, {"format_version": version, "fingerprints": fingerprints})
    try:
        make_folder(folder)
        save_counts(folder, None, tokenizer)  # those of the old model
        _replace(folder, texts, model, card)
        save_counts(folder, counts, tokenizer)
        if source_tokenizer is None:
            (folder / SOURCE_TOKENIZER).unlink(missing_ok=True)  # it belonged to the old model
    except OSError as error:
        got = error.strerror or str(error)
        expected = f"a folder that can be written to, with {max(0.1, len(model) / 1e6):.1f} MB free"
        hint = "free some disk space or choose another folder; an earlier model there is unharmed"
        raise ArtifactError(f"cannot write {folder}", expected=expected, got=got, hint=hint) from error


def load_model(folder: str | Path) -> SavedModel:
    """Read a model; every file is checked before it is used.

    Args:
        folder: The folder that `save_model` wrote.

    Returns:
        The model, in new arrays.

    Raises:
        ArtifactError: If a file is missing, damaged, of another save or another version, or the files do not
            fit together.
        ConfigError: If the network's configuration has an unknown key or a value out of range.
        TokenizerError: If the tokenizer is broken.
    """
    folder = Path(folder)

    def check_content(content: Mapping[str, Any]) -> None:
        _check_version(content.get("format_version"), str(folder / MODEL))

    try:
        _check_folder(folder)
        with open_tensor_file(folder / MODEL, check_content) as model:
            return _load(folder, model)
    except OSError as error:
        got = error.strerror or str(error)
        raise ArtifactError(f"cannot read {error.filename or folder}", got=got) from None


def config_texts(
    config: ConfigFile, tokenizer: Tokenizer, source_tokenizer: Tokenizer | None
) -> dict[str, str]:
    """Return the texts of config.json and of the tokenizers, by the names of their files.

    Raises:
        ArtifactError: If a text has a value that JSON has not, or is larger than is read again.
    """
    content = {
        name: value for name, value in vars(config).items() if value is not None or name != "quantization"
    }
    texts = {CONFIG: _json_text(content, CONFIG), TOKENIZER: tokenizer.to_json()}
    if source_tokenizer is not None:
        texts[SOURCE_TOKENIZER] = source_tokenizer.to_json()
    for name, text in texts.items():
        _check_size(name, text)
    return texts


def config_of(values: Mapping[str, Any], *, where: str) -> ConfigFile:
    """Return the checked content of config.json.

    Args:
        values: The JSON object in the file.
        where: The name of the file, for messages.

    Raises:
        ArtifactError: If the folder is of another version.
        ConfigError: If a key is unknown or missing, or a value has a wrong type or is out of its range.
    """
    _check_version(values.get("format_version"), where)
    config = from_dict(ConfigFile, values, where=where)
    if (config.quantization is None) != (config.format_version == FORMAT_VERSION):
        expected, got = "quantization in a file of version 2 alone", f"version {config.format_version}"
        raise ArtifactError(where, expected=expected, got=got, hint=DAMAGED)
    check_facts(config.data, where=where)
    return config


def read_config(folder: Path) -> ConfigFile:
    """Read config.json as it belongs to the model, also if its writer died before it was in its place.

    Args:
        folder: The folder of a model or of a run that has none yet.

    Raises:
        ArtifactError: If the file cannot be read or is broken, or the folder is of another version.
        ConfigError: If a key is unknown or missing, or a value has a wrong type or is out of its range.
    """
    try:
        with open_tensor_file(folder / MODEL) as model:
            recorded = _fingerprint_in(model.content, CONFIG)
    except (ArtifactError, OSError):
        recorded = None
    waiting = folder / (CONFIG + NEXT)
    place = waiting if recorded and _belongs(waiting, recorded) else folder / CONFIG
    return config_of(read_content(place), where=str(folder / CONFIG))


def read_content(path: Path) -> dict[str, Any]:
    """Return the JSON object in a file of a model folder.

    Raises:
        ArtifactError: If it cannot be read, is too large or broken.
    """
    try:
        return _read_json(path)
    except OSError as error:
        raise ArtifactError(f"cannot read {path}", got=error.strerror or str(error)) from None


def has_file(folder: Path, name: str) -> bool:
    """Return whether a folder has a file.

    Args:
        folder: The folder, as the user named it; it may be no folder.
        name: The name of the file.

    Raises:
        ArtifactError: If it may not be looked at; the message names the folder and not the file below it.
    """
    try:
        return not is_missing(folder / name) and stat.S_ISREG((folder / name).stat().st_mode)
    except OSError as error:
        raise ArtifactError(f"cannot read {folder}", got=error.strerror or str(error)) from None


def read_tokenizer(path: Path) -> Tokenizer:
    """Read a tokenizer from its file in a model folder.

    Raises:
        ArtifactError: If the file cannot be read, is too large or not JSON.
        TokenizerError: If the tokenizer is broken.
    """
    return tokenizer_from_json(json.dumps(read_content(path)), where=str(path))


def _load(folder: Path, model: TensorFile) -> SavedModel:
    model.verify(KEYS)
    config = config_of(_read_belonging(folder, CONFIG, model.content), where=str(folder / CONFIG))
    tokenizer_text = json.dumps(_read_belonging(folder, TOKENIZER, model.content))
    _check_version(model.content.get("format_version"), str(model.path), config.format_version)
    network = config.network
    tokenizer = tokenizer_from_json(tokenizer_text, where=str(folder / TOKENIZER))
    _check_vocabulary(network, tokenizer, str(folder))
    source_tokenizer = None
    if network.source_vocab_size is not None:
        source_text = json.dumps(_read_belonging(folder, SOURCE_TOKENIZER, model.content))
        source_tokenizer = tokenizer_from_json(source_text, where=str(folder / SOURCE_TOKENIZER))
    _check_source_vocabulary(network, source_tokenizer, str(folder))
    if network.num_layers > len(model.shapes):  # before a shape is computed for each of them
        got = f"{counted(network.num_layers, 'layer')} and {counted(len(model.shapes), 'array')} in {MODEL}"
        raise ArtifactError(f"{folder / CONFIG}: num_layers", expected="arrays for every layer", got=got)
    return SavedModel(
        network=network,
        tokenizer=tokenizer,
        parameters=_parameters(model, config),
        training=dict(config.training),
        data=dict(config.data),
        generation_config=_read_generation(folder, model.content),
        source_tokenizer=source_tokenizer,
        quantization=config.quantization,
        counts=load_counts(folder, tokenizer),
    )


def _parameters(model: TensorFile, config: ConfigFile) -> Arrays:
    """Read the parameters, in float32 whatever the file keeps them in."""
    shapes = parameter_shapes(config.network)
    parameters = restored(model.read_stored(stored_layout(shapes, config.precision)), config.precision)
    check_arrays(parameters, shapes, where=str(model.path))  # a scale may be far too large
    return parameters


def _arrays_of(parameters: Arrays, precision: str, where: str) -> dict[str, NDArray[Any]]:
    """Return the arrays that keep parameters exactly.

    Raises:
        ArtifactError: If the precision does not keep them, since they are not rounded to it.
    """
    arrays = stored(parameters, precision)
    if precision != "float32":
        for name, kept in restored(arrays, precision).items():
            if not np.array_equal(kept, parameters[name]):
                expected, got = f"numbers that {precision} keeps", "others: they were changed"
                raise ArtifactError(f"{where}: array {name!r}", expected=expected, got=got, hint=ROUND_IT)
    return arrays


def read_generation(folder: Path) -> dict[str, Any]:
    """Return the default options for sampling of a run, which may have no model yet.

    They may be changed by hand; a change since the last model is warned of.

    Raises:
        ArtifactError: If the file cannot be read, is too large or broken.
    """
    try:
        return _read_generation(folder, _content(folder))
    except OSError as error:
        raise ArtifactError(f"cannot read {folder / GENERATION}", got=error.strerror or str(error)) from None


def _read_generation(folder: Path, content: Mapping[str, Any]) -> dict[str, Any]:
    values, belongs = _read_version(folder, GENERATION, content)
    if not belongs and _fingerprint_in(content, GENERATION) is not None:
        change = "is missing" if values is None else "was changed"
        message = f"{folder / GENERATION} {change} since the model was saved: it may write other texts"
        warn_user(message, UserWarning)
    return values or {}


def _replace(folder: Path, texts: Mapping[str, str], model: bytes, card: str) -> None:
    _finish_replacing(folder)
    for name in texts:
        _write_if_new(folder, name, texts[name], ending=NEXT)
    atomic_write(folder / MODEL, model)  # from here on the folder holds the new model
    _finish_replacing(folder)
    _write_if_new(folder, CARD, card)


def _write_if_new(folder: Path, name: str, text: str, *, ending: str = "") -> None:
    """Write a text under its name and `ending`, unless the file of that name has this content already."""
    raw = spelled(text).encode("utf-8")
    if not (folder / name).is_file() or (folder / name).read_bytes() != raw:
        atomic_write(folder / (name + ending), raw)


def _finish_replacing(folder: Path) -> None:
    """Rename the waiting files if their fingerprints are in model.safetensors, and remove them if not."""
    waiting = [name for name in FINGERPRINTED if (folder / (name + NEXT)).exists()]
    if not waiting:
        return
    content = _content(folder)
    for name in waiting:
        path = folder / (name + NEXT)
        if _belongs(path, _fingerprint_in(content, name)):
            path.replace(folder / name)
        else:
            path.unlink()


def _content(folder: Path) -> Mapping[str, Any]:
    """Return what the metadata of model.safetensors says; nothing if there is no whole one."""
    try:
        with open_tensor_file(folder / MODEL) as model:
            return model.content
    except (ArtifactError, OSError):
        return {}


def _belongs(path: Path, expected: str | None) -> bool:
    try:
        return fingerprint(_read_json(path)) == expected
    except (ArtifactError, OSError):
        return False


def _read_belonging(folder: Path, name: str, content: Mapping[str, Any]) -> dict[str, Any]:
    """Read the version of a file that model.safetensors was saved with."""
    values, belongs = _read_version(folder, name, content)
    if values is None:
        raise ArtifactError(
            f"{folder} has no {name}", expected="a whole model folder", hint="copy all its files"
        )
    if not belongs:
        hint = f"{name} was changed by hand or copied from another model: restore it, or save the model again"
        what, recorded = (
            f"{folder / name} and {MODEL} were not saved together",
            _fingerprint_in(content, name),
        )
        raise ArtifactError(what, expected=f"fingerprint {recorded}", got=fingerprint(values), hint=hint)
    return values


def _read_version(folder: Path, name: str, content: Mapping[str, Any]) -> tuple[dict[str, Any] | None, bool]:
    """Read a file, in the version that model.safetensors was saved with if it is there.

    Returns:
        The content, or None if there is no such file; and whether model.safetensors was saved with it.
    """
    recorded, waiting = _fingerprint_in(content, name), folder / (name + NEXT)
    if waiting.exists() and _belongs(waiting, recorded):  # the writer died just after the decisive step
        return _read_json(waiting), True
    if not (folder / name).exists():
        return None, False
    values = _read_json(folder / name)
    return values, fingerprint(values) == recorded


def _read_json(path: Path) -> dict[str, Any]:
    return read_json(path, most_bytes=_most_bytes(path.name.removesuffix(NEXT)), hint=DAMAGED)


def _most_bytes(name: str) -> int:
    return MOST_OF_TOKENIZER if name in (TOKENIZER, SOURCE_TOKENIZER) else MOST_BYTES


def _fingerprint_in(content: Mapping[str, Any], name: str) -> str | None:
    fingerprints = content.get("fingerprints")
    stored = fingerprints.get(name) if isinstance(fingerprints, dict) else None
    return stored if isinstance(stored, str) else None


def _json_text(values: object, name: str) -> str:
    try:
        text = json_text(to_plain(values), indent=2) + "\n"
    except (TypeError, ValueError) as error:
        raise ArtifactError(f"cannot write {name}", expected="plain JSON values", got=str(error)) from None
    _check_size(name, text)
    return text


def _check_size(name: str, text: str) -> None:
    """Refuse a text that `_read_json` would refuse."""
    size, most = len(text.encode("utf-8", "replace")), _most_bytes(name)
    if size > most:
        raise ArtifactError(f"cannot write {name}", expected=f"at most {most:,} bytes", got=f"{size:,}")


def _check_folder(folder: Path) -> None:
    hint = "train one with: unspool train"
    missing = is_missing(folder)
    if missing or not S_ISDIR(folder.stat().st_mode):
        got = "no such folder" if missing else "a file"
        raise ArtifactError(str(folder), expected="the folder of a model", got=got, hint=hint)
    if is_missing(folder / MODEL):
        hint = "it holds no model, or none was saved yet: " + hint
        raise ArtifactError(f"{folder} has no {MODEL}", expected="the folder of a model", hint=hint)


def _check_version(version: object, where: str, *known: int) -> None:
    known = known or (FORMAT_VERSION, QUANTIZED_VERSION)
    if type(version) is not int or version not in known:
        hint = "a newer unspool may read it: upgrade" if type(version) is int and version > 0 else DAMAGED
        expected, got = " or ".join(map(str, known)), repr(version)
        raise ArtifactError(f"{where}: format_version", expected=expected, got=got, hint=hint)


def _check_vocabulary(network: NetworkConfig, tokenizer: Tokenizer, where: str) -> None:
    if network.vocab_size != tokenizer.vocab_size:
        got = f"{network.vocab_size} in the network's configuration"
        expected = f"{tokenizer.vocab_size} as in its tokenizer"
        hint = "they belong to two different models"
        raise ArtifactError(f"{where}: vocab_size", expected=expected, got=got, hint=hint)


def _check_source_vocabulary(network: NetworkConfig, tokenizer: Tokenizer | None, where: str) -> None:
    size = None if tokenizer is None else tokenizer.vocab_size
    if network.source_vocab_size != size:
        got = f"{network.source_vocab_size} in the network's configuration"
        expected = "none: there is no source tokenizer" if size is None else f"{size} as in its tokenizer"
        hint = "they belong to two different models"
        raise ArtifactError(f"{where}: source_vocab_size", expected=expected, got=got, hint=hint)
