"""Does a network copy? What was counted becomes a verdict and a sentence.

The rules:

- **copying**: the longest spans that its texts share with the training text are longer than those of held-out
  texts (see `lengths.compare`); or clearly more of its texts stand word for word in the training text than by
  chance, and at least `EXCESS` more; or, where too little is held out to compare with, at least `HALF` do.
- **not copying**: there was something to compare with, and none of this holds.
- **unknown**: none of this holds, but there was nothing to compare with.

By chance: whether a text is held out is decided by its hash. So a network that knows a language rather than
its training texts writes real texts that it never saw as easily as those that it did. If b different ones of
its texts are held-out records, b · (different training records) / (different held-out records) are training
records by chance.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from unspool.evaluation.audit.copying import CopiedText
from unspool.evaluation.audit.lengths import (
    CLEARLY,
    FEWEST,
    LengthComparison,
    LengthSpread,
    compare,
    spread_of,
)

EXCESS = 0.05
HALF = 0.5

CopyingVerdict = Literal["copying", "not copying", "unknown"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Whole:
    """Count the different generated texts that are records; None where the text is one document.

    Args:
        different: Different generated texts.
        in_training: Those that are training records.
        in_held_out: Those that are held-out records.
        training: Different training records.
        held_out: Different held-out records.
        repeated_share: Share of the training records whose text another of them has as well.
    """

    different: int
    in_training: int
    in_held_out: int
    training: int
    held_out: int
    repeated_share: float

    @property
    def by_chance(self) -> float | None:
        """Give how many would be training records by chance; None where too little is held out to tell."""
        if self.held_out < FEWEST:
            return None
        return min(float(self.different), self.in_held_out * self.training / self.held_out)

    @property
    def beyond_chance(self) -> bool:
        """Tell whether clearly more are training records, by the binomial distribution of the hits."""
        expected = self.by_chance
        if expected is None or self.in_training - expected < EXCESS * self.different:
            return False
        hits, share = self.in_training + self.in_held_out, self.training / (self.training + self.held_out)
        return self.in_training - hits * share >= CLEARLY * math.sqrt(hits * share * (1 - share))


@dataclass(frozen=True, slots=True, kw_only=True)
class Copying:
    """Tell how much of the training text is in generated texts.

    Args:
        verdict: "copying", "not copying" or "unknown", by the rules of this module.
        sentence: The same for people, with the figures.
        verbatim_share: Share of the generated texts that stand word for word in the training text.
        whole: The same counted by different texts, beside chance; None where the text is one document.
        lengths: Longest copied span of each generated text, in characters; None for no text.
        held_out_lengths: The same of held-out real texts; None where there are none.
        comparison: Which of the two are longer; None where there are too few.
        samples: Every generated text.
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
    """Judge by the rules of this module.

    Args:
        samples: The generated texts.
        held_out: Real texts that were held out, cut to the same lengths.
        whole: The counts of whole records; None where the text is one document.
    """
    ours, theirs = ([text.copied for text in texts] for texts in (samples, held_out))
    comparison = compare(ours, theirs)
    share = sum(text.verbatim for text in samples) / max(1, len(samples))
    beyond = whole is not None and whole.beyond_chance
    verdict: CopyingVerdict = "not copying" if comparison else "unknown"
    if (comparison and comparison.verdict == "more") or beyond or (not comparison and share >= HALF):
        verdict = "copying"
    lengths, real = spread_of(ours), spread_of(theirs)
    told = [_of_lengths(comparison, lengths, real), _of_whole(share, whole)]
    return Copying(
        verdict=verdict,
        sentence=" ".join(told),
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
        return "It wrote nothing."
    ours = f"the longest span that a text shares with the training text has {lengths.median} characters"
    if comparison is None or real is None:
        return f"In the middle {ours}; too little text is held out to compare it with."
    claims = {
        "more": "It copies more than real texts repeat each other",
        "as much": "It copies no more than real texts repeat each other",
        "less": "It copies less than real texts repeat each other",
    }
    return f"{claims[comparison.verdict]}: in the middle {ours}, and {real.median} for held-out real texts."


def _of_whole(share: float, whole: Whole | None) -> str:
    told = f"{share:.1%} of its texts stand word for word in the training text"
    if whole is None or whole.by_chance is None:
        return f"{told}."
    counted = f"{whole.in_training:,} of {whole.different:,} different ones"
    clearly = ", clearly more than" if whole.beyond_chance else ";"
    return f"{told}: {counted}{clearly} {whole.by_chance:,.0f} would by chance."
