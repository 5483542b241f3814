"""Decide whether a network copies: counts become a verdict and a sentence.

The rules:

- **copying**: the longest spans that its texts share with the training text are longer than those of held-out
  texts (see `lengths.compare`); or clearly more of its texts occur word for word in the training text than by
  chance, and at least `EXCESS` more; or, if too little is held out for a comparison, at least `HALF` do.
- **not copying**: a comparison was possible, and none of this holds.
- **unknown**: none of this holds, but no comparison was possible.

By chance: the hash of a text decides whether it is held out. So a network that knows the language, rather
than its training texts, writes unseen real texts as easily as seen ones. If b different texts of the network
are held-out records, b · (different training records) / (different held-out records) are training records by
chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unspool._evaluation.audit.copying import CopiedText
from unspool._evaluation.audit.lengths import (
    CLEARLY,
    FEWEST,
    LengthComparison,
    LengthSpread,
    compare,
    spread_of,
)
from unspool._screen.wording import counted

EXCESS = 0.05
HALF = 0.5

CopyingVerdict = Literal["copying", "not copying", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Counts of the different generated texts that are whole records; not used for one document.

    Args:
        different: Number of different generated texts.
        in_training: Number of them that are training records.
        in_held_out: Number of them that are held-out records.
        training: Number of different training records.
        held_out: Number of different held-out records.
        repeated_share: Share of the training records whose text occurs in another one as well.
    """

    different: int
    in_training: int
    in_held_out: int
    training: int
    held_out: int
    repeated_share: float

    @property
    def by_chance(self) -> float | None:
        """Return how many would be training records by chance; None if too little is held out."""
        if self.held_out < FEWEST:
            return None
        return min(float(self.different), self.in_held_out * self.training / self.held_out)

    @property
    def beyond_chance(self) -> bool:
        """Return whether clearly more are training records, by the binomial distribution of the hits."""
        expected = self.by_chance
        if expected is None or self.in_training - expected < EXCESS * self.different:
            return False
        hits, share = self.in_training + self.in_held_out, self.training / (self.training + self.held_out)
        return self.in_training - hits * share >= CLEARLY * math.sqrt(hits * share * (1 - share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """The verdict on whether generated texts copy the training text.

    Args:
        verdict: "copying", "not copying" or "unknown", by the rules of this module.
        sentence: The verdict for people, with the numbers.
        verbatim_share: Share of the generated texts that occur word for word in the training text.
        whole: Counts of different texts that are whole records, beside chance; None for one document.
        lengths: Longest copied span of each generated text, in characters; None without a text.
        held_out_lengths: Longest copied span of each held-out real text, in characters; None without one.
        comparison: The comparison of both lengths; None if there are too few texts.
        samples: All generated texts.
        held_out: The real texts that they are compared with.
    """

    verdict: CopyingVerdict
    sentence: str
    verbatim_share: float
    whole: Whole | None
    lengths: LengthSpread | None
    held_out_lengths: LengthSpread | None
    comparison: LengthComparison | None
    samples: tuple[CopiedText, ...]
    held_out: tuple[CopiedText, ...]


def judge_copying(
    samples: Sequence[CopiedText], held_out: Sequence[CopiedText], *, whole: Whole | None
) -> Copying:
    """Return the verdict by the rules of this module.

    Args:
        samples: The generated texts.
        held_out: Held-out real texts, cut to the same lengths.
        whole: The counts of whole records; None for one document.
    """
    sample_lengths, held_out_lengths = ([text.copied for text in texts] for texts in (samples, held_out))
    comparison = compare(sample_lengths, held_out_lengths)
    share = sum(text.verbatim for text in samples) / max(1, len(samples))
    beyond = whole is not None and whole.beyond_chance
    verdict: CopyingVerdict = "not copying" if comparison else "unknown"
    if (comparison and comparison.verdict == "more") or beyond or (not comparison and share >= HALF):
        verdict = "copying"
    lengths, real = spread_of(sample_lengths), spread_of(held_out_lengths)
    sentences = [_of_lengths(comparison, lengths, real), _of_whole(share, whole)]
    return Copying(
        verdict=verdict,
        sentence=" ".join(sentences),
        verbatim_share=share,
        whole=whole,
        lengths=lengths,
        held_out_lengths=real,
        comparison=comparison,
        samples=tuple(samples),
        held_out=tuple(held_out),
    )


def _of_lengths(
    comparison: LengthComparison | None, lengths: LengthSpread | None, real: LengthSpread | None
) -> str:
    if lengths is None:
        return "The model wrote nothing."
    span = f"Longest passage shared with the training text: median {counted(lengths.median, 'character')}"
    if comparison is None or real is None:
        return f"{span} (too little held-out text to compare with)."
    claim = ": the model copies" if comparison.verdict == "more" else ""
    return f"{span} (real held-out texts: {real.median}){claim}."


def _of_whole(share: float, whole: Whole | None) -> str:
    if whole is None or whole.by_chance is None:
        return f"Exact copies: {share:.1%} of the texts."
    number = f"{whole.in_training:,}" if whole.in_training else "None"
    copies = "are exact copies" if whole.in_training > 1 else "is an exact copy"
    clearly = ", clearly more" if whole.beyond_chance else ""
    expected = f"({whole.by_chance:,.0f} expected by chance{clearly})"
    return f"{number} of {whole.different:,} distinct texts {copies} {expected}."
