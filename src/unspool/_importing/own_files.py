"""The files that an export has beside its weights: what it says of itself, and its tokenizers."""

from collections.abc import Mapping
from dataclasses import dataclass, field, fields, replace
from pathlib import Path
from typing import Any

import numpy as np

from unspool._artifacts.model_folder import SavedModel, read_content, read_tokenizer
from unspool._artifacts.tensor_files import check_arrays
from unspool._configuration import from_dict, to_plain
from unspool._errors import ArtifactError
from unspool._importing.stack import Floats
from unspool._network.config import NetworkConfig
from unspool._network.parameters import parameter_shapes
from unspool._screen.wording import counted
from unspool._text.context import Attribute, ContextSchema
from unspool._text.tokenizers.registry import Tokenizer

CONFIG, TOKENIZER, SOURCE_TOKENIZER = "config.json", "tokenizer.json", "source_tokenizer.json"
FORMAT_VERSION = 1


@dataclass(frozen=True)
class ExportFacts:
    """What an export says of its model beside the weights; it may say more.

    Args:
        format_version: Version of this form.
        network: The network.
        precision: The number format of its parameters.
        context: The attributes of its context.
        generation: The options of generation that are not the usual ones.
    """

    format_version: int
    network: NetworkConfig
    precision: str = "float32"
    context: tuple[Attribute, ...] = ()
    generation: Mapping[str, Any] = field(default_factory=dict)


def facts_of(values: Mapping[str, Any], *, where: str) -> ExportFacts:
    """Return the checked facts of an export.

    Raises:
        ArtifactError: If it is of another version.
        ConfigError: If a key is missing, or a value has a wrong type or is out of its range.
    """
    version = values.get("format_version")
    if type(version) is not int or version != FORMAT_VERSION:
        hint = "a newer unspool may read it"
        raise ArtifactError(
            f"{where}: format_version", expected=str(FORMAT_VERSION), got=repr(version), hint=hint
        )
    names = {each.name for each in fields(ExportFacts)}
    return from_dict(ExportFacts, {name: values[name] for name in names & values.keys()}, where=where)


def facts_in(folder: Path, *needed: str) -> ExportFacts:
    """Return the facts in the config.json of an export's folder.

    Args:
        folder: The folder.
        needed: Other files that must be there.

    Raises:
        InputError: If a file is missing or broken.
    """
    for name in (CONFIG, TOKENIZER, *needed):
        if not (folder / name).is_file():
            hint = "copy all its files"
            raise ArtifactError(f"{folder} has no {name}", expected="a whole export", hint=hint)
    return facts_of(read_content(folder / CONFIG), where=str(folder / CONFIG))


def model_in(folder: Path, facts: ExportFacts, parameters: Mapping[str, Floats]) -> SavedModel:
    """Return the model of an export's folder, with its tokenizers.

    Args:
        folder: The folder.
        facts: What it says of itself.
        parameters: Its arrays by their names here.

    Raises:
        InputError: If something is missing, broken, or of another model.
    """
    encoder = facts.network.source_vocab_size is not None
    source = read_tokenizer(folder / SOURCE_TOKENIZER) if encoder else None
    return model_of(facts, read_tokenizer(folder / TOKENIZER), source, parameters, where=str(folder))


def model_of(
    facts: ExportFacts,
    tokenizer: Tokenizer,
    source_tokenizer: Tokenizer | None,
    parameters: Mapping[str, Floats],
    *,
    where: str,
) -> SavedModel:
    """Return the model of an export.

    Args:
        facts: What it says of itself.
        tokenizer: Its tokenizer.
        source_tokenizer: That of the texts which an encoder reads.
        parameters: Its arrays by their names here.
        where: Its name, for messages.

    Raises:
        ArtifactError: If an array is missing, of another shape or not finite, or a tokenizer is another's.
    """
    network = facts.network
    found = (tokenizer.vocab_size, None if source_tokenizer is None else source_tokenizer.vocab_size)
    wanted = (network.vocab_size, network.source_vocab_size)
    if found != wanted:
        what = f"{where}: symbols of the tokenizers"
        raise ArtifactError(what, expected=f"{wanted[0]} and {wanted[1]}", got=f"{found[0]} and {found[1]}")
    check_layers(network, len(parameters), where=where)
    shapes = parameter_shapes(network)
    check_arrays(parameters, shapes, where=where)
    schema = ContextSchema(facts.context, network.start_size or None)
    if schema.size != network.context_size:
        what = f"{where}: columns of the context"
        raise ArtifactError(what, expected=str(network.context_size), got=str(schema.size))
    data = {"context": to_plain(schema)} if schema.width else {}
    return SavedModel(
        network=network,
        tokenizer=tokenizer,
        parameters={name: np.array(parameters[name], np.float32, order="C") for name in shapes},
        data=data,
        generation_config=dict(facts.generation),
        source_tokenizer=source_tokenizer,
    )


def check_layers(network: NetworkConfig, arrays: int, *, where: str) -> None:
    """Refuse more layers than there are arrays, before a shape is computed for each of them.

    Raises:
        ArtifactError: If there are.
    """
    if network.num_layers > arrays:
        got = f"{counted(network.num_layers, 'layer')} and {counted(arrays, 'array')}"
        raise ArtifactError(f"{where}: num_layers", expected="arrays for every layer", got=got)


def untied(facts: ExportFacts) -> ExportFacts:
    """Return the facts of a network whose output layer went its own way."""
    return replace(facts, network=replace(facts.network, tied_output=False))
