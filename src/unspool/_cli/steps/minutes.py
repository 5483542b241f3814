"""The choices of `unspool train CORPUS --minutes M`: how to read the corpus and what to train."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from unspool._cli.flags.flag import FlagValues
from unspool._cli.open_corpus import open_corpus
from unspool._cli.output.printing import note

if TYPE_CHECKING:
    from unspool._model import Generator
    from unspool._network.config import NetworkConfig
    from unspool._planning.choosing import TrainingPlan
    from unspool._text.records import Records
    from unspool._training.config import TrainingConfig


@dataclass(frozen=True)
class Choice:
    """The arguments for `unspool.train`."""

    records: "Records"
    validation: "Records | None"
    network: "NetworkConfig | None" = None
    training: "TrainingConfig | None" = None
    plan: "TrainingPlan | None" = None


def is_left_to_choose(training: dict[str, Any]) -> bool:
    """Return whether only a time limit decides when the training ends."""
    return training.get("minutes") is not None and "epochs" not in training


def choose(
    corpus: Sequence[str],
    flags: FlagValues,
    *,
    validation: str | None,
    origin: "Generator | None",
    rows: "tuple[Records, Records | None] | None" = None,
) -> Choice:
    """Choose the missing values, and print them with the reasons on standard error.

    Args:
        corpus: The corpus that the user named.
        flags: The given flags on reading, the tokenizer, the network and the training, with `minutes`.
        validation: The held-out corpus, or None.
        origin: The model to train further, whose network stays, or None.
        rows: The rows of a table, and those that are held out; None for texts.
    """
    from unspool._planning.choosing import plan_training
    from unspool._planning.mode import read_as_it_looks

    if rows is None:
        records, reason = read_as_it_looks(partial(open_corpus, corpus), flags.reading)
        likewise = flags.reading | ({"document": True} if records.document else {})
        held_out = None if validation is None else open_corpus(validation, likewise)
    else:
        (records, held_out), reason = rows, "Read as the rows of a table."
    plan = plan_training(
        records,
        minutes=flags.training["minutes"],
        network=flags.network,
        training={name: value for name, value in flags.training.items() if name != "minutes"},
        validation=held_out,
        init_from=origin,
        **flags.tokens,
    )
    note("\n".join((reason, *plan.reasons)))
    return Choice(records, held_out, plan=plan)
