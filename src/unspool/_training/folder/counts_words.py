"""What is said of the counts beside a network: their size, their worth, what they tell of the text."""

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, fields
from typing import Any

from unspool._artifacts.belonging import COUNTS
from unspool._configuration import is_real
from unspool._kernels.counts import CountTable
from unspool._screen.wording import counted, size
from unspool._training.records import CountsRecord

HEADING, NEXT_HEADING = "## The counts beside the network", "## Limits"
SECTION = re.compile(rf"^{HEADING}$.*?(?=^## |\Z)", re.DOTALL | re.MULTILINE)


@dataclass(frozen=True, kw_only=True)
class CountsFacts:
    """The facts about the counts of a model.

    Args:
        order: Symbols of the longest context.
        contexts: Number of contexts.
        bytes: Bytes of the table.
        network_bits_per_character: Bits per character of the network alone on held-out text, measured at the
            end of the training; None if that is not known.
        bits_per_character: The same with the counts.
    """

    order: int
    contexts: int
    bytes: int
    network_bits_per_character: float | None
    bits_per_character: float | None

    @property
    def size(self) -> str:
        """How many contexts there are, and what they weigh."""
        order = counted(self.order, "symbol")
        return f"{counted(self.contexts, 'context')} of up to {order} ({size(self.bytes)})"

    @property
    def worth(self) -> str | None:
        """The bits per character with and without them; None if they are not known."""
        if self.bits_per_character is None or self.network_bits_per_character is None:
            return None
        without = f"{self.network_bits_per_character:.4f} without them"
        return f"{self.bits_per_character:.4f} bits per character on held-out text, {without}"

    @property
    def left_out(self) -> str:
        """That they are left out of what leaves, and what the model loses without them."""
        cost = "was not measured"
        if self.bits_per_character is not None and self.network_bits_per_character is not None:
            lost = self.network_bits_per_character - self.bits_per_character
            cost = f"is {lost:.4f} bits per character on held-out text"
        return f"the counts of the training text are left out, whose worth {cost}"

    @property
    def revealed(self) -> str:
        """What whoever has the counts can know of the training text."""
        order = counted(self.order, "symbol")
        return (
            f"every context of up to {order} that occurs at least twice in the training text, with what "
            f"followed it, can be read out of {COUNTS}, and longer passages that occur twice can be put "
            "together from them; what occurs once is not in it as a context"
        )

    @property
    def section(self) -> str:
        """Their section of the model card."""
        worth = "" if self.worth is None else f" The model has {self.worth}, to which they were fitted."
        revealed = f"{self.revealed[:1].upper()}{self.revealed[1:]}."
        return f"{HEADING}\n\nThe model keeps {self.size} of the training text.{worth} {revealed}"


def counts_facts(table: CountTable | None, history: Iterable[Mapping[str, Any]]) -> CountsFacts | None:
    """Return the facts about the counts of a model.

    Args:
        table: The counts, or None.
        history: The lines of the training, of which the last one about counts has the bits.

    Returns:
        The facts; None for a model without counts.
    """
    if table is None:
        return None
    lines: list[Mapping[str, Any]] = [line for line in history if line.get("kind") == CountsRecord.kind]
    line = lines[-1] if lines else {}
    network, together = (
        float(line[name]) if is_real(line.get(name)) else None
        for name in ("network_bits_per_character", "bits_per_character")
    )
    return CountsFacts(
        order=table.order,
        contexts=table.symbols.size,
        bytes=table.nbytes,
        network_bits_per_character=network,
        bits_per_character=together,
    )


def facts_of_record(record: CountsRecord) -> CountsFacts | None:
    """Return the facts about counts from the record of a training; None if they were not kept."""
    if not record.kept:
        return None
    return CountsFacts(**{field.name: getattr(record, field.name) for field in fields(CountsFacts)})


def card_with_counts(card: str, facts: CountsFacts | None) -> str:
    """Return a model card that says of counts what holds now, and is otherwise as it was.

    Args:
        card: The card; it may have a section about counts.
        facts: The facts about the counts; None for a model without them.
    """
    if SECTION.search(card):
        card = SECTION.sub("", card).rstrip("\n") + "\n"
    if facts is None:
        return card
    before, limits, after = card.partition(f"\n{NEXT_HEADING}\n")
    return f"{before.rstrip()}\n\n{facts.section}\n{limits}{after}"
