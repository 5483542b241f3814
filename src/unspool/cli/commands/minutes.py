"""What `unspool train CORPUS --minutes M` does before it trains: choose how to read and what to train."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from unspool.cli.flags.flag import FlagValues
from unspool.cli.open_corpus import open_corpus
from unspool.cli.output.printing import note

if TYPE_CHECKING:
    from unspool.model import Generator
    from unspool.network.config import NetworkConfig
    from unspool.text.records import Records
    from unspool.training.config import TrainingConfig

STANDARD_INPUT = "-"
PLAIN = "text"  # the format whose lines may be those of a document


@dataclass(frozen=True)
class Choice:
    """Hold what `unspool.train` is to get."""

    records: "Records"
    validation: "Records | None"
    network: "NetworkConfig"
    training: "TrainingConfig"


def is_left_to_choose(training: dict[str, Any]) -> bool:
    """Tell whether there is a time for the training and nothing else that says when it ends."""
    return training.get("minutes") is not None and "epochs" not in training


def choose(
    corpus: str,
    flags: FlagValues,
    *,
    validation: str | None,
    origin: "Generator | None",
) -> Choice:
    """Choose what was not given, and say on standard error what and why.

    Args:
        corpus: What the user wrote.
        flags: The flags about reading, the tokenizer, the network and the training that were given,
            `minutes` among them.
        validation: The corpus to measure with, or None.
        origin: The model to go on from, whose network stays, or None.
    """
    from unspool.configuration import to_dict
    from unspool.planning.choosing import plan_training

    records, reason = open_for_choosing(corpus, flags.reading)
    held_out = None if validation is None else open_for_choosing(validation, flags.reading)[0]
    fixed, tokens = dict(flags.network), flags.tokens
    if origin is not None:
        fixed = {**to_dict(origin.network), **flags.network}
        del fixed["vocab_size"]  # the new text may have new symbols
        tokens = {"tokenizer": origin.tokenizer}
    plan = plan_training(
        records,
        minutes=flags.training["minutes"],
        network=fixed,
        training={name: value for name, value in flags.training.items() if name != "minutes"},
        validation=held_out,
        **tokens,
    )
    note("\n".join((reason, *plan.reasons)))
    return Choice(records, held_out, plan.network, plan.training)


def open_for_choosing(corpus: str, reading: dict[str, Any]) -> "tuple[Records, str]":
    """Open a corpus that will be read twice, a plain text by line or whole, as it looks.

    Returns:
        The records, and a sentence that says how they are read and why.
    """
    records = open_corpus(corpus, reading)
    if corpus == STANDARD_INPUT:
        records = records.gathered()
    if "document" in reading:
        return records, f"Read as {kind(records)}, as given."
    if records.spec.get("format") != PLAIN or corpus == STANDARD_INPUT or "split" in reading:
        return records, f"Read as {kind(records)}: use --document for one long document."
    from unspool.planning.mode import told_mode

    whole = open_corpus(corpus, {**reading, "document": True})
    mode = told_mode(next(iter(whole)).text)
    return whole if mode.document else records, f"Read as {mode.reason}."


def kind(records: "Records") -> str:
    """Say what the records are."""
    return "one document" if records.document else "separate texts"
