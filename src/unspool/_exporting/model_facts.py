"""What a model that leaves says of itself, beside its weights and tokenizers."""

from importlib.metadata import version
from typing import Any

from unspool._configuration import from_dict, to_dict, to_plain
from unspool._errors import spelled
from unspool._exporting.exporter import ModelToExport
from unspool._generation.options.generation_options import GenerationOptions
from unspool._network.conditions import schema_of
from unspool._text.tokenizers.word_tokens import word_pattern

FORMAT = 1  # of what a model says of itself


def facts_of(exported: ModelToExport) -> dict[str, Any]:
    """Return the facts of a model in plain JSON types; none of them says where it was made.

    Args:
        exported: The model.

    Returns:
        Who made it (``unspool`` and its version), its name, precision and what that costs, the network, the
        attributes of its context, the options of generation that are not the usual ones, and the regular
        expression of a word, in Python's spelling, if its symbols are words.
    """
    model = exported.model
    schema = schema_of(model.data)
    tokenizers = [one for one in (model.tokenizer, model.source_tokenizer) if one is not None]
    return {
        "format_version": FORMAT,
        "unspool": version("unspool"),
        "name": spelled(exported.name),
        "precision": exported.precision,
        "bits_per_character_lost": exported.cost,
        "network": to_dict(model.network),
        "context": [] if schema is None else to_plain(schema.attributes),
        "generation": _unusual_options(model.generation_config),
        "word_pattern": word_pattern() if any(one.kind == "word" for one in tokenizers) else None,
    }


def _unusual_options(stored: dict[str, Any]) -> dict[str, Any]:
    """Return the options that differ from the usual ones, and those that every writer needs."""
    options = to_dict(from_dict(GenerationOptions, stored, where="generation_config.json"))
    usual = to_dict(GenerationOptions())
    needed = ("temperature", "max_new_tokens")
    return {name: value for name, value in options.items() if name in needed or value != usual[name]}
