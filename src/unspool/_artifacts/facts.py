"""The facts about the training data in config.json, checked for whoever reads them."""

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any

from unspool._configuration import check, from_dict, is_whole


@dataclass(frozen=True)
class PartSizes:
    """The sizes of one part of the texts: the part to learn from, or the held-out one.

    Args:
        records: Number of its records.
        symbols: Number of its tokens.
        characters: Number of its characters.
    """

    records: int
    symbols: int
    characters: int

    def __post_init__(self) -> None:
        """Check that the numbers can be those of texts."""
        for name, number in vars(self).items():
            check(name, number, "a whole number ≥ 0", is_whole(number, least=0))


@dataclass(frozen=True)
class SampleSettings:
    """The samples that a training writes after each evaluation; none if there are no prompts.

    Args:
        prompts: The texts that are continued, or the sources that are answered.
        temperatures: The temperatures at which they are.
    """

    prompts: tuple[str, ...] = ()
    temperatures: tuple[float, ...] = ()


@dataclass(frozen=True)
class DataFacts:
    """The keys under "data" in config.json that unspool writes; a model may have others.

    Args:
        description: The name of the texts, for people.
        document: Whether they are one document.
        records: The arguments that read them again; their source is a file's name, not its place.
        validation: Likewise for held-out texts that were given.
        sizes: The sizes of each part.
        fingerprints: A hash of each part.
        samples: The samples that the training writes.
        context: The schema of what is known of each text.
        precision: The number format of products in training.
        novelty_index: Whether an index of the training texts was asked for.
        canaries: The secrets that were planted.
    """

    description: str | None = None
    document: bool | None = None
    records: Mapping[str, Any] | None = None
    validation: Mapping[str, Any] | None = None
    sizes: Mapping[str, PartSizes] | None = None
    fingerprints: Mapping[str, Any] | None = None
    samples: SampleSettings | None = None
    context: Mapping[str, Any] | None = None
    precision: str | None = None
    novelty_index: bool | None = None
    canaries: Mapping[str, Any] | None = None


def check_facts(data: Mapping[str, Any], *, where: str) -> None:
    """Check the values of the known keys.

    Args:
        data: What is under "data" in config.json.
        where: The name of the file, for messages.

    Raises:
        ConfigError: If a value has a wrong type.
    """
    known = {field.name for field in fields(DataFacts)}
    from_dict(DataFacts, {key: data[key] for key in data if key in known}, where=f"{where}: data")
