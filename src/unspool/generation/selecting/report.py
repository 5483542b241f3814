"""What became of the texts that were drawn."""

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class CollectionReport:
    """Tell what became of every text that was drawn: attempts = accepted + all that were refused.

    A text is refused for the first reason that holds, in the order of the fields.

    Args:
        asked: Texts asked for, over all prompts.
        accepted: Texts given back.
        attempts: Texts drawn and judged.
        blocked: Refused since they do not meet the constraint: other options forbade all that it allowed.
        cut_off: Refused since the limit ended them (`finished`).
        duplicates: Refused since they were accepted before (`unique`).
        copies: Refused since they stand in the training texts (`novel`).
        invalid: Refused by `valid`.
        seconds: Time since the first was asked for.
    """

    asked: int
    accepted: int = 0
    attempts: int = 0
    blocked: int = 0
    cut_off: int = 0
    duplicates: int = 0
    copies: int = 0
    invalid: int = 0
    seconds: float = 0.0

    @property
    def complete(self) -> bool:
        """Tell whether all texts that were asked for are there."""
        return self.accepted == self.asked

    def __str__(self) -> str:
        """Say it in a line."""
        refused = [
            (self.blocked, "that could not meet the constraint"),
            (self.cut_off, "cut off"),
            (self.duplicates, "duplicates"),
            (self.copies, "copies of known texts"),
            (self.invalid, "invalid"),
        ]
        told = ", ".join(f"{count:,} {name}" for count, name in refused if count) or "none rejected"
        return (
            f"{self.accepted:,} of {self.asked:,} texts after {self.attempts:,} attempts "
            f"in {self.seconds:.1f} s ({told})"
        )
