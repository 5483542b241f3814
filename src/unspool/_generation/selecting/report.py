"""The report on the texts that were drawn."""

from dataclasses import dataclass

from unspool._screen.wording import counted


@dataclass(frozen=True, kw_only=True)
class CollectionReport:
    """The report on a collection of texts: attempts = accepted + all refused texts.

    A refused text counts for the first reason that applies, in the order of the fields.

    Args:
        asked: Number of texts to collect, over all prompts.
        accepted: Number of texts that were accepted.
        attempts: Number of texts that were drawn and judged.
        blocked: Number of texts that do not meet the constraint, since other options forbid all its tokens.
        cut_off: Number of texts that the limit ended (`finished`).
        duplicates: Number of texts that were accepted before (`unique`).
        copies: Number of texts that are among the known texts (`novel`).
        invalid: Number of texts that `valid` refused.
        cut: Number of accepted texts that `max_new_tokens` ended.
        seconds: Time since the first draw.
        held_out_copies: Number of texts among `copies` that are not among the training texts, but among those
            that the training held out.

    Example:
        >>> from unspool import CollectionReport
        >>> str(CollectionReport(asked=2, accepted=2, attempts=3, duplicates=1, seconds=0.5))
        '2 of 2 texts after 3 attempts in 0.5 s (1 duplicate)'
    """

    asked: int
    accepted: int = 0
    attempts: int = 0
    blocked: int = 0
    cut_off: int = 0
    duplicates: int = 0
    copies: int = 0
    invalid: int = 0
    cut: int = 0
    seconds: float = 0.0
    held_out_copies: int = 0

    @property
    def complete(self) -> bool:
        """Whether all texts to collect were found."""
        return self.accepted == self.asked

    def __str__(self) -> str:
        """Return the report as one line of text."""
        held_out = f", {self.held_out_copies:,} of them held-out ones" if self.held_out_copies else ""
        refused = {
            f"{self.blocked:,} that could not meet the constraint": self.blocked,
            f"{self.cut_off:,} cut off": self.cut_off,
            counted(self.duplicates, "duplicate"): self.duplicates,
            counted(self.copies, "copy", "copies") + f" of known texts{held_out}": self.copies,
            f"{self.invalid:,} invalid": self.invalid,
        }
        reasons = ", ".join(words for words, count in refused.items() if count) or "none rejected"
        return (
            f"{self.accepted:,} of {counted(self.asked, 'text')} after {counted(self.attempts, 'attempt')} "
            f"in {self.seconds:.1f} s ({reasons})"
        )
